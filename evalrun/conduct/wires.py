"""suite.plan -> providers.wire: for each cell the request that was sent last, as it goes over HTTP.

Most cells of a column differ in their texts alone, so what is worked out for one of them, with marks where its texts
stand, serves them all.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace

from evalrun.errors import UsageError
from evalrun.providers.wire import wire_request
from evalrun.records.message import Image, Message
from evalrun.records.plan import Cell, Plan
from evalrun.records.request import Request
from evalrun.records.row import Row
from evalrun.records.suite import Model, Provider
from evalrun.records.wire import MARK_START, Wire, WireRequest, picture_mark, text_mark
from evalrun.suite.plan import first_request, prompt_of

SIMULATOR = "http://127.0.0.1:8080"
"""Where `evalrun simulate` listens unless it is told otherwise."""

_START_IT = "first start the simulated models in another terminal: evalrun simulate"
_SHAPES_KEPT = 4096

Shape = tuple[object, ...]


class Wires:
    """The requests of a plan's cells.

    Mutable state: the requests of the shapes met so far, a bounded number, and what was found of the last messages.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._models = {model.label: model for model in plan.suite.models}
        self._met: dict[Shape, WireRequest | str] = {}
        self._said = _Said.of(())

    def __call__(self, row: Row) -> Wire | str:
        """The last request of a row that was read with its messages; a cell that was not asked has its first one.

        A text says why there is none.
        """
        model = self._models[row.column.model]
        if model.recorded is not None:
            return f"nothing was sent: the answer comes from {model.recorded.file}"
        messages = row.messages or first_request(self._plan, row.cell).messages
        if messages is not self._said.messages:  # the columns of a case are often asked the same
            self._said = _Said.of(messages)
        texts = self._said.texts
        if not self._said.marked:
            request = replace(first_request(self._plan, row.cell), messages=messages)
            made = self._made(request, model, marked=False)
            return made if isinstance(made, str) else Wire(request=made)
        shape = self._shape(row.cell)
        made = self._met.get(shape, "")
        if not made:
            made = self._made(replace(first_request(self._plan, row.cell), messages=messages), model, marked=True)
            if len(self._met) >= _SHAPES_KEPT:
                self._met.clear()
            self._met[shape] = made
        if isinstance(made, str):
            return made
        if not made.marked:
            texts = ()
        return Wire(request=made, texts=texts, pictures=self._pictures(messages))

    def _shape(self, cell: Cell) -> Shape:
        """The same for requests that differ in their texts alone; their messages are those met last."""
        case, prompt = self._plan.suite.cases[cell.case], prompt_of(self._plan, cell)
        own = json.dumps(dict(case.params), sort_keys=True, default=str) if case.params else ""
        tools = cell.case if prompt.tools_from else -1
        return (cell.column, cell.sample, own, tools, *self._said.forms)

    def _made(self, request: Request, model: Model, *, marked: bool) -> WireRequest | str:
        if marked and not _may_be_marked(request):
            return self._made(request, model, marked=False)  # a mark could be mistaken for what is no mark
        provider = self._plan.suite.providers[model.provider]
        asked = _marked(request) if marked else request
        try:
            found = wire_request(_placed(provider), asked)
        except (ValueError, TypeError, RecursionError, UsageError) as error:
            return f"this request cannot be written: {error}"
        about = "; ".join(filter(None, (found.about, "" if provider.base_url else _START_IT)))
        return replace(found, marked=marked, about=about)

    def _pictures(self, messages: tuple[Message, ...]) -> tuple[tuple[str, str], ...]:
        known = self._plan.suite.pictures
        return tuple((digest, known[digest].base64) for digest in _shown(messages) if digest in known)


@dataclass(frozen=True, slots=True)
class _Said:
    """Messages, their texts, what of each is not its texts, and whether marks can stand in the texts' place."""

    messages: tuple[Message, ...]
    texts: tuple[str, ...]
    forms: tuple[object, ...]
    marked: bool

    @classmethod
    def of(cls, messages: tuple[Message, ...]) -> _Said:
        """What is to be found of *messages*."""
        texts = _texts(messages)
        calls = any(message.tool_calls or message.carried for message in messages)
        marked = not calls and all(text.strip() for text in texts)
        return cls(messages, texts, tuple(map(_form, messages)), marked)


def _placed(provider: Provider) -> Provider:
    """The provider with an address: that of `evalrun simulate` where a simulator of its own was asked."""
    if provider.base_url or not provider.simulated:
        return provider
    azure = provider.dialect.startswith("azure-")  # whose addresses begin at the root
    return replace(provider, base_url=SIMULATOR if azure else f"{SIMULATOR}/v1")


def _texts(messages: tuple[Message, ...]) -> tuple[str, ...]:
    """The texts of all messages, in order."""
    return tuple(
        part
        for message in messages
        for part in ((message.content,) if isinstance(message.content, str) else message.content)
        if isinstance(part, str)
    )


def _form(message: Message) -> object:
    """What of a message is not its texts."""
    if isinstance(message.content, str):
        return message.role, message.name, message.tool_call_id
    parts = tuple("" if isinstance(part, str) else (part.source, part.detail) for part in message.content)
    return message.role, message.name, message.tool_call_id, parts


def _may_be_marked(request: Request) -> bool:
    """Whether nothing in the request but its texts holds the character that a mark begins with."""
    said = [dict(request.params), [[t.name, t.description, dict(t.parameters)] for t in request.tools], request.model]
    fixed = [[message.role, message.name, message.tool_call_id] for message in request.messages]
    sources = [[image.source, image.detail] for message in request.messages for image in message.images]
    kinds = [picture.media_type for picture in request.pictures.values()]
    return MARK_START not in json.dumps([said, fixed, sources, kinds], default=str, ensure_ascii=False)


def _marked(request: Request) -> Request:
    """The request with marks for its texts and for the bytes of its pictures."""
    numbers = itertools.count()

    def part(one: str | Image) -> str | Image:
        return one if isinstance(one, Image) else text_mark(next(numbers))

    messages = []
    for message in request.messages:
        content = message.content
        marks = text_mark(next(numbers)) if isinstance(content, str) else tuple(map(part, content))
        messages.append(replace(message, content=marks))
    shown = [digest for digest in _shown(request.messages) if digest in request.pictures]
    pictures = {
        digest: replace(request.pictures[digest], base64=picture_mark(number)) for number, digest in enumerate(shown)
    }
    return replace(request, messages=tuple(messages), pictures=pictures)


def _shown(messages: tuple[Message, ...]) -> tuple[str, ...]:
    """What the messages show, each picture once, in order."""
    return tuple(dict.fromkeys(image.source for message in messages for image in message.images))

"""What only the drawer needs of a cell: the conversation, scores with reasons, code that asks again, the reply.

Strings are as they were said; whoever writes them into a page makes them visible (cell_texts). What many cells have in
common (a request but for its texts, pictures, tools) is told once, as `shared`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from evalrun.records.human import HUMAN, NO_NOTE
from evalrun.records.message import Image, Message, ToolCall
from evalrun.records.outcome import Attempt, Failure, Response
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.wire import Wire, WireRequest
from evalrun.report.fields import to_json
from evalrun.report.snippets import LANGUAGES, body_json, filled, snippet
from evalrun.report.talk import called_tools, calls_text, tool_text, who
from evalrun.safe_text import visible

PICTURES_LIMIT = 16_000_000
"""Characters of all pictures together in base64, beyond which further ones are told by name."""

SHARED_AT_MOST = 2_000
"""How many requests are shared; any further one stands with its cell."""

CODE_LIMIT = 100_000
"""Characters of the code that stands with its cell; of longer code the drawer says how to print it."""

KEY_DIGITS = 8
"""How much of a request's key a page holds: enough to tell whether a verdict is of the same request."""

_WORTH_TELLING_S = 0.1

WireOf = Callable[[Row], Wire | str]
"""The last request of a row, or why there is none."""


class CellDetails:
    """The details of cells, one after the other. What it keeps is what they share, which is bounded."""

    def __init__(self, plan: Plan, wire_of: WireOf | None = None, *, text_limit: int) -> None:
        """Of a text of more than *text_limit* characters the page has only the beginning, and no code is made of it."""
        self._known = plan.suite.pictures
        self._wire_of = wire_of
        self._text_limit = text_limit
        self._requests: dict[int, tuple[int, WireRequest]] = {}
        self._codes: list[list[str]] = []
        self._pictures: dict[str, int] = {}
        self._room = PICTURES_LIMIT
        self._tools: dict[tuple[str, ...], int] = {}

    def conversation(self, messages: Sequence[Message]) -> list[Any]:
        """[[who, [text or picture …], [[call's name, its arguments] …]] …], and at its end, where texts hold what a
        page cannot show as it is, the texts as JSON text."""
        called = called_tools(messages)
        turns: list[Any] = []
        for message in messages:
            parts = [part if isinstance(part, str) else self._image(part) for part in _parts(message)]
            turn = [who(message, called), parts]
            turns.append([*turn, _calls(message.tool_calls)] if message.tool_calls else turn)
        texts = list(_texts(messages))
        return turns if all(visible(text) == text for text in texts) else [*turns, to_json(texts)]

    def of(self, row: Row) -> dict[str, Any]:
        """One cell, JSON-able; members that would be empty are left out.

        *scores* [name, value, passed, weight, reason, extracted], *code* (see `_code`), *reply* and *error* as they
        came, *refusal*, *reasoning*, *calls*, *choices* [text, calls, finish reason], *human* [verdict, note] as it was
        read already, and figures by name.
        """
        found: dict[str, Any] = {"key": row.cell.request_key[:KEY_DIGITS]}
        outcome = row.outcome
        if row.mark:
            found["scores"] = [
                [s.name, s.value, s.passed, s.weight, s.error or s.reason, s.extracted or ""] for s in row.mark.scores
            ]
            person = next((s for s in row.mark.scores if s.name == HUMAN and s.value is not None), None)
            if person is not None:
                found["human"] = [person.passed, "" if person.reason == NO_NOTE else person.reason]
        if self._wire_of is not None:
            found["code"] = self._code(self._wire_of(row), row.messages)
        if row.tools:
            found["tools"] = self._tools.setdefault(tuple(map(tool_text, row.tools)), len(self._tools))
        if isinstance(outcome, Response):
            found |= _said(outcome, row.model.name)
        elif isinstance(outcome, Failure):
            error = {"kind": str(outcome.kind), "status": outcome.http_status, "code": outcome.code}
            found["error"] = {name: value for name, value in error.items() if value}
        if outcome is not None and outcome.body:
            found["reply"] = outcome.body
        return found | dict(_figures(row))

    def shared(self) -> dict[str, Any]:
        """What the details so far point to: *codes* [curl, Python, JavaScript, its escapes, body, what to know first],
        *pictures* [media type, base64, name, width, height], *tools*, each a list of texts.
        """
        pictures = [self._known[digest] for digest in self._pictures]
        return {
            "codes": self._codes,
            "pictures": [[visible(p.media_type), p.base64, visible(p.name), p.width, p.height] for p in pictures],
            "tools": [list(map(visible, tools)) for tools in self._tools],
        }

    def _image(self, image: Image) -> dict[str, Any]:
        """A picture of the page by its place, or told by name where it is elsewhere or the page has no room."""
        picture = self._known.get(image.source)
        if picture is not None and image.source not in self._pictures and len(picture.base64) <= self._room:
            self._pictures[image.source] = len(self._pictures)
            self._room -= len(picture.base64)
        width, height = image.width or (picture and picture.width), image.height or (picture and picture.height)
        said = {
            "picture": self._pictures.get(image.source),
            "name": picture.name if picture and picture.name else image.source,
            "size": f"{width} × {height}" if width and height else None,
            "detail": None if image.detail == "auto" else image.detail,
        }
        return {name: value for name, value in said.items() if value is not None}

    def _code(self, wire: Wire | str, messages: Sequence[Message]) -> int | list[str] | dict[str, Any]:
        """The place of the cell's codes, which its texts fill; the codes themselves; or *why* there are none.

        ``{"long": true}``: they are too long for the page.
        """
        if isinstance(wire, str):
            return {"why": wire}
        request = wire.request
        if any(len(text) > self._text_limit for text in wire.texts):
            return {"long": True}
        whole = _hold(messages, wire.texts) and all(digest in self._pictures for digest, _ in wire.pictures)
        if request.marked and whole:
            known = self._requests.get(id(request))
            if known is not None and known[1] is request:
                return known[0]
            if len(self._codes) < SHARED_AT_MOST:
                self._codes.append(_codes(request, None))
                self._requests[id(request)] = (len(self._codes) - 1, request)
                return len(self._codes) - 1
        codes = _codes(request, wire)
        return {"long": True} if max(map(len, codes)) > CODE_LIMIT else codes


def _parts(message: Message) -> tuple[str | Image, ...]:
    return (message.content,) if isinstance(message.content, str) else message.content


def _texts(messages: Sequence[Message]) -> Iterator[str]:
    return (part for message in messages for part in _parts(message) if isinstance(part, str))


def _hold(messages: Sequence[Message], texts: tuple[str, ...]) -> bool:
    """Whether these are all texts of the messages."""
    if len(messages) == 1 and isinstance(messages[0].content, str):  # as most are
        return len(texts) == 1 and messages[0].content == texts[0]
    return tuple(_texts(messages)) == texts


def _codes(request: WireRequest, wire: Wire | None) -> list[str]:
    """The codes of a request and its body, filled where a *wire* says with what."""
    made = [*(snippet(request, language) for language in LANGUAGES), body_json(request)]
    curl, python, javascript, body = (filled(one, wire) if wire else one.code for one in made)
    return [curl, python, javascript, made[2].escapes, body, request.about]


def _calls(calls: Sequence[ToolCall]) -> list[list[str]]:
    """[name, arguments] each, these over several lines where they are long."""
    return [[call.name, calls_text([call])[len(call.name) + 1 : -1]] for call in calls]


def _said(response: Response, asked: str) -> dict[str, Any]:
    """What a reply holds besides its text; the model that answered where it is not called as the one that was asked."""
    said: dict[str, Any] = {}
    if response.refusal and not response.text:
        said["refusal"] = True
    if response.reasoning:
        said["reasoning"] = response.reasoning
    if response.tool_calls:
        said["calls"] = _calls(response.tool_calls)
    if response.choices:
        choices = [[c.text or c.refusal or "", _calls(c.tool_calls), c.finish_reason or ""] for c in response.choices]
        said["choices"] = choices
    if response.finish_reason:
        said["finish"] = response.finish_reason
    if response.model and response.model != asked:
        said["model"] = response.model
    if response.system_fingerprint:
        said["fingerprint"] = response.system_fingerprint
    return said


def _figures(row: Row) -> Iterator[tuple[str, Any]]:
    """Figures of the answer besides those of the table, where there are any."""
    if row.ttft_s is not None:
        yield "ttft", round(row.ttft_s, 4)
        if row.tokens_per_s is not None:
            yield "speed", round(row.tokens_per_s, 1)
    queued_s = retried_s = 0.0
    more_known = False
    for exchange in row.exchanges:
        queued_s += exchange.queue_s
        retried_s += exchange.retry_wait_s
        if isinstance(exchange.outcome, Response):
            usage = exchange.outcome.usage
            more_known = more_known or bool(usage.cached_tokens or usage.reasoning_tokens)
    if more_known:
        yield "cached", row.cached_tokens
        yield "thought", row.reasoning_tokens
    if queued_s >= _WORTH_TELLING_S:
        yield "queued", round(queued_s, 1)
    if retried_s >= _WORTH_TELLING_S:
        yield "retried", round(retried_s, 1)
    if row.exchanges and len(row.exchanges[-1].attempts) > 1:
        yield "tries", list(map(_attempt, row.exchanges[-1].attempts))


def _attempt(attempt: Attempt) -> list[Any]:
    """[how it ended, seconds, HTTP status or 0, message]."""
    return [attempt.result, round(attempt.latency_s, 3), attempt.http_status or 0, attempt.message]

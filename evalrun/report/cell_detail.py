"""What only the drawer needs of a cell: the conversation, scores with reasons, code that asks again, the reply.

Texts are as they were said, to the character, for code is made of them; the page makes them visible as it shows them.
What many cells have in common (a request but for its texts, pictures, tools) is told once, as `shared`. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from evalrun.records.message import Image, Message, ToolCall
from evalrun.records.outcome import Attempt, Choice, Failure, Response
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.score import Score
from evalrun.records.wire import Wire, WireRequest
from evalrun.report.snippets import LANGUAGES, body_json, filled, snippet
from evalrun.report.talk import called_tools, calls_text, tool_text, who

TEXT_LIMIT = 200_000
"""Characters of one text that the page keeps; the whole of it is in results.jsonl."""

PICTURES_LIMIT = 16_000_000
"""Characters of all pictures together in base64, beyond which further ones are told by name."""

SHARED_AT_MOST = 2_000
"""How many requests are shared; any further one stands with its cell."""

WireOf = Callable[[Row], Wire | str]
"""The last request of a row, or why there is none."""


class CellDetails:
    """The details of cells, one after the other. What it keeps is what they share, which is bounded."""

    def __init__(self, plan: Plan, wire_of: WireOf | None = None) -> None:
        self._known = plan.suite.pictures
        self._wire_of = wire_of
        self._requests: dict[int, tuple[int, WireRequest]] = {}
        self._codes: list[list[str]] = []
        self._pictures: dict[str, int] = {}
        self._room = PICTURES_LIMIT
        self._tools: dict[tuple[str, ...], int] = {}

    def of(self, row: Row) -> dict[str, Any]:
        """One cell, JSON-able; members that would be empty are left out."""
        outcome = row.outcome
        response = outcome if isinstance(outcome, Response) else None
        wire = self._wire_of(row) if self._wire_of else "this page was made without requests"
        said = self._messages(row)
        found = {
            "said": said,
            "tools": self._tools_of(row),
            "scores": [_score(score) for score in row.mark.scores] if row.mark else [],
            "code": self._code(wire, said),
            "reply": _cut(response.body if response else outcome.body if isinstance(outcome, Failure) else None),
            "error": _error(outcome) if isinstance(outcome, Failure) else None,
            "facts": _facts(row),
        }
        if response is not None:
            found["refusal"] = _cut(response.refusal)
            found["reasoning"] = _cut(response.reasoning)
            found["calls"] = _calls(response.tool_calls)
            found["choices"] = [_choice(choice) for choice in response.choices]
        return {name: value for name, value in found.items() if value not in (None, "", [], {})}

    def shared(self) -> dict[str, Any]:
        """What the details so far point to: *codes* [curl, Python, JavaScript, its escapes, body, what to know first],
        *pictures* [media type, base64, name, width, height, digest] and *tools*, each a list of texts."""
        pictures = [(digest, self._known[digest]) for digest in self._pictures]
        return {
            "codes": self._codes,
            "pictures": [[p.media_type, p.base64, p.name, p.width, p.height, digest] for digest, p in pictures],
            "tools": [list(tools) for tools in self._tools],
        }

    def _messages(self, row: Row) -> list[dict[str, Any]]:
        called = called_tools(row.messages)
        return [self._message(message, who(message, called)) for message in row.messages]

    def _message(self, message: Message, name: str) -> dict[str, Any]:
        content = message.content
        parts = (content,) if isinstance(content, str) else content
        said = {
            "who": name,
            "parts": [_cut(part) if isinstance(part, str) else self._image(part) for part in parts],
            "calls": _calls(message.tool_calls),
        }
        return said if said["calls"] else {"who": said["who"], "parts": said["parts"]}

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

    def _tools_of(self, row: Row) -> int | None:
        """The place of the tools that could be called."""
        if not row.tools:
            return None
        return self._tools.setdefault(tuple(map(tool_text, row.tools)), len(self._tools))

    def _code(self, wire: Wire | str, said: Sequence[dict[str, Any]]) -> int | list[str] | dict[str, Any]:
        """The place of the cell's codes, which its texts fill; the codes themselves; or *why* there are none."""
        if isinstance(wire, str):
            return {"why": wire}
        request = wire.request
        parts = [part for message in said for part in message["parts"]]
        texts = tuple(part for part in parts if isinstance(part, str))
        whole = texts == wire.texts and all(digest in self._pictures for digest in wire.pictures)
        if request.marked and whole:
            known = self._requests.get(id(request))
            if known is not None and known[1] is request:
                return known[0]
            if len(self._codes) < SHARED_AT_MOST:
                self._codes.append(_codes(request, None))
                self._requests[id(request)] = (len(self._codes) - 1, request)
                return len(self._codes) - 1
        codes = _codes(request, wire)
        return {"long": True} if sum(map(len, codes)) > TEXT_LIMIT else codes


def _codes(request: WireRequest, wire: Wire | None) -> list[str]:
    """The codes of a request and its body, filled where a *wire* says with what."""
    made = [*(snippet(request, language) for language in LANGUAGES), body_json(request)]
    curl, python, javascript, body = (filled(one, wire) if wire else one.code for one in made)
    return [curl, python, javascript, made[2].escapes, body, request.about]


def _cut(text: str | None) -> Any:
    """A text; a long one as {cut, of}: its beginning, and how many characters there are in all."""
    if text is None or len(text) <= TEXT_LIMIT:
        return text
    return {"cut": text[:TEXT_LIMIT], "of": len(text)}


def _calls(calls: Sequence[ToolCall]) -> list[list[str]]:
    """[name, arguments] each, these over several lines where they are long."""
    return [[call.name, calls_text([call])[len(call.name) + 1 : -1]] for call in calls]


def _choice(choice: Choice) -> list[Any]:
    return [_cut(choice.text or choice.refusal), _calls(choice.tool_calls), choice.finish_reason]


def _score(score: Score) -> list[Any]:
    """[name, value, passed, weight, reason, extracted, error]."""
    return [score.name, score.value, score.passed, score.weight, score.reason, _cut(score.extracted), score.error]


def _error(failure: Failure) -> dict[str, Any]:
    said = {"kind": str(failure.kind), "message": failure.message, "status": failure.http_status, "code": failure.code}
    return {name: value for name, value in said.items() if value}


def _facts(row: Row) -> dict[str, Any]:
    """Figures of the answer besides those of the table."""
    outcome = row.outcome
    response = outcome if isinstance(outcome, Response) else None
    said = {
        "ttft_s": None if row.ttft_s is None else round(row.ttft_s, 4),
        "tokens_per_s": None if row.tokens_per_s is None else round(row.tokens_per_s, 1),
        "cached_tokens": row.cached_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "tokens_method": str(row.tokens_method) if row.tokens_method else None,
        "model": response.model if response else None,
        "fingerprint": response.system_fingerprint if response else None,
        "finish_reason": response.finish_reason if response else None,
        "requests": len(row.exchanges) if len(row.exchanges) > 1 else None,
        "tries": list(map(_attempt, row.exchanges[-1].attempts)) if row.attempts > row.requests else None,
        "queue_s": round(sum(e.queue_s for e in row.exchanges), 3) or None,
        "retry_wait_s": round(sum(e.retry_wait_s for e in row.exchanges), 3) or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def _attempt(attempt: Attempt) -> list[Any]:
    """[how it ended, seconds, HTTP status, message]."""
    return [attempt.result, round(attempt.latency_s, 3), attempt.http_status, attempt.message]

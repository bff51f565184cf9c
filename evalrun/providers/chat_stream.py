"""Joins the chunks of a streamed chat completion into the completion that they add up to.  (pure)

Source: the OpenAI API reference, "The chat completion chunk object". What other vendors do differently is taken as it
comes: usage in the last chunk that has choices, tool calls without an index, whole or all of index 0, an id in every
fragment, an empty first chunk, content in parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalrun.providers import sse
from evalrun.providers.reading import DONE, dumped, string
from evalrun.providers.reply import NotJson, read_json

_TEXTS = frozenset({"content", "refusal", "reasoning", "reasoning_content"})
"""Members of a delta that come in pieces, and are what a model says."""

_OUTSIDE = frozenset({"choices", "object", "obfuscation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What a stream comes to: *said* is the completion, or the error that took its place.

    *done*: the mark at its end was there; *finished*: it has answers, each with a finish_reason. *answer_at* is how
    many bytes had come when the first piece of an answer was there, None where none came.
    """

    said: Any
    failed: bool = False
    done: bool = False
    finished: bool = False
    answer_at: int | None = None


def join(body: bytes) -> Joined:
    """The completion out of a stream. Raises NotJson for a chunk that is no JSON object."""
    top: dict[str, Any] = {}
    choices: dict[int, _Choice] = {}
    answer_at: int | None = None
    done = False
    for event in sse.events(body):
        if event.data.startswith(DONE):
            done = True
            break
        chunk = _chunk(event)
        if event.name == "error" or is_error(chunk):
            return Joined(said=chunk, failed=True)
        top.update({name: value for name, value in chunk.items() if value and name not in _OUTSIDE})
        spoke = False
        for position, part in enumerate(_dicts(chunk.get("choices"))):
            index = part.get("index")
            choice = choices.setdefault(index if type(index) is int else position, _Choice())
            spoke = choice.add(part) or spoke
        if spoke and answer_at is None:
            answer_at = event.end
    answers = [{"index": index, **choice.said()} for index, choice in sorted(choices.items())]
    return Joined(
        said={**top, "object": "chat.completion", "choices": answers},
        done=done,
        finished=bool(answers) and all(answer["finish_reason"] for answer in answers),
        answer_at=answer_at,
    )


def is_error(said: dict[str, Any]) -> bool:
    """Whether a body or a chunk is an error in place of an answer."""
    return bool(said.get("error")) or said.get("object") == "error"


def _chunk(event: sse.Event) -> dict[str, Any]:
    """What an event says; nothing where it only keeps the connection open."""
    if not event.data.strip():
        return {}
    try:
        chunk = read_json(event.data)
    except NotJson as reason:
        if event.name == "message":
            raise NotJson(f"in an event, {reason}") from None
        chunk = event.data
    if isinstance(chunk, list) and chunk:
        chunk = chunk[0]
    if isinstance(chunk, dict):
        return chunk
    if event.name == "message":
        raise NotJson("an event that is not a JSON object")
    return {"message": chunk} if event.name == "error" else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


class _Choice:
    """One answer as it grows."""

    def __init__(self) -> None:
        self._pieces: dict[str, list[Any]] = {}  # of the message, by member
        self._message: dict[str, Any] = {}
        self._calls: list[_Call] = []
        self._more: dict[str, Any] = {}
        self._logprobs: dict[str, list[Any]] = {}
        self._finish_reason: Any = None

    def add(self, part: dict[str, Any]) -> bool:
        """Take in a chunk's part of this answer; whether the model says something in it."""
        for name, value in part.items():
            if not value or name in ("delta", "index", "message"):
                continue
            if name == "finish_reason":
                self._finish_reason = value
            elif name == "logprobs" and isinstance(value, dict):
                for kind, tokens in value.items():
                    if isinstance(tokens, list):
                        self._logprobs.setdefault(kind, []).extend(tokens)
            elif isinstance(value, dict) and isinstance(self._more.get(name), dict):
                self._more[name] = {**self._more[name], **value}
            else:
                self._more[name] = value
        delta = part.get("delta")
        if not isinstance(delta, dict) and not self._pieces and not self._calls:
            delta = part.get("message")  # a server that says the whole of it in one chunk
        return isinstance(delta, dict) and self._delta(delta)

    def _delta(self, delta: dict[str, Any]) -> bool:
        spoke = False
        for name, value in delta.items():
            if value is None:
                continue
            if isinstance(value, str) and name in _TEXTS:
                self._pieces.setdefault(name, []).append(value)
                spoke = spoke or value != ""
            elif name == "tool_calls" and isinstance(value, list):
                for fragment in value:
                    self._call(fragment)
                spoke = spoke or bool(value)
            elif name == "function_call" and isinstance(value, dict):
                self._call({"index": 0, "function": value})
                spoke = True
            elif isinstance(value, list) and (name != "content" or len(_dicts(value)) == len(value)):
                self._pieces.setdefault(name, []).extend(value)
                spoke = spoke or (bool(value) and name == "content")
            elif name == "content":
                raise NotJson("the answer is not a text")
            else:
                self._message[name] = value
        return spoke

    def _call(self, fragment: Any) -> None:
        if not isinstance(fragment, dict):
            raise NotJson("a tool call that is not an object")
        function = fragment.get("function") or fragment.get("custom")
        function = function if isinstance(function, dict) else {}
        arguments = function.get("arguments", function.get("input"))
        if arguments is not None and not isinstance(arguments, str):
            arguments = dumped(arguments)  # a server that says them as an object
        index, name, key = fragment.get("index"), string(function.get("name")), string(fragment.get("id"))
        call = self._which(index, key)
        if call is None or call.is_another(key, name, arguments or ""):
            call = _Call(index if type(index) is int else len(self._calls))
            self._calls.append(call)
        call.add(key, name, arguments or "", fragment)

    def _which(self, index: Any, key: str) -> _Call | None:
        """The latest call that a fragment may belong to: of its index, else of its id, else the last of all."""
        latest = reversed(self._calls)
        if type(index) is int:
            return next((call for call in latest if call.index == index), None)
        if key:
            return next((call for call in latest if call.id == key), None)
        return next(latest, None)

    def said(self) -> dict[str, Any]:
        """The choice of a chat completion that this is."""
        message: dict[str, Any] = {"role": "assistant", "content": None, **self._message}
        for name, pieces in self._pieces.items():
            if name not in _TEXTS:
                message[name] = pieces
            elif all(isinstance(piece, str) for piece in pieces):
                message[name] = "".join(pieces)
            else:
                message[name] = [{"type": "text", "text": p} if isinstance(p, str) else p for p in pieces]
        if self._calls:
            message["tool_calls"] = [call.said() for call in sorted(self._calls, key=lambda call: call.index)]
        choice = {"message": message, "finish_reason": self._finish_reason, **self._more}
        return {**choice, "logprobs": self._logprobs} if self._logprobs else choice


class _Call:
    """One tool call as it grows."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.id = ""
        self._name = ""
        self._arguments: list[str] = []
        self._more: dict[str, Any] = {}

    def is_another(self, key: str, name: str, arguments: str) -> bool:
        """Whether a fragment in this call's place begins a call of its own: some vendors give all of them index 0.

        A fragment without a name goes on with this call whatever its id, as some vendors make up an id for each.
        """
        if not name or not self._name:
            return False
        if key and self.id:
            return key != self.id
        other_name = name != self._name
        if other_name and not key and not self.id:
            return True
        return (other_name or bool(arguments)) and self._is_whole()

    def _is_whole(self) -> bool:
        try:
            return isinstance(read_json("".join(self._arguments)), dict)
        except NotJson:
            return False

    def add(self, key: str, name: str, arguments: str, fragment: dict[str, Any]) -> None:
        """Take in a fragment of this call."""
        self.id = self.id or key
        if name != self._name:
            self._name += name
        if arguments:
            self._arguments.append(arguments)
        for member, value in fragment.items():
            if value and member not in ("index", "id", "function", "custom"):
                self._more[member] = value

    def said(self) -> dict[str, Any]:
        """The tool call of a chat completion that this is."""
        function = {"name": self._name, "arguments": "".join(self._arguments)}
        return {"id": self.id, "type": "function", **self._more, "function": function}

"""A whole HTTP reply as values, and its body read as JSON without trusting it.  (pure)"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply that came to its end. Header names are in lower case; *latency_s* runs from send to the last byte.

    *arrivals* says when its bytes came: how many were there after so many seconds from send, in order. *framed*: its
    length was announced or its end marked (Content-Length, chunks), so that a body cut short would have shown.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    latency_s: float
    arrivals: tuple[tuple[int, float], ...] = ()
    framed: bool = True

    def seconds_until(self, size: int) -> float:
        """When the first *size* bytes were there, in seconds from send."""
        return next((at for count, at in self.arrivals if count >= size), self.latency_s)


class NotJson(ValueError):
    """The text is not one JSON value that can be trusted. *cut*: it begins like an object and ends too early."""

    def __init__(self, reason: str, *, cut: bool = False) -> None:
        super().__init__(reason)
        self.cut = cut


def text_of(body: bytes) -> str:
    """The body as text; bytes that are not UTF-8 become replacement characters."""
    return body.decode("utf-8-sig", errors="replace")


def read_json(text: str) -> Any:
    """The JSON value in *text*.

    Raises NotJson for everything else, and for what would mean two things or cannot be held: a key that comes twice,
    NaN, numbers of thousands of digits, nesting too deep for the stack.
    """
    stripped = text.strip()
    if not stripped:
        raise NotJson("the body is empty", cut=True)
    try:
        return _DECODER.decode(stripped)
    except json.JSONDecodeError as error:
        cut = stripped[0] in "{[" and _ends_early(error, stripped)
        raise NotJson("the JSON ends too early" if cut else f"not JSON ({error.msg})", cut=cut) from None
    except RecursionError:
        raise NotJson("the JSON is nested too deeply") from None
    except ValueError as error:
        raise NotJson(str(error) if isinstance(error, NotJson) else "a number has too many digits") from None


def _ends_early(error: json.JSONDecodeError, text: str) -> bool:
    """Whether more text could have made it right: the only fault of the beginning of a JSON value is its end."""
    if error.msg.startswith("Extra data"):
        return False
    return error.msg.startswith("Unterminated string") or error.pos >= len(text) or text[-1] not in "}]"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotJson("a key comes twice")
    return members


def _constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)

"""A request as it goes over HTTP, without its key: what anyone needs to send it again.

Many requests differ in their texts alone. They share one `WireRequest` in whose body marks stand for the texts and
pictures, and each of them is a `Wire` that says what stands for the marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MARK_START, MARK_END = "\ue000", "\ue001"
"""What a mark begins and ends with: characters that no standard gives a meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """A POST to *url* with a JSON *body*; *marked*: marks stand in it, which a Wire fills.

    *headers* are all but the key's. The key goes as *key_header*: *key_prefix* and the value of the variable
    *key_variable*; these are empty where no key is sent. *about* says what must be known before it is sent, or nothing.
    """

    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    key_variable: str = ""
    key_header: str = ""
    key_prefix: str = ""
    about: str = ""
    marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """One request: the n-th of *texts* stands for `text_mark(n)`, the n-th of *pictures* for `picture_mark(n)`.

    A picture is its digest and its bytes in base64.
    """

    request: WireRequest
    texts: tuple[str, ...] = ()
    pictures: tuple[tuple[str, str], ...] = field(default=(), repr=False)


def text_mark(number: int) -> str:
    """What stands for a text in a marked body."""
    return f"{MARK_START}{number}{MARK_END}"


def picture_mark(number: int) -> str:
    """What stands for a picture's bytes in a marked body."""
    return f"{MARK_START}p{number}{MARK_END}"

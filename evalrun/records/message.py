"""A conversation's parts: messages, pictures in them, tools, and the calls that a model makes of these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture in a message.

    *source* is a URL (http or https), or the digest (``sha256:…``) of a `Picture` that goes along with the request; in
    a prompt it is a template of a URL or of a file's name. *detail* is how closely the model is to look (``auto``,
    ``low``, ``high``, ``original``). *width* and *height* are in pixels, None where nobody looked.
    """

    source: str
    detail: str = "auto"
    width: int | None = None
    height: int | None = None


Content = str | tuple[str | Image, ...]
"""What a message says: a text, or texts and pictures in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture's file: what it is (``image/png``), its bytes in base64, its size in pixels, its name for people."""

    media_type: str
    base64: str = field(repr=False)
    width: int
    height: int
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function that a model may ask for. *parameters* is a JSON Schema; *strict* None leaves it to the vendor."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    strict: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A model asks for a tool. *arguments* is the text as the model wrote it: JSON, or what it took for JSON."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What a tool answers, as the suite scripts it.

    It holds for calls of *tool* whose arguments have all the members of *arguments* (None: for any call). *result* is
    the answer, with templates; *function* (``file.py:name``) is asked instead where it is not empty; *digest* is the
    sha256 of its file, so that a changed function is asked again.
    """

    tool: str
    arguments: Mapping[str, Any] | None = None
    result: Any = None
    function: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a conversation. In a prompt *content* is a template, in a request what is sent.

    *role* is system, developer, user, assistant or tool. *tool_calls* are the assistant's, *tool_call_id* says which
    one a tool's message answers. *carried* is what a dialect wants back with its own reply (hidden reasoning), JSON.
    """

    role: str
    content: Content
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    carried: str | None = None

    @property
    def text(self) -> str:
        """The text of it, without pictures."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part for part in self.content if isinstance(part, str))

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures in it."""
        return () if isinstance(self.content, str) else tuple(p for p in self.content if isinstance(p, Image))


def arguments_json(call: ToolCall, *, indent: int | None = None) -> str | None:
    """A call's arguments as JSON with our own spacing; None where they are no JSON, or none that Python can repeat."""
    try:
        value = json.loads(call.arguments, parse_constant=_refuse)
        return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")

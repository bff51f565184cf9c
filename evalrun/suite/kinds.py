"""What every part of the border is made of: the base of its models, and the kinds of values that they share."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from evalrun.errors import Code
from evalrun.keys import origin_of

MAX_NAME = 200
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")


class Entry(BaseModel):
    """The base of every part of a suite."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())


def complaint(code: Code, message: str) -> PydanticCustomError:
    """What a validator raises: the words are ours, pydantic only carries them."""
    return PydanticCustomError(code.value, "{words}", {"words": message})


def _name(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise complaint(Code.BAD_NAME, "a name has no control characters, and no spaces around it")
    return text


def _folder_name(text: str) -> str:
    if not re.fullmatch(r"[^\W_][\w .+-]*", _name(text)):
        raise complaint(Code.BAD_NAME, "a suite's name has letters, digits, spaces and `._+-`: it names a folder")
    return text


def _case_id(value: str | int) -> str:
    text = str(value)
    if len(text) > MAX_NAME:
        raise complaint(Code.TOO_LONG, f"longer than {MAX_NAME} characters")
    return _name(text)


def seconds_of(value: float | str) -> float:
    """A duration in seconds: a number, or text as ``2h``, ``90m``, ``30s`` or ``1h30m``. Raises ValueError."""
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip().replace(" ", ""))
        if not value.strip() or not found:
            raise ValueError("a duration is a number of seconds, or like 2h, 90m, 30s or 1h30m")
        value = sum(float(n) * unit for n, unit in zip(found.groups(), (3600, 60, 1), strict=True) if n)
    if not 0 < value < 10**9:
        raise ValueError("a duration is more than 0 seconds, and has an end")
    return float(value)


def _duration(value: float | str) -> float:
    try:
        return seconds_of(value)
    except ValueError as error:
        raise complaint(Code.BAD_DURATION, str(error)) from None


def _variable_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise complaint(Code.BAD_NAME, "not the name of an environment variable (letters, digits and _)")
    return text


def _recorded_id(text: str) -> str:
    if not text.removeprefix("recorded/").strip():
        raise complaint(Code.BAD_MODEL, "a recorded model is called recorded/ and a name")
    return text


def _base_url(text: str) -> str:
    try:
        origin_of(text)
    except ValueError as error:
        raise complaint(Code.BAD_URL, str(error)) from None
    return text.rstrip("/")


def _tool_name(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", text):
        raise complaint(Code.BAD_NAME, "the name of a tool is 1 to 64 letters, digits, `_` and `-`")
    return text


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_name)]
SuiteName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_folder_name)]
CaseId = Annotated[str | int, AfterValidator(_case_id)]
ModelId = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
ToolName = Annotated[str, AfterValidator(_tool_name)]
FileName = Annotated[str, Field(min_length=1, max_length=4096)]
Text = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Confidence = Annotated[float, Field(ge=0.5, le=0.9999)]
Alpha = Annotated[float, Field(ge=0.0001, le=0.25)]
MinEffect = Annotated[float, Field(ge=0, le=0.99)]
Duration = Annotated[float | str, AfterValidator(_duration)]
BaseUrl = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_base_url)]
ApiVersion = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,50}$")]
VariableName = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_variable_name)]
RecordedId = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_recorded_id)]
Whole = Annotated[int, Field(ge=1)]
Price = Annotated[float, Field(ge=0, le=1e6)]
Amount = Annotated[float, Field(ge=1, le=1e15)]


def optional(text: str, *, alias: str | None = None) -> Any:
    """A key that may be left out. *alias* is how it is written, where that is no name in Python."""
    return Field(default=None, alias=alias, description=text)

"""What each scorer may be told, besides weight, threshold, name, extract and ``not-``, which every scorer takes.

The models are the border: unknown keys and wrong types are refused before anything is sent. ``needs_expected`` says
that a missing *value* stands for the case's expected value, so a case without one is a mistake; ``needs_recorded`` that
it looks at what is recorded with an answer. ``own_variables`` are those that its templates have besides the case's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

import regex
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)  # fmt: skip

from evalrun.scoring.call_patterns import call_patterns
from evalrun.scoring.number_texts import number_of
from evalrun.scoring.schemas import schema_of

Scalar = StrictStr | StrictBool | StrictInt | StrictFloat
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

FLAGS = {"i": regex.IGNORECASE, "m": regex.MULTILINE, "s": regex.DOTALL, "x": regex.VERBOSE}


class Options(BaseModel):
    """The base of every scorer's options."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    needs_expected: ClassVar[bool] = False
    needs_recorded: ClassVar[bool] = False
    own_variables: ClassVar[frozenset[str]] = frozenset()

    @field_validator("value", check_fields=False)
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        """An empty text is in every answer, and an empty list in none: neither tells one answer from another."""
        if value in ("", []) or (isinstance(value, list) and "" in value):
            raise ValueError("there is nothing to compare with: it is empty")
        return value


class TextOptions(Options):
    """equals, contains, starts-with, ends-with and the i-forms: *value* is a text, or a list of which any will do."""

    needs_expected: ClassVar[bool] = True
    value: Scalar | list[Scalar] | None = Field(
        default=None, description="Text, or a list of which any will do; the case's expected value when left out."
    )


class ListOptions(Options):
    """contains-any, contains-all and their i-forms: *value* is a list, or one text with commas between its parts."""

    needs_expected: ClassVar[bool] = True
    value: Scalar | list[Scalar] | None = Field(
        default=None, description="A list, or a text with commas; the case's expected value when left out."
    )


class RegexOptions(Options):
    """regex: *value* is a pattern, or a list of which any will do; *flags* are letters out of i, m, s, x."""

    needs_expected: ClassVar[bool] = True
    value: StrictStr | list[StrictStr] | None = Field(
        default=None, description="A regular expression, or a list of which any will do; searched for anywhere."
    )
    flags: StrictStr = Field(default="", pattern="^[imsx]*$", description="i ignore case, m lines, s dot, x verbose.")

    @field_validator("value")
    @classmethod
    def _compiles(cls, value: str | list[str] | None) -> str | list[str] | None:
        for pattern in _plain(value):
            try:
                regex.compile(pattern)
            except (regex.error, RecursionError, OverflowError, ValueError) as error:
                raise ValueError(f"not a regular expression: {error}") from None
        return value


class NoOptions(Options):
    """is-valid-openai-tools-call: there is nothing to say."""


class JsonOptions(Options):
    """is-json, contains-json: the JSON must be what *schema* says. *value* is the same, and may be a template."""

    value: dict[str, Any] | StrictStr | None = Field(
        default=None, description="A JSON Schema, or a template of one; nothing is fetched that it refers to."
    )
    json_schema: dict[str, Any] | StrictBool | None = Field(
        default=None, alias="schema", description="A JSON Schema as it stands, without templates."
    )

    @field_validator("value", "json_schema")
    @classmethod
    def _is_a_schema(cls, value: Any) -> Any:
        if value is not None and not any(map(is_template, strings(value))):
            schema_of(value)
        return value

    @model_validator(mode="after")
    def _says_it_once(self) -> Self:
        if self.value is not None and self.json_schema is not None:
            raise ValueError("say schema or value, not both")
        return self


class NumericOptions(Options):
    """numeric: *value* is a number, or a list of which any will do.

    It passes within *tolerance* (absolute) or *relative_tolerance* (of the value), whichever is wider.
    """

    needs_expected: ClassVar[bool] = True
    value: StrictInt | StrictFloat | StrictStr | list[StrictInt | StrictFloat | StrictStr] | None = Field(
        default=None, description="A number, or a list of which any will do; the case's expected value when left out."
    )
    tolerance: NotNegative = Field(default=0.0, description="How far off the answer may be, absolute.")
    relative_tolerance: NotNegative = Field(default=0.0, description="How far off, as a part of the value: 0.01 = 1 %.")

    @field_validator("value")
    @classmethod
    def _is_a_number(cls, value: Any) -> Any:
        for number in _plain(value):
            number_of(number)
        return value


class LatencyOptions(Options):
    """latency: the cell took at most *max_s* seconds, waiting not counted."""

    max_s: Positive = Field(description="Seconds.")


class CostOptions(Options):
    """cost: the cell cost at most *max_usd*."""

    max_usd: NotNegative = Field(description="US dollars.")


class TokensOptions(Options):
    """tokens: the cell used at most *max* tokens *of* the kind said."""

    max: Annotated[int, Field(ge=0, strict=True)] = Field(description="Tokens.")
    of: Literal["total", "prompt", "completion"] = Field(default="total", description="Which tokens are counted.")


class FinishReasonOptions(Options):
    """finish-reason: the reply ended for the reason *value* (stop, length, …), or for any of a list."""

    value: StrictStr | list[StrictStr] = Field(description="stop, length, tool_calls, …; or a list.")


class RecordedScoreOptions(Options):
    """recorded-score: *value* is a template of a number in 0..1, in which ``score`` is what the answer was given."""

    needs_recorded: ClassVar[bool] = True
    own_variables: ClassVar[frozenset[str]] = frozenset(("score",))
    value: StrictStr = Field(
        default="{{ score }}", description="How the score is read, as a number in 0..1: {{ score / 10 }}."
    )

    @field_validator("value")
    @classmethod
    def _is_a_template(cls, value: str) -> str:
        if not is_template(value):
            raise ValueError("not a template of the score, such as {{ score / 10 }}")
        return value


class ToolCallF1Options(Options):
    """tool-call-f1: *value* lists the names of the tools that should be called, or one text with commas between."""

    needs_expected: ClassVar[bool] = True
    value: StrictStr | list[StrictStr] | None = Field(
        default=None, description="Names of tools, a list or with commas; the case's expected value when left out."
    )


class ToolCallsOptions(Options):
    """tool-calls: *value* is the expected call ``{name, arguments}``, or a list; an empty list expects no call.

    An argument's value may be a list of which any will do; an empty text in it: the argument may be left out.
    """

    needs_expected: ClassVar[bool] = True
    value: dict[str, Any] | list[dict[str, Any]] | StrictStr | None = Field(
        default=None, description="{name, arguments}, or a list of these; the case's expected value when left out."
    )
    arguments: Literal["subset", "exact"] = Field(
        default="subset", description="exact: a call may have no arguments besides those expected."
    )

    @field_validator("value")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        if value is not None and not any(map(is_template, strings(value))):
            call_patterns(value)
        return value


def _plain(value: Any) -> list[Any]:
    """The values that are no templates; those are known only once they are rendered."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [item for item in items if not isinstance(item, str) or not is_template(item)]


def strings(value: Any) -> Iterator[str]:
    """Every string in a value, at any depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from strings(item)


def is_template(text: str) -> bool:
    """Whether rendering could change the text."""
    return "{{" in text or "{%" in text or "{#" in text


def flags_of(letters: str) -> int:
    """The ``regex`` module's flags for the letters i, m, s, x."""
    flags: Any = 0
    for letter in letters:
        flags |= FLAGS[letter]
    return int(flags)

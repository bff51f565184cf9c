"""Records as JSON text and back, without loss.

What is kept is text where it is valid UTF-8, and bytes (UTF-8 with surrogates passed through) where a string holds half
a surrogate pair, as models and data sets sometimes do. Floats keep every bit, NaN and the infinities included, written
as Python's json does. Text is decoded by pydantic's own JSON parser, twice as fast as json with constructors.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from evalrun.errors import StorageError
from evalrun.records.message import Message
from evalrun.records.outcome import Exchange
from evalrun.records.plan import Column
from evalrun.records.score import Mark
from evalrun.records.suite import Case, Suite

T = TypeVar("T")
Kept = str | bytes

_TAG = ""  # the one key of an object that stands for a value which JSON has no form for
_TAGGED = '{"":["record",'


class Codec(Generic[T]):
    """One kind of record, to and from what is kept of it."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    @cached_property
    def _adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self._kind)

    @cached_property
    def _from_json(self) -> Callable[[str], T]:
        """The adapter's own parser; its method of this name does nothing but hand on to it."""
        parse: Callable[[str], T] = self._adapter.validator.validate_json
        return parse

    def encode(self, record: T) -> Kept:
        """What is kept of a record without free-form values (exchanges, marks, messages): all but the defaults."""
        return _pack(_dumps(self._adapter.dump_python(record, warnings=False, exclude_defaults=True)))

    def encode_exactly(self, record: T) -> Kept:
        """What is kept of a record whose ``Any`` fields may hold tuples, or mappings with keys that are no strings.

        Where plain JSON would change such a value, the record is written in a tagged form. Raises StorageError for a
        value of a type that cannot be kept.
        """
        try:
            kept = self.encode(record)
            if self.decode(kept) == record:
                return kept
        except (TypeError, ValueError, RecursionError):
            pass  # the tagged form below says which value it is
        try:
            tagged = _tag(self._adapter.dump_python(record, warnings=False))
            return _pack(_dumps({_TAG: ["record", tagged]}))
        except RecursionError:
            raise StorageError("a value is nested too deeply to be kept") from None

    def decode(self, kept: Kept) -> T:
        """The record again. Raises ValueError where *kept* is not one."""
        if isinstance(kept, str) and not kept.startswith(_TAGGED):
            try:
                return self._from_json(kept)
            except ValidationError:
                pass  # nested deeper than pydantic's parser goes, or damaged: json tells
        try:
            value = json.loads(kept if isinstance(kept, str) else kept.decode("utf-8", "surrogatepass"))
            if isinstance(value, dict) and value.keys() == {_TAG}:
                value = _untag(value[_TAG][1])
            return self._adapter.validate_python(value)
        except (RecursionError, TypeError, KeyError, IndexError) as error:
            raise ValueError(f"not a record: {type(error).__name__}") from error


def checksum(*values: Any) -> int:
    """CRC-32 of a row's values: damage that leaves the database's structure whole shows here."""
    return zlib.crc32(repr(values).encode("utf-8", "backslashreplace"))


def text_checksum(kept: Kept) -> int:
    """CRC-32 of one kept text."""
    return zlib.crc32(kept if isinstance(kept, bytes) else kept.encode())


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _pack(text: str) -> Kept:
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def _tag(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list):
        return [_tag(item) for item in value]
    if isinstance(value, tuple):
        return {_TAG: ["tuple", [_tag(item) for item in value]]}
    if isinstance(value, Mapping):
        if all(type(key) is str and key != _TAG for key in value):
            return {key: _tag(item) for key, item in value.items()}
        return {_TAG: ["pairs", [[_tag(key), _tag(item)] for key, item in value.items()]]}
    raise StorageError(f"a value of type {type(value).__name__} cannot be kept")


def _untag(value: Any) -> Any:
    if isinstance(value, list):
        return [_untag(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() != {_TAG}:
        return {key: _untag(item) for key, item in value.items()}
    form, items = value[_TAG]
    if form == "tuple":
        return tuple(_untag(item) for item in items)
    return {_untag(key): _untag(item) for key, item in items}


CASE: Codec[Case] = Codec(Case)
COLUMN: Codec[Column] = Codec(Column)
EXCHANGE: Codec[Exchange] = Codec(Exchange)
MARK: Codec[Mark] = Codec(Mark)
MESSAGES: Codec[tuple[Message, ...]] = Codec(tuple[Message, ...])
SUITE: Codec[Suite] = Codec(Suite)

"""YAML text -> plain values, with the place of each.

YAML 1.2's core, on PyYAML's parser: only ``true`` and ``false`` are truth values, dates and times of day are text,
``1e-3`` is a number. Refused are tags, duplicate keys, keys that are no text, numbers that could be read in two ways,
values inside themselves, and documents that grow by aliases or nest without end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from evalrun.errors import Code
from evalrun.suite.complaints import Complaints, Spot, printable

if TYPE_CHECKING:
    from yaml import SafeLoader as _Loader
else:
    _Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_DEPTH = 64
MAX_ALIASED = 100_000
"""Nodes that a document may gain by aliases and merge keys."""

_DEEP_WORDS = f"nested more than {MAX_DEPTH} levels deep"

Path = tuple[str | int, ...]

_PLAIN, _QUOTED, _COLLECTION = "plain", "quoted", "collection"
_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_MAY_BE_MORE = frozenset("~nNtTfF+-.0123456789")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_ZERO_LED = re.compile(r"[-+]?0[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MAX_DIGITS = 300
_OPENING = (
    yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken, yaml.BlockSequenceStartToken, yaml.BlockMappingStartToken,
)  # fmt: skip
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file.

    *respelled* holds the numbers whose text would change if they were written out again, *broken* the places that
    were complained about while reading and hold no value.
    """

    file: str
    value: Any
    node: yaml.Node | None = None
    respelled: Mapping[Path, str] = field(default_factory=dict)
    broken: frozenset[Path] = frozenset()

    def spot(self, path: Path = (), *, of_key: bool = False) -> Spot:
        """Where the value at *path* stands, or its key; of what is not there, where it is missing."""
        node, place = self.node, self.node
        for step in path:
            key, node = _step(node, step)
            if node is None:
                break
            place = key if of_key and key is not None else node
        return Spot(self.file, *_place(place), path=dotted(path))

    def line_of(self, path: Path, line: int) -> Spot:
        """Where the given line (from 1) of a text stands: after ``|`` itself, in other texts only their start."""
        node = self.node
        for step in path:
            node = _step(node, step)[1]
        spot = self.spot(path)
        if line and isinstance(node, yaml.ScalarNode) and node.style == "|":
            return Spot(spot.file, spot.line + line, 0, spot.path)
        return spot


def dotted(path: Path) -> str:
    """``("cases", 3, "id")`` as ``cases.3.id``."""
    return ".".join(printable(str(step)) for step in path)


def texts_in(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Every text in a value, through lists and mappings, with its path; keys are none."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts_in(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts_in(item, (*path, index))


def read_yaml(file: str, text: str, complaints: Complaints) -> Document | None:
    """A YAML text as a Document; None where it cannot be read at all, which is complained about."""
    try:
        node = _compose(text)
    except _TooDeep as deep:
        line, column = _place(deep.node)
        complaints.add(Spot(file, line, column), Code.TOO_DEEP, _DEEP_WORDS)
        return None
    except yaml.MarkedYAMLError as error:
        if "nesting depth" in str(error.problem or error.context):
            complaints.add(Spot(file, *_depth_place(text)), Code.TOO_DEEP, _DEEP_WORDS)
        else:
            complaints.add(_error_spot(file, error), *_error_words(error))
        return None
    except yaml.reader.ReaderError as error:
        before = text.encode("utf-8")[: error.position]
        line = before.count(b"\n") + 1
        words = "a control character that YAML does not allow"
        complaints.add(Spot(file, line), Code.YAML_SYNTAX, words)
        return None
    if node is None:
        return Document(file, None)
    builder = _Builder(file, complaints)
    value = builder.build(node, ())
    if builder.overgrown:
        return None
    return Document(file, value, node, builder.respelled, frozenset(builder.broken))


def plain_value(text: str) -> Any:
    """What an unquoted scalar stands for. Raises ValueError, in words, for numbers that are not clear."""
    if text and text[0] not in _MAY_BE_MORE:
        return text
    if text in _NULLS:
        return None
    if text in _TRUTHS:
        return _TRUTHS[text]
    if _NOT_FINITE.fullmatch(text):
        raise ValueError(f"{text} is not a number to work with")
    if _BASED.fullmatch(text):
        return int(text, 0)
    if not _NUMBER.fullmatch(text):
        return text
    if len(text) > _MAX_DIGITS:
        raise ValueError("a number with too many digits (quote it if it is text)")
    if _ZERO_LED.fullmatch(text):
        raise ValueError(f"`{text}` begins with 0: quote it if it is text, else leave the 0 out")
    if _INTEGER.fullmatch(text):
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"`{text}` is too large for a number")
    return number


class _TooDeep(Exception):
    def __init__(self, node: yaml.Node | None) -> None:
        super().__init__()
        self.node = node


class _Composer(_Loader):
    """Text -> nodes whose tag says only how they were written; an explicit tag stays what it is."""

    depth = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is not yaml.ScalarNode:
            return _COLLECTION
        return _PLAIN if implicit[0] else _QUOTED

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        # PyYAML recurses in C, where nothing else stops it before the stack ends.
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooDeep(current_node)

    def ascend_resolver(self) -> None:
        self.depth -= 1


def _compose(text: str) -> yaml.Node | None:
    composer = _Composer(text)
    try:
        return composer.get_single_node()
    finally:
        composer.dispose()


class _Builder:
    """Nodes -> values. Mutable state: what was seen, changed by `build` and what it calls."""

    def __init__(self, file: str, complaints: Complaints) -> None:
        self._file = file
        self._complaints = complaints
        self._seen: set[int] = set()
        self._open: set[int] = set()
        self._aliased = 0
        self.respelled: dict[Path, str] = {}
        self.broken: set[Path] = set()

    @property
    def overgrown(self) -> bool:
        """Whether aliases added more than a document may gain."""
        return self._aliased > MAX_ALIASED

    def build(self, node: yaml.Node, path: Path) -> Any:
        """The node's value. What is wrong with it is complained about and left out."""
        if not self._may_enter(node, path):
            return None
        if node.tag not in (_PLAIN, _QUOTED, _COLLECTION):
            self._complain(
                node, path, Code.YAML_TAG, f"the tag {printable(_tag_name(node.tag))} (tags are not allowed)"
            )
            return None
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.ScalarNode):
                return node.value if node.tag == _QUOTED else self._scalar(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._mapping(node, path)  # type: ignore[arg-type]
        finally:
            self._open.discard(id(node))

    def _may_enter(self, node: yaml.Node, path: Path) -> bool:
        if id(node) in self._open:
            self._complain(node, path, Code.YAML_ALIAS, "an alias inside the value that it stands for")
            return False
        if id(node) in self._seen:
            return self._may_grow(node)
        self._seen.add(id(node))
        return True

    def _may_grow(self, node: yaml.Node) -> bool:
        self._aliased += 1
        if self._aliased == MAX_ALIASED + 1:
            self._complain(node, (), Code.YAML_ALIAS, f"aliases add more than {MAX_ALIASED:,} values")
        return not self.overgrown

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text = node.value
        try:
            value = plain_value(text)
        except ValueError as error:
            code = Code.AMBIGUOUS_NUMBER if _ZERO_LED.fullmatch(text) else Code.NOT_FINITE
            self._complain(node, path, code, str(error))
            return 0
        if isinstance(value, int | float) and not isinstance(value, bool) and str(value) != text:
            self.respelled[path] = text
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, item in node.value:
            name = self._key(key, path)
            if name is None:
                continue
            if key.tag == _PLAIN and name == "<<":
                for source, value in self._merge(item, path).items():
                    merged.setdefault(source, value)
            elif name in own:
                first = next(k for k, _ in node.value if k.value == name)
                words = f"duplicate key (the first is in line {first.start_mark.line + 1})"
                self._complain(key, (*path, name), Code.DUPLICATE_KEY, words)
            else:
                own[name] = self.build(item, (*path, name))
        return {**merged, **own} if merged else own

    def _merge(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for part in parts:
            if not isinstance(part, yaml.MappingNode):
                self._complain(part, (*path, "<<"), Code.YAML_ALIAS, "`<<` takes a mapping, or a list of mappings")
                continue
            value = self.build(part, path)
            for name in value or {}:
                if self._may_grow(part):
                    merged.setdefault(name, value[name])
        return merged

    def _key(self, key: yaml.Node, path: Path) -> str | None:
        if not isinstance(key, yaml.ScalarNode):
            self._complain(key, path, Code.BAD_KEY, "a key must be text, not a list or a mapping")
            return None
        if key.tag not in (_PLAIN, _QUOTED):
            self._complain(key, path, Code.YAML_TAG, f"the tag {printable(_tag_name(key.tag))} (tags are not allowed)")
            return None
        if not key.value or (key.tag == _PLAIN and key.value in _NULLS):
            self._complain(key, path, Code.BAD_KEY, "a key is empty")
            return None
        return str(key.value)

    def _complain(self, node: yaml.Node, path: Path, code: Code, message: str) -> None:
        if code is not Code.DUPLICATE_KEY:
            self.broken.add(path)
        self._complaints.add(Spot(self._file, *_place(node), path=dotted(path)), code, message)


def _place(node: yaml.Node | None) -> tuple[int, int]:
    if node is None:
        return (1, 1)
    return node.start_mark.line + 1, node.start_mark.column + 1


def _step(node: yaml.Node | None, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """One step down: the key's node and the value's; a mapping's own keys come before what it merges."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    if not isinstance(node, yaml.MappingNode):
        return None, None
    merges: list[yaml.Node] = []
    for key, value in node.value:
        if key.value == step:
            return key, value
        if key.value == "<<" and key.tag == _PLAIN:
            merges += value.value if isinstance(value, yaml.SequenceNode) else [value]
    for source in merges:
        key, found = _step(source, step) if source is not node else (None, None)
        if found is not None:
            return key, found
    return None, None


def _tag_name(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _depth_place(text: str) -> tuple[int, int]:
    """Where the last level is that may be, in a text that libyaml refuses as a whole (from level 1,000 on)."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, _OPENING):
            depth += 1
        elif isinstance(token, _CLOSING):
            depth -= 1
        if depth == MAX_DEPTH:
            return token.start_mark.line + 1, token.start_mark.column + 1
    return (1, 1)


def _error_spot(file: str, error: yaml.MarkedYAMLError) -> Spot:
    mark = error.problem_mark or error.context_mark
    return Spot(file, mark.line + 1, mark.column + 1) if mark else Spot(file)


# What PyYAML says -> what helps.
_WORDS = (
    ("mapping values are not allowed", "a second `: ` in one line (quote the text that holds it)"),
    ("cannot start any token", "a character that no text may begin with here (a tab, `@`, `` ` `` or `%`): quote it"),
    ("did not find expected key", "the key is not where a key can be (look at its indentation)"),
    ("did not find expected '-' indicator", "not an item of the list (look at its indentation)"),
    ("could not find expected ':'", "a key without `:`"),
    ("did not find expected ',' or ']'", "the list in [ ] is not closed, or a comma is missing"),
    ("did not find expected ',' or '}'", "the mapping in { } is not closed, or a comma is missing"),
    ("unexpected end of stream", "a quote is not closed"),
    ("but found another document", "a second document (`---`): a file holds one"),
    ("unknown escape character", "an unknown escape in double quotes (use single quotes, or \\\\ for a backslash)"),
)


def _error_words(error: yaml.MarkedYAMLError) -> tuple[Code, str]:
    problem = f"{error.context or ''} {error.problem or ''}".strip()
    if "undefined alias" in problem:
        return Code.YAML_ALIAS, "an alias without an anchor before it (quote a text that begins with `*`)"
    if "duplicate anchor" in problem or "second occurrence" in problem:
        return Code.YAML_ALIAS, "an anchor that is already in use"
    for said, words in _WORDS:
        if said in problem:
            return Code.YAML_SYNTAX, words
    return Code.YAML_SYNTAX, f"not valid YAML: {printable(problem)}"

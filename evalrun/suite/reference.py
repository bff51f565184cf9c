"""The JSON Schema of suites as a page for people: every key with its type, its default and what it means. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evalrun.suite.reference_parts import HEAD, PARTS, Part

_REFERENCE = "#/$defs/"
_DEFAULT = re.compile(r" \(default:? ([^)]+)\)| ?\bDefault: (.+?)(?:\.$|\. |$)")
_TYPES = {"string": "text", "integer": "whole number", "boolean": "yes or no", "object": "mapping"}
_ENDLESS = 1e9
"""A bound beyond this is there to catch slips, and tells a reader nothing."""

_WIDTH = 120

Schema = Mapping[str, Any]


def reference(schema: Schema) -> str:
    """The page docs/suite.md. *schema* is what json_schema gives."""
    titles = {name: part for part in PARTS for name in part.definitions}
    lines = [HEAD]
    for part in PARTS:
        lines += [f"{'#' * part.depth} {part.title}", "", *([_wrapped(part.about), ""] if part.about else [])]
        if part.tables:
            lines += _definitions(part, schema, titles)
        if "Scorer" in part.definitions:
            lines += _scorers(schema, titles)
        if part.example:
            lines += ["```yaml", part.example.strip("\n"), "```", ""]
    return "\n".join(lines).rstrip("\n")


def _definitions(part: Part, schema: Schema, titles: Mapping[str, Part]) -> Iterator[str]:
    """The tables of a part: each mapping's keys, and those that three or more have in common once, below."""
    found = [schema["$defs"][name] if name else schema for name in part.definitions]
    first = found[0]["properties"]
    shared = {
        key: entry
        for key, entry in first.items()
        if len(found) > 2 and all(one["properties"].get(key) == entry for one in found)
    }
    for one in found:
        if len(found) > 1:
            yield from (f"**{_plain(one['description'])}**", "")
        own = {key: entry for key, entry in one["properties"].items() if key not in shared}
        yield from _table(own, one.get("required", ()), titles)
    if shared:
        yield from ("**Each of them may say besides:**", "")
        yield from _table(shared, (), titles)


def _table(properties: Schema, required: Iterable[str], titles: Mapping[str, Part]) -> Iterator[str]:
    yield from ("| key | what it is | default | what it says |", "|---|---|---|---|")
    for key, entry in properties.items():
        words, default = _words(entry)
        said = "**must be said**" if key in required else default
        yield "| " + " | ".join((f"`{key}`", _type(entry, titles), said, words)).replace("|  |", "| |") + " |"
    yield ""


def _words(entry: Schema) -> tuple[str, str]:
    """What an entry means, and its default, which the description tells where the schema has none."""
    text, default = _plain(entry["description"]), entry.get("default")
    found = _DEFAULT.search(text)
    if found:
        text = text.replace(found[0], " " if found[2] and found[0].endswith(". ") else "").strip()
        return text, _cell((found[1] or found[2]).rstrip("."))
    if default in (None, ""):
        return text, ""
    return text, f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _type(entry: Schema, titles: Mapping[str, Part]) -> str:
    """What a value may be: `text`, `list of numbers`, `one of …`, or where the mapping is told."""
    if "$ref" in entry:
        part = titles[entry["$ref"].removeprefix(_REFERENCE)]
        return f"[{part.called}](#{part.anchor})"
    if "const" in entry:
        return f"`{entry['const']}`"
    if "enum" in entry:
        return " ".join(f"`{word}`" for word in entry["enum"])
    if forms := entry.get("oneOf") or entry.get("anyOf"):
        return _any_of(forms, titles)
    kind = entry.get("type")
    if isinstance(kind, list):
        return " or ".join(_TYPES.get(str(one), str(one)) for one in kind if one != "null")
    if kind == "array":
        return f"list of: {_type(entry['items'], titles)}{_length(entry)}"
    if kind == "object" and isinstance(entry.get("additionalProperties"), Mapping):
        return f"mapping of names to: {_type(entry['additionalProperties'], titles)}"
    if kind is None:
        return "anything"
    return _TYPES.get(str(kind), str(kind)) + _bounds(entry)


def _any_of(forms: Iterable[Schema], titles: Mapping[str, Part]) -> str:
    """One of several: a whole number is a number too, and a list comes last."""
    told = dict.fromkeys(_type(form, titles) for form in forms if form.get("type") != "null")
    if "number" in told:
        told.pop("whole number", None)
    *others, last = sorted(told, key=lambda word: word.startswith("list of"))
    return f"{', '.join(others)} or {last}" if others else last


def _length(entry: Schema) -> str:
    least = entry.get("minItems", 0)
    return f", at least {least}" if least > 1 else ""


def _bounds(entry: Schema) -> str:
    low, high = entry.get("minimum"), entry.get("maximum")
    low = None if low is not None and abs(low) > _ENDLESS else low
    high = None if high is not None and high > _ENDLESS else high
    if low is not None and high is not None:
        return f", {_number(low)} to {_number(high)}"
    if low is not None:
        return f", at least {_number(low)}"
    above, below = entry.get("exclusiveMinimum"), entry.get("exclusiveMaximum")
    said = [f"above {_number(above)}"] if above is not None else []
    said += [f"below {_number(below)}"] if below is not None else []
    said += [f"at most {_number(high)}"] if high is not None else []
    return f", {' and '.join(said)}" if said else ""


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"


def _scorers(schema: Schema, titles: Mapping[str, Part]) -> Iterator[str]:
    """When each scorer passes, what all may be told, and what single ones may be told."""
    scorers = schema["$defs"]["Scorer"]["anyOf"][1]["properties"]
    own: dict[str, list[str]] = {}
    yield from ("| scorer | passes where |", "|---|---|")
    for name, entry in scorers.items():
        if not name.startswith("not-"):
            own.setdefault(entry["anyOf"][0]["$ref"].removeprefix(_REFERENCE), []).append(name)
            yield f"| `{name}` | {_plain(entry['description'])} |"
    common = schema["$defs"]["NoOptions"]["properties"]
    yield from ("", "What every scorer may be told:", "")
    yield from _table(common, (), titles)
    for definition, names in own.items():
        found = schema["$defs"][definition]
        properties = {key: entry for key, entry in found["properties"].items() if key not in common}
        if properties:
            yield from (f"{', '.join(f'`{name}`' for name in names)}:", "")
            yield from _table(properties, found.get("required", ()), titles)


def _plain(text: str) -> str:
    """A description as Markdown: its first paragraph on one line, with nothing that a table or a page would take up."""
    text = " ".join(text.split("\n\n")[0].split()).replace("``", "`")
    return _cell(re.sub(r"\*(\w+)\*", r"`\1`", text))


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")

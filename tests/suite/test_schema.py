from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evalrun.scoring import OPTIONS, SAYS
from evalrun.suite.complaints import Complaints
from evalrun.suite.document import read_yaml
from evalrun.suite.schema import json_schema
from evalrun.suite.starter import STARTER
from tests.conftest import ROOT
from tests.suite.corpus import suite_text
from tests.suite.test_load import FULL

SCHEMA = json_schema(OPTIONS, SAYS)

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def fits(value: Any, schema: dict[str, Any] | bool) -> bool:
    """Whether a value is valid: as much of JSON Schema as ours uses."""
    if isinstance(schema, bool):
        return schema
    unknown = set(schema) - {
        "$schema", "$defs", "$ref", "title", "description", "examples", "type", "const", "enum", "anyOf", "oneOf",
        "properties", "required", "additionalProperties", "minProperties", "maxProperties", "items", "minItems",
        "maxItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum", "default",
    }  # fmt: skip
    assert not unknown, unknown
    if "$ref" in schema:
        target = SCHEMA
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        if not fits(value, target):
            return False
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    checks = [
        not kinds or any(isinstance(value, _TYPES[k]) and (k == "boolean") == isinstance(value, bool) for k in kinds),
        "const" not in schema or value == schema["const"],
        "enum" not in schema or value in schema["enum"],
        "anyOf" not in schema or any(fits(value, one) for one in schema["anyOf"]),
        "oneOf" not in schema or sum(fits(value, one) for one in schema["oneOf"]) == 1,
    ]
    if not all(checks):
        return False
    if isinstance(value, dict):
        return _mapping_fits(value, schema)
    if isinstance(value, list):
        size = schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9)
        return size and all(fits(item, schema.get("items", True)) for item in value)
    if isinstance(value, str):
        size = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9)
        return size and bool(re.search(schema.get("pattern", ""), value))
    if isinstance(value, int | float):
        above = value >= schema.get("minimum", value) and value > schema.get("exclusiveMinimum", value - 1)
        below = value <= schema.get("maximum", value) and value < schema.get("exclusiveMaximum", value + 1)
        return above and below
    return True


def _mapping_fits(value: dict[str, Any], schema: dict[str, Any]) -> bool:
    known = schema.get("properties", {})
    if not schema.get("minProperties", 0) <= len(value) <= schema.get("maxProperties", 10**9):
        return False
    if not set(schema.get("required", [])) <= set(value):
        return False
    return all(fits(item, known.get(key, schema.get("additionalProperties", True))) for key, item in value.items())


def value_of(text: str) -> Any:
    """A suite's plain value."""
    document = read_yaml("s.yaml", text, Complaints())
    assert document is not None
    return document.value


def test_the_schema_in_the_package_is_current() -> None:
    """suite.schema.json is what `evalrun schema` prints."""
    written = (ROOT / "evalrun" / "suite" / "suite.schema.json").read_text(encoding="utf-8")

    assert written == json.dumps(SCHEMA, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("text", [suite_text(), FULL, STARTER], ids=["base", "full", "starter"])
def test_good_suites_fit_the_schema(text: str) -> None:
    """What loads is valid for editors, in short forms and long."""
    assert fits(value_of(text), SCHEMA)


@pytest.mark.parametrize("path", sorted((ROOT / "suites").glob("*.yaml")), ids=lambda path: path.name)
def test_the_examples_fit_the_schema(path: Path) -> None:
    """Every suite in suites/ is valid for editors."""
    assert fits(value_of(path.read_text(encoding="utf-8")), SCHEMA)


@pytest.mark.parametrize(
    "sections",
    [
        {"version": "2"},
        {"nme": "x"},
        {"models": "[]"},
        {"models": "[{id: simulator/large, labl: x}]"},
        {"scorers": "[icontain]"},
        {"scorers": "[icontains: {wieght: 1}]"},
        {"scorers": "[{icontains: a, equals: b}]"},
        {"prompts": "{a: {usr: x}}"},
        {"cases": "[{expcted: x}]"},
        {"params": "{temperature: -1}"},
        {"matrix": "{temperature: 1}"},
        {"samples": "yes"},
    ],
    ids=str,
)
def test_bad_suites_do_not_fit(sections: dict[str, str]) -> None:
    """Editors underline wrong keys and values."""
    assert not fits(value_of(suite_text(**sections)), SCHEMA)


def test_every_key_is_described() -> None:
    """An editor has something to say about each key."""
    owners = {"suite": SCHEMA, **SCHEMA["$defs"]}
    silent = [
        f"{name}.{key}"
        for name, owner in owners.items()
        for key, value in owner.get("properties", {}).items()
        if not value.get("description")
    ]

    assert silent == []


def test_the_schema_is_plain() -> None:
    """No nulls are offered for what may be left out, and none of the machinery's titles."""
    text = json.dumps(SCHEMA)

    assert '"default": null' not in text
    assert text.count('"title":') == 1
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"

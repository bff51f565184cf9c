"""The JSON Schema of suites, for editors: what the border lets in, with the scorers that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from evalrun.records.suite import NO_REGRESSION
from evalrun.suite.entries import InlineCase, SuiteEntry
from evalrun.suite.gates import METRICS
from evalrun.suite.scorers import CommonOptions

_REFERENCE = "#/$defs/{model}"
_SCORER = {"$ref": "#/$defs/Scorer"}
_PLAIN_VALUE = {
    "description": "What the answer is compared with: its value.",
    "anyOf": [{"type": ["string", "number", "boolean", "null"]}, {"type": "array"}],
}


def json_schema(scorers: Mapping[str, type[BaseModel]], says: Mapping[str, str]) -> dict[str, Any]:
    """The schema of a suite (draft 2020-12).

    *scorers* are names with the models of their options, *says* tells when each passes.
    """
    models: dict[type[BaseModel], None] = dict.fromkeys((SuiteEntry, CommonOptions, *scorers.values()))
    references, top = models_json_schema([(model, "validation") for model in models], ref_template=_REFERENCE)
    definitions = top["$defs"]
    suite = definitions.pop(_name_in(references[SuiteEntry, "validation"]))
    common = definitions.pop(_name_in(references[CommonOptions, "validation"]))["properties"]
    options = {name: definitions[_name_in(references[model, "validation"])] for name, model in scorers.items()}
    for name in {_name_in(references[model, "validation"]) for model in scorers.values()}:
        definitions[name] = {**definitions[name], "properties": {**common, **definitions[name].get("properties", {})}}
    definitions["Scorer"] = _scorer(
        {name: (references[model, "validation"], options[name]) for name, model in scorers.items()}, says
    )
    for entry in (suite, definitions[InlineCase.__name__]):
        entry["properties"]["scorers"]["items"] = _SCORER
    _gates(suite)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "evalrun suite",
        "description": "prompts × models × parameters × cases, and how the answers are scored",
    }
    schema: dict[str, Any] = _tidy({**head, **{k: v for k, v in suite.items() if k not in head}, "$defs": definitions})
    return schema


def _name_in(reference: Mapping[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _scorer(
    options: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]], says: Mapping[str, str]
) -> dict[str, Any]:
    """A name; or a mapping of one name to a value or to options."""
    names = [written for name in options for written in (name, f"not-{name}")]
    properties = {}
    for name, (reference, definition) in options.items():
        forms: list[Any] = [reference, {"type": "null"}]
        if "value" in definition.get("properties", {}):
            forms = [reference, *_PLAIN_VALUE["anyOf"]]
        properties[name] = {"description": says[name], "anyOf": forms}
        properties[f"not-{name}"] = {"description": f"Passes where {name} fails.", "anyOf": forms}
    return {
        "description": "A scorer: its name, or its name with what it is told.",
        "anyOf": [
            {"enum": names},
            {
                "type": "object",
                "properties": properties,
                "additionalProperties": False,
                "minProperties": 1,
                "maxProperties": 1,
            },
        ],
    }


def _gates(suite: dict[str, Any]) -> None:
    suite["properties"]["gates"]["examples"] = [[*(f"{metric} >= 0.9" for metric in list(METRICS)[:2]), NO_REGRESSION]]


def _tidy(value: Any, *, names: bool = False) -> Any:
    """Without pydantic's titles and nulls for what may be left out. *names*: the keys are names, not keywords."""
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if not isinstance(value, dict):
        return value
    tidied = {}
    for key, item in value.items():
        if not names and ((key == "title" and item != "evalrun suite") or (key == "default" and item is None)):
            continue
        tidied[key] = _tidy(item, names=not names and key in ("properties", "$defs"))
    return tidied

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalrun.suite.load import Overrides
from evalrun.suite.param_entries import MatrixEntry, ParamsEntry
from tests.suite.test_load import load

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def named(name: str, **more: Any) -> dict[str, Any]:
    """OpenAI's object of the schema."""
    return {"type": "json_schema", "json_schema": {"name": name, "schema": SCHEMA, **more}}


FORMS: dict[str, tuple[str, Any, Any]] = {
    "n": ("n", "128", 128),
    "logprobs": ("logprobs", "true", True),
    "no others": ("top_logprobs", "0", 0),
    "logit_bias": ("logit_bias", "{50256: -100, '11': 100}", {"50256": -100, "11": 100}),
    "effort": ("reasoning_effort", "xhigh", "xhigh"),
    "no effort": ("reasoning_effort", "none", "none"),
    "tier": ("service_tier", "flex", "flex"),
    "parallel": ("parallel_tool_calls", "false", False),
    "user": ("user", "u-1", "u-1"),
    "stream": ("stream", "true", True),
    "suffix": ("suffix", "end", "end"),
    "echo": ("echo", "true", True),
    "best_of": ("best_of", "3", 3),
    "dimensions": ("dimensions", "256", 256),
    "encoding": ("encoding_format", "base64", "base64"),
    "auto": ("tool_choice", "auto", "auto"),
    "required": ("tool_choice", "required", "required"),
    "a tool": ("tool_choice", "f-1", {"type": "function", "function": {"name": "f-1"}}),
    "a tool of a long name": (
        "tool_choice",
        "getCurrentWeatherForecastForCityAndCountry2",
        {"type": "function", "function": {"name": "getCurrentWeatherForecastForCityAndCountry2"}},
    ),
    "a tool called auto": (
        "tool_choice",
        "{type: function, function: {name: auto}}",
        {"type": "function", "function": {"name": "auto"}},
    ),
    "extra": ("extra_body", "{top_k: 4, a: {model: [1.0]}}", {"top_k": 4, "a": {"model": [1.0]}}),
    "text": ("response_format", "text", {"type": "text"}),
    "any JSON": ("response_format", "json_object", {"type": "json_object"}),
    "any JSON, in long": ("response_format", "{type: json_object}", {"type": "json_object"}),
    "OpenAI's": (
        "response_format",
        json.dumps(named("a", strict=True, description="d")),
        named("a", strict=True, description="d"),
    ),
    "a schema": ("response_format", f"{{schema: {json.dumps(SCHEMA)}}}", named("answer")),
    "a schema with a name": (
        "response_format",
        f"{{schema: {json.dumps(SCHEMA)}, name: city, strict: false, description: d}}",
        named("city", strict=False, description="d"),
    ),
    "a file": ("response_format", "{schema: 'the city.json'}", named("the_city")),
    "a YAML file": ("response_format", "{schema: city.yaml, strict: true}", named("city", strict=True)),
    "anything": (
        "response_format",
        "{schema: {}}",
        {"type": "json_schema", "json_schema": {"name": "answer", "schema": {}}},
    ),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the schema in two files."""
    (tmp_path / "the city.json").write_text(json.dumps(SCHEMA), encoding="utf-8")
    (tmp_path / "city.yaml").write_text(json.dumps(SCHEMA, indent=1), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(("name", "written", "held"), FORMS.values(), ids=FORMS)
def test_parameters_may_stand_anywhere(name: str, written: str, held: Any, folder: Path) -> None:
    """A parameter is the same in the suite, a matrix, a model, a prompt, a case and on the command line."""
    said = f"{{{name}: {written}}}"
    tools = "tools: [{name: f-1}, {name: auto}, {name: getCurrentWeatherForecastForCityAndCountry2}]"
    suite = load(
        folder,
        params=said,
        matrix=f"{{{name}: [{written}]}}",
        models=f"[{{id: simulator/large, params: {said}}}]",
        prompts=f"{{ask: {{user: '{{{{ q }}}}', {tools}, params: {said}}}}}",
        cases=f"[{{vars: {{q: x}}, expected: y, params: {said}}}]",
    )
    overridden = load(folder, overrides=Overrides(params={name: written}))

    assert suite.params == suite.models[0].params == suite.prompts[0].params == suite.cases[0].params == {name: held}
    assert suite.matrix == {name: (held,)}
    assert overridden.params == {name: held}
    assert type(suite.params[name]) is type(held)


def test_a_matrix_has_every_parameter() -> None:
    """What can be said can be compared."""
    assert list(MatrixEntry.model_fields) == list(ParamsEntry.model_fields)


@pytest.mark.parametrize(
    "sections",
    [
        {"params": "{n: 2}"},
        {"params": "{n: 1}", "prompts": "{ask: {user: '{{ q }}', turns: [Why?]}}"},
        {"params": "{n: 2}", "prompts": "{ask: {user: '{{ q }}', turns: [Why?], params: {n: 1}}}"},
        {
            "params": "{n: 2}",
            "matrix": "{n: [3]}",
            "models": "[{id: simulator/large, params: {n: 1}}]",
            "prompts": "{ask: {user: '{{ q }}', turns: [Why?]}}",
        },
        {"params": "{n: 2}", "matrix": "{n: [1]}", "prompts": "{ask: {user: '{{ q }}', turns: [Why?]}}"},
    ],
    ids=["no turns", "one answer", "one for the prompt", "one for the model", "one in the matrix"],
)
def test_the_nearest_n_holds(sections: dict[str, str], tmp_path: Path) -> None:
    """Turns are refused only where an n above 1 would reach them."""
    assert load(tmp_path, None, None, **sections).prompts


def test_a_schema_file_is_read_where_it_is_named(folder: Path) -> None:
    """Two prompts with a schema each may share a file, and a matrix may compare schemas."""
    suite = load(folder, matrix="{response_format: [text, {schema: city.yaml}]}")

    assert suite.matrix["response_format"] == ({"type": "text"}, named("city"))

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evalrun.scoring import OPTIONS, SAYS
from evalrun.suite.load import load_suite
from evalrun.suite.plan import make_plan
from evalrun.suite.reference import reference
from evalrun.suite.reference_parts import PARTS
from evalrun.suite.schema import json_schema
from tests.cli.harness import call
from tests.conftest import ROOT
from tests.suite.corpus import PNG

SCHEMA = json_schema(OPTIONS, SAYS)
PAGE = (ROOT / "docs" / "suite.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.M | re.S)
REST = {
    "models": ["simulator/large"],
    "prompts": {"ask": "{{ question }}"},
    "cases": [{"id": "one", "vars": {"question": "Why?"}, "expected": "x"}],
    "scorers": ["icontains"],
}


def test_the_page_is_current() -> None:
    """docs/suite.md is what `make docs` writes."""
    assert reference(SCHEMA) + "\n" == PAGE


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    """`evalrun schema --format markdown` is the page; without the option it is the JSON Schema."""
    assert call(capsys, "schema", "--format", "markdown").out == PAGE
    assert json.loads(call(capsys, "schema").out) == SCHEMA


def test_every_mapping_has_its_place() -> None:
    """Each definition of the schema belongs to one part; a scorer's options stand with the scorers."""
    placed = [name for part in PARTS for name in part.definitions]
    options = {entry["anyOf"][0]["$ref"].rpartition("/")[2] for entry in _scorers().values()}

    assert len(placed) == len(set(placed))
    assert set(placed) == {"", *SCHEMA["$defs"]} - options


def test_every_key_is_told() -> None:
    """Each key of each mapping has its row, but those of matrix, which are those of params."""
    told = set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.M))
    keys = {key for owner in (SCHEMA, *SCHEMA["$defs"].values()) for key in owner.get("properties", {})}
    params, matrix = (SCHEMA["$defs"][name]["properties"] for name in ("ParamsEntry", "MatrixEntry"))

    assert keys - told == set()
    assert set(matrix) == set(params)


def test_every_scorer_is_told() -> None:
    """Each scorer that is built in has its sentence, none like another's but for the i-forms."""
    table = PAGE.partition("| scorer | passes where |")[2].partition("\n\n")[0]

    assert re.findall(r"^\| `([^`]+)` \| \S.*\|$", table, re.M) == list(OPTIONS)
    assert all(SAYS.values())


def test_defaults_have_a_column() -> None:
    """What a description says of a default stands in the column of defaults, and only there."""
    assert "| `samples` | whole number, 1 to 10,000 | 1 | How often each question is asked. |" in PAGE
    assert "| `version` | `1` | | The format's version: 1. |" in PAGE
    assert not re.search(r"\(default|Default:", PAGE)


@pytest.mark.parametrize("shown", EXAMPLES, ids=lambda shown: shown.partition(":")[0])
def test_the_examples_load(shown: str, tmp_path: Path) -> None:
    """Each example makes a suite that loads and is planned, with whatever it leaves out."""
    (tmp_path / "questions.csv").write_text("id,question,answer,topic\nq1,Why?,x,a\n")
    (tmp_path / "answers.jsonl").write_text('{"id": "one", "text": "x"}\n')
    (tmp_path / "cat.png").write_bytes(PNG)
    missing = {key: value for key, value in REST.items() if f"{key}:" not in re.findall(r"^\w+:", shown, re.M)}
    text = shown + "".join(f"{key}: {json.dumps(value)}\n" for key, value in missing.items())
    (tmp_path / "suite.yaml").write_text(text, encoding="utf-8")

    assert make_plan(load_suite(tmp_path / "suite.yaml", scorers=OPTIONS)).cells


def test_every_top_key_has_an_example() -> None:
    """The examples show each key that a suite may begin a line with."""
    shown = {key for example in EXAMPLES for key in re.findall(r"^(\w+):", example, re.M)}

    assert set(SCHEMA["properties"]) - shown <= {"samples", "threshold", "max_error_rate"}


def _scorers() -> dict[str, Any]:
    found: dict[str, Any] = SCHEMA["$defs"]["Scorer"]["anyOf"][1]["properties"]
    return found

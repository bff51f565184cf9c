"""Every example suite runs as it is, with no key and no network, and its results show the feature that it is about."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.cli.harness import ROOT, newest_run, program

SUITES = ROOT / "suites"
pytestmark = pytest.mark.slow  # seven runs as programs of their own

EXAMPLES = ("tools", "image", "turns", "schema", "stream", "embeddings", "dialects")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pd.DataFrame]:
    """The rows of each example, run once as a program. All of them exit with 0: complete, gates passed."""
    found = {}
    for name in EXAMPLES:
        folder: Path = tmp_path_factory.mktemp(name)
        said = program(SUITES / f"{name}.yaml", cwd=folder)
        assert said.code == 0, f"{name}: {said.err}{said.out}"
        found[name] = pd.read_csv(newest_run(folder / "results") / "results.csv", keep_default_na=False)
    return found


def of_large(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the better model."""
    return rows[rows["model"].str.endswith("large")]


def test_every_feature_has_an_example() -> None:
    """What is tested here is what lies in suites/, besides those that have tests of their own."""
    assert {path.stem for path in SUITES.glob("*.yaml")} == {*EXAMPLES, "basic", "quota", "stopping"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_small(name: str) -> None:
    """It fits on a screen."""
    assert len((SUITES / f"{name}.yaml").read_text().splitlines()) < 40


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_complete(name: str, results: dict[str, pd.DataFrame]) -> None:
    """Nothing of it failed or was left out, and the simulator's own token figures are in it."""
    rows = results[name]

    assert len(rows) > 0
    assert set(rows["status"]) <= {"answered", "no_answer"}
    assert set(rows["tokens_method"]) == {"simulated"}
    assert (pd.to_numeric(rows["prompt_tokens"]) > 0).all()


def test_tools_take_two_requests(results: dict[str, pd.DataFrame]) -> None:
    """One that calls, and one that makes a sentence of what was scripted; two calls at once are no third request."""
    rows = of_large(results["tools"])

    assert set(rows["requests"]) == {2}
    assert set(rows["verdict"]) == {"pass"}
    assert any("24 degrees" in output and "4 degrees and snow" in output for output in rows["output"])


def test_pictures_are_seen(results: dict[str, pd.DataFrame]) -> None:
    """The answers are what the files show."""
    rows = of_large(results["image"]).set_index("case")

    assert rows.loc["square", "output"] == "Red"
    assert "96" in rows.loc["wide", "output"]
    assert "MUSEUM" in rows.loc["sign", "output"]


def test_turns_take_a_request_each(results: dict[str, pd.DataFrame]) -> None:
    """Three turns are three requests, and the last one answers on the ground of the others."""
    rows = results["turns"]
    large = of_large(rows).set_index("case")

    assert set(rows["requests"]) == {3}
    assert large.loc["number", "output"] == "37"
    assert large.loc["country", "output"] == "wasraW"


def test_schemas_are_kept(results: dict[str, pd.DataFrame]) -> None:
    """Every answer is JSON with the fields of the schema, also where it is wrong."""
    schema = json.loads((SUITES / "data" / "country.schema.json").read_text())

    assert all(list(json.loads(output)) == schema["required"] for output in results["schema"]["output"])


def test_streams_have_a_time_to_the_first_piece(results: dict[str, pd.DataFrame]) -> None:
    """The first piece comes before the last; answers that came whole have no such figure."""
    rows = results["stream"]
    rows = rows[rows["status"] == "answered"]
    ttft, latency = pd.to_numeric(rows["ttft_s"]), pd.to_numeric(rows["latency_s"])

    assert ((ttft > 0) & (ttft < latency)).all()
    assert set(results["schema"]["ttft_s"]) == {""}


def test_embeddings_find_the_nearest(results: dict[str, pd.DataFrame]) -> None:
    """Each answer names the sentence that has the most words in common, and has a figure for each."""
    rows = of_large(results["embeddings"])
    answers = [json.loads(output) for output in rows["output"]]

    assert [answer["nearest"] for answer in answers] == [0, 1, 2]
    assert all(len(answer["similarities"]) == 3 for answer in answers)
    assert {answer["dimensions"] for answer in answers} == {1536}


def test_every_dialect_gives_the_same_answers(results: dict[str, pd.DataFrame]) -> None:
    """Six columns, and in each row of them one and the same answer."""
    rows = results["dialects"]
    answers = rows.groupby("case")["output"].nunique()

    assert set(rows["model"]) == {"chat", "responses", "messages", "completions", "azure", "azure-inference"}
    assert set(answers) == {1}

"""`evalrun score --human`: people's verdicts as a scorer. Those of a browser: tests/report/test_drawer.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from evalrun.store.run import RunStore
from tests.cli.harness import Said, call, newest_run

SUITE = """
version: 1
name: sums
models: [simulator/large, simulator/small]
params: {temperature: 0, seed: 7}
prompts: {terse: {system: Be brief., user: "What is {{ a }} + {{ b }}?"}}
cases:
  - {id: one, vars: {a: 1, b: 2}, expected: 3}
  - {id: two, vars: {a: 2, b: 3}, expected: 5}
scorers: [numeric]
"""


@pytest.fixture
def sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A finished run of two columns and two cases; its suite."""
    monkeypatch.chdir(tmp_path)
    suite = tmp_path / "sums.yaml"
    suite.write_text(SUITE)
    assert call(capsys, suite, "--quiet").code in (0, 1)
    return suite


def score(capsys: pytest.CaptureFixture[str], lines: list[dict[str, Any]] | str, *more: str) -> Said:
    """`evalrun score` with a file of these lines."""
    text = lines if isinstance(lines, str) else "".join(json.dumps(line) + "\n" for line in lines)
    Path("human.jsonl").write_text(text, encoding="utf-8")
    return call(capsys, "score", "sums", "--human", "human.jsonl", *more)


def table() -> pd.DataFrame:
    """results.csv by case and model."""
    read = pd.read_csv(newest_run(Path("results")) / "results.csv", dtype=str, keep_default_na=False)
    return read.set_index(["case", "model"])


WRONG = {"case": "one", "column": "large", "verdict": "fail", "note": "says it, but rudely"}
RIGHT = {"case": "two", "column": "large", "sample": 0, "verdict": "pass", "note": ""}


def test_a_verdict_counts_as_a_scorer_of_weight_1(sums: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person's verdict stands beside the other scores, decides as they do, and its note is the reason."""
    assert sums.exists()
    before = table()
    said = score(capsys, [WRONG, RIGHT])
    after = table()

    assert said.code == 0, said.err
    assert "2 verdicts read from human.jsonl; the run has 1 pass, 1 fail" in said.err
    row = after.loc[("one", "large")]
    assert (row["scorer.human"], row["scorer.numeric"], row["score"], row["verdict"]) == (
        *("0.000000", "1.000000", "0.500000"),
        "fail",
    )
    assert row["reason"] == "human: says it, but rudely"
    assert after.loc[("two", "large")]["scorer.human"] == "1.000000"
    rest = [key for key in before.index if key[1] != "large"]
    assert (after.loc[rest]["scorer.human"] == "").all()
    assert (after.loc[rest]["verdict"] == before.loc[rest]["verdict"]).all()


@pytest.mark.slow
def test_verdicts_stay_until_they_are_dropped(sums: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Later reports, further scoring, other scorers and resuming keep them; --drop-human takes them away again."""
    before = table()
    score(capsys, [WRONG])
    for words in (["report", "sums"], ["score", "sums"], ["resume", newest_run(Path("results")).name]):
        assert call(capsys, *words).code in (0, 1, 2)
        assert table().loc[("one", "large")]["scorer.human"] == "0.000000"
    sums.write_text(SUITE.replace("[numeric]", "[numeric, icontains]"))
    call(capsys, "score", "sums", "--suite", sums)
    assert table().loc[("one", "large")]["scorer.human"] == "0.000000"
    sums.write_text(SUITE)
    said = call(capsys, "score", "sums", "--suite", sums, "--drop-human")

    assert "1 verdict of people dropped" in said.err
    columns = [name for name in before.columns if name != "run"]
    assert list(table().columns) == list(before.columns)
    assert (table()[columns] == before[columns]).all(axis=None)


def test_a_later_verdict_replaces_an_earlier_one(sums: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of several lines and several files the last one holds; null takes a verdict back."""
    assert sums.exists()
    score(capsys, [WRONG, WRONG | {"verdict": "pass"}, RIGHT])
    assert table().loc[("one", "large")]["scorer.human"] == "1.000000"
    said = score(capsys, [WRONG | {"verdict": None}])

    assert "the run has 1 pass, 0 fail" in said.err
    assert table().loc[("one", "large")]["scorer.human"] == ""
    assert table().loc[("two", "large")]["scorer.human"] == "1.000000"


def test_every_wrong_line_is_named(sums: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line that is wrong, or of a cell that there is not, is told with its place; nothing is kept, exit code 2."""
    assert sums.exists()
    run = newest_run(Path("results")).name
    lines = [
        '{"case": "ones", "column": "large", "verdict": "pass"}',
        '{"case": "one", "column": "lage", "verdict": "pass"}',
        '{"case": "one", "verdict": "pass"}',
        '{"case": "one", "column": "large", "sample": 4, "verdict": "pass"}',
        '{"case": "one", "column": "large", "verdict": "up"}',
        '{"case": "one", "column": "large", "verdit": "pass"}',
        '{"case": 1, "column": "large", "sample": true, "verdict": "pass", "note": []}',
        "[1]",
        "{bad",
        '{"run": "other", "case": "one", "column": "large", "verdict": "pass"}',
        '{"case": "one", "column": "large", "verdict": "pass", "key": "0000"}',
        json.dumps(RIGHT),
    ]
    before = table()
    said = score(capsys, "\n".join(lines))

    assert said.code == 2
    for words in [
        "human.jsonl:1: no case `ones` (did you mean one?)",
        "human.jsonl:2: no column `lage` (did you mean large?)",
        "human.jsonl:3: `column` must say which of large, small",
        "human.jsonl:4: no sample 4 of case `one`, column `large`",
        "human.jsonl:5: `verdict` is pass, fail or null, not `up`",
        "human.jsonl:6: `verdict` is missing",
        "human.jsonl:6: unknown key `verdit` (did you mean verdict?)",
        "human.jsonl:7: `case` is a text, not `1`",
        "human.jsonl:7: `note` is a text, not a list",
        "human.jsonl:7: `sample` is a whole number from 0, not `true`",
        "human.jsonl:8: a verdict is a mapping {…}, not a list",
        "human.jsonl:9:2: not valid JSON",
        f"human.jsonl:10: a verdict on the run `other`, and this is {run}",
        "human.jsonl:11: case `one`, column `large` was asked otherwise since: the key of its request is another",
    ]:
        assert words in said.err
    assert "human.jsonl:12" not in said.err
    assert (table() == before).all(axis=None)


@pytest.mark.parametrize("text", ["", "\n \n", "\xff\x00"])
def test_a_file_without_verdicts(text: str, sums: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty file, one that is no text and one that is not there are told as such."""
    assert sums.exists()

    assert score(capsys, text).code == 2
    said = call(capsys, "score", "sums", "--human", "nowhere.jsonl")
    assert said.code == 2
    assert "there is no file `nowhere.jsonl`" in said.err


def test_a_scorer_of_that_name_is_refused(sums: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the suite has a scorer called human, people's verdicts cannot be told from it."""
    sums.write_text(SUITE.replace("[numeric]", "[{numeric: {name: human}}]"))
    call(capsys, "score", "sums", "--suite", sums)
    said = score(capsys, [WRONG])

    assert said.code == 2
    assert "a scorer is called human" in said.err


def test_a_verdict_is_of_one_answer(sums: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An answer that came in place of the judged one has no verdict, and no line may judge a cell without an answer."""
    assert sums.exists()
    score(capsys, [WRONG])
    folder = newest_run(Path("results"))
    with RunStore.open(folder, write=True) as store:
        held = store.meta()["human"]
        store.set_meta(human={key: said | {"answer": "of another"} for key, said in held.items()})
        key = next(cell.key for cell in store.cells() if cell.position == 3)
        store.forget([key])
    call(capsys, "score", "sums")
    assert table().loc[("one", "large")]["scorer.human"] == ""
    said = score(capsys, [{"case": "two", "column": "small", "verdict": "pass"}])

    assert said.code == 2
    assert "human.jsonl:1: case `two`, column `small` has no answer to judge" in said.err


def test_without_scorers_people_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a suite without scorers a person's verdict is the verdict, and the report says what the others are."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sums.yaml").write_text(SUITE.replace("scorers: [numeric]", ""))
    call(capsys, "sums.yaml", "--quiet")
    score(capsys, [WRONG])

    assert table().loc[("one", "large")]["verdict"] == "fail"
    assert table().loc[("two", "large")]["verdict"] == "pass"
    notes = json.loads((newest_run(Path("results")) / "run.json").read_text())["notes"]
    assert "no scorer decides a verdict: every answer that nobody judged counts as passed" in notes

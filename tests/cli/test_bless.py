from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.cli.harness import call, newest_run

SUITE = """\
name: sums
models: [{id: simulator/large, label: m}]
params: {temperature: 0}
prompts:
  terse: {system: Answer with the number only., user: "What is {{ a }} + {{ b }}?"}
cases:
CASES
scorers: [icontains]
gates:
  - {check: no_regression, alpha: 0.05}
"""
CASES = "\n".join(f"  - {{id: c{n}, tags: [t{n % 2}], vars: {{a: {n}, b: {n + 1}}}, expected: '{2 * n + 1}'}}"
                  for n in range(12))  # fmt: skip
WRONG = re.sub(r"expected: '\d+'", "expected: 'never'", CASES)


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite with a gate against its baseline, in a folder of its own, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "sums.yaml"
    path.write_text(SUITE.replace("CASES", CASES))
    return path


def gates(folder: Path) -> list[dict]:
    """The gates of a run, as run.json has them."""
    return json.loads((folder / "run.json").read_text())["gates"]


def test_a_run_is_blessed_and_the_next_compared(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Without a baseline there is not enough evidence; then the same passes, and what got worse fails with 1."""
    first = call(capsys, suite)
    said = call(capsys, "bless", "sums", "--note", "as released")
    same = call(capsys, suite)
    suite.write_text(SUITE.replace("CASES", WRONG))
    worse = call(capsys, suite)

    assert (first.code, said.code, same.code, worse.code) == (0, 0, 0, 1)
    assert "not enough evidence" in first.out
    assert "evalrun bless RUN" in " ".join(first.out.split())
    assert said.out.startswith(f"written: {suite.parent / 'sums.baseline.jsonl'} (12 cells of 1 column")
    assert "(as released)" in same.out
    (gate,) = gates(newest_run(Path("results")))
    assert (gate["verdict"], gate["failed"], len(gate["regressed"])) == ("fail", True, 12)
    assert gate["regressed"][0] == {"column": "m", "case": "c0", "sample": 0}
    assert "now failing: c0, c1, c2, c3, c4 and 7 more" in gate["reason"]


def test_a_baseline_holds_no_answer(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A header and a line a cell: case, column, sample, verdict, score and key."""
    call(capsys, suite, "--quiet")
    call(capsys, "bless", "sums")
    head, *cells = map(json.loads, Path("sums.baseline.jsonl").read_text().splitlines())

    assert head["run"] == newest_run(Path("results")).name
    assert head["columns"][0]["label"] == "m"
    assert len(cells) == head["cells"] == 12
    assert {frozenset(cell) for cell in cells} == {frozenset({"case", "column", "sample", "verdict", "score", "key"})}


def test_blessing_again_says_what_changed(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Better, worse, the same, new and gone cells are counted, and requests that are others; the rest stays."""
    call(capsys, suite, "--quiet")
    call(capsys, "bless", "sums")
    changed = CASES.replace("expected: '1'}", "expected: 'never'}").replace("id: c11", "id: other")
    suite.write_text(SUITE.replace("CASES", changed).replace("number only.", "number alone."))
    call(capsys, suite, "--quiet")
    said = call(capsys, "bless", "sums")

    assert ": 1 worse, 10 the same, 1 new, 1 gone; 11 requests changed" in said.out
    assert "WARNING: 1 cell of the baseline before" in said.out


def test_a_failed_gate_is_no_obstacle(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A change is accepted by blessing the run that shows it; the next run passes."""
    call(capsys, suite, "--quiet")
    call(capsys, "bless", "sums")
    suite.write_text(SUITE.replace("CASES", WRONG))

    assert call(capsys, suite, "--quiet").code == 1
    assert call(capsys, "bless", "sums").code == 0
    assert call(capsys, suite, "--quiet").code == 0


def test_an_incomplete_run_is_refused(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A run with cells that were not asked makes no baseline, and the one that is there stays."""
    call(capsys, suite, "--quiet")
    call(capsys, "bless", "sums")
    before = Path("sums.baseline.jsonl").read_bytes()
    paused = call(capsys, suite, "--new", "--max-requests", "5", "--quiet")
    said = call(capsys, "bless", "sums")

    assert (paused.code, said.code) == (75, 2)
    assert "only a complete run makes a baseline" in said.err
    assert "evalrun resume" in said.err
    assert Path("sums.baseline.jsonl").read_bytes() == before
    assert gates(newest_run(Path("results")))[0]["verdict"] == "not decided"


def test_a_suite_that_moved_is_named(capsys: pytest.CaptureFixture[str], suite: Path, tmp_path: Path) -> None:
    """Where the suite is not found any more the user says where it is, and the baseline goes there."""
    call(capsys, suite, "--quiet")
    (tmp_path / "new").mkdir()
    moved = tmp_path / "new" / "sums.yaml"
    shutil.move(suite, moved)
    lost = call(capsys, "bless", "sums")
    said = call(capsys, "bless", "sums", "--suite", moved)
    missing = call(capsys, "bless", "sums", "--suite", tmp_path / "none.yaml")

    assert (lost.code, said.code, missing.code) == (2, 0, 2)
    assert "--suite FILE" in lost.err
    assert moved.with_name("sums.baseline.jsonl").exists()
    assert not suite.with_name("sums.baseline.jsonl").exists()


def test_a_suite_found_by_its_folder_needs_no_name(
    capsys: pytest.CaptureFixture[str], suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suite named relatively is found from another working folder."""
    call(capsys, "sums.yaml", "--quiet")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    assert call(capsys, "bless", "sums", "--results", "../results").code == 0
    assert suite.with_name("sums.baseline.jsonl").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing",), "no such run"),
        (("sums", "--note", "two\nlines"), "--note"),
        (("sums", "--note", "x" * 501), "--note"),
    ],
)
def test_a_wrong_word_is_refused(
    capsys: pytest.CaptureFixture[str], suite: Path, words: tuple[str, ...], says: str
) -> None:
    """Exit code 2, and nothing is written."""
    call(capsys, suite, "--quiet")
    said = call(capsys, "bless", *words)

    assert (said.code, says in said.err) == (2, True)
    assert not Path("sums.baseline.jsonl").exists()


def test_a_damaged_baseline_stops_a_run_before_it_begins(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Nothing is sent for an answer that could not be given; blessing replaces the file."""
    call(capsys, suite, "--quiet")
    call(capsys, "bless", "sums")
    Path("sums.baseline.jsonl").write_text("<<<<<<< HEAD\n")
    refused, planned = call(capsys, suite, "--new"), call(capsys, "plan", suite)
    blessed = call(capsys, "bless", "sums")

    assert (refused.code, planned.code, blessed.code) == (2, 2, 0)
    assert "sums.baseline.jsonl:1: no line of a baseline" in refused.err
    assert len(list(Path("results/sums").iterdir())) == 1


def test_a_baseline_damaged_meanwhile_costs_no_report(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A run that is there is reported all the same, its gate without enough evidence."""
    call(capsys, suite, "--quiet")
    Path("sums.baseline.jsonl").write_text("<<<<<<< HEAD\n")

    assert call(capsys, "report", "sums").code == 0
    (gate,) = gates(newest_run(Path("results")))
    assert gate["verdict"] == "not enough evidence"
    assert "sums.baseline.jsonl:1" in gate["reason"]


def test_strict_gates_fail_without_evidence(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """A strict gate that cannot be answered ends the run with 1, and the words say why."""
    strict = "  - {check: no_regression, strict: true}\n  - {check: pass_rate >= 0.9, strict: true}\n"
    suite.write_text(SUITE.replace("CASES", CASES).replace("  - {check: no_regression, alpha: 0.05}\n", strict))
    said = call(capsys, suite)

    assert said.code == 1
    assert said.out.count("NOT ENOUGH EVIDENCE") == 2
    assert "holds 0.9 at 95 %: needs about" in " ".join(said.out.split())


def test_the_plan_shows_the_gates(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Each with whom it is for, and what it is compared with."""
    more = "  - pass_rate >= 0.5\n  - {check: score >= 0.5, for: {tag: [t0, t1]}, confidence: 0.9}\n"
    suite.write_text(SUITE.replace("CASES", CASES) + more)
    before = " ".join(call(capsys, "plan", suite).out.split())
    call(capsys, suite, "--quiet")
    call(capsys, "bless", "sums")
    after = " ".join(call(capsys, "plan", suite).out.split())
    said = json.loads(call(capsys, "plan", suite, "--json").out)

    assert "gates no_regression: no baseline: make one" in before
    assert "pass_rate >= 0.5 score >= 0.5 for tag t0 or t1 at 90 %" in before
    assert "gates no_regression: any drop at alpha 0.05, against 12 cells of 20" in after
    assert len(said["gates"]) == 3


def test_a_run_without_a_verdict_is_no_baseline(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Where every error is allowed a run may be complete with nothing in it; the baseline that was there stays."""
    call(capsys, suite)
    call(capsys, "bless", "sums")
    before = (suite.parent / "sums.baseline.jsonl").read_bytes()
    text = suite.read_text().replace("simulator/large", "recorded/x, file: none.jsonl, match: a, answer: b")
    (suite.parent / "none.jsonl").write_text('{"a": "elsewhere", "b": "5"}\n')
    suite.write_text(text + "max_error_rate: 1\n")
    run = call(capsys, suite, "--new")
    refused = call(capsys, "bless", "sums")

    assert refused.code == 2, (run.out, run.err)
    assert "no cell with a verdict" in refused.err
    assert (suite.parent / "sums.baseline.jsonl").read_bytes() == before


def test_a_column_that_vanished_is_not_passed_over(capsys: pytest.CaptureFixture[str], suite: Path) -> None:
    """Gone from the suite it leaves too little evidence, until that is blessed; left out by hand it does not."""
    both = SUITE.replace("CASES", CASES).replace("label: m}]", "label: m}, {id: simulator/medium, label: n}]")
    suite.write_text(both)
    call(capsys, suite, "--quiet")
    call(capsys, "bless", "sums")
    said = []
    for words in (("--only", "model=m"), ("--model", "m")):
        call(capsys, suite, "--new", "--quiet", *words)
        said.append(gates(newest_run(Path("results")))[0])
    suite.write_text(SUITE.replace("CASES", CASES))
    call(capsys, suite, "--quiet")
    gone = gates(newest_run(Path("results")))[0]
    call(capsys, "bless", "sums")
    call(capsys, suite, "--quiet")

    assert [(one["verdict"], "n of the baseline left out of this run" in one["reason"]) for one in said] == [
        ("pass", True),
        ("pass", True),
    ]
    assert (gone["verdict"], gone["failed"]) == ("not enough evidence", False)
    assert "; n is in the baseline and not in the suite any more; " in gone["reason"]
    assert gates(newest_run(Path("results")))[0]["verdict"] == "pass"


def test_another_suite_is_refused(capsys: pytest.CaptureFixture[str], suite: Path, tmp_path: Path) -> None:
    """--suite says where this suite is now: one of another name, or no suite, is refused and gets no baseline."""
    other, copy, torn = (tmp_path / name for name in ("other.yaml", "copy.yaml", "torn.yaml"))
    call(capsys, suite, "--quiet")
    other.write_text(suite.read_text().replace("name: sums", "name: products"))
    copy.write_text(suite.read_text().replace("alpha: 0.05", "alpha: 0.01"))
    torn.write_text("name: [sums\n")
    refused, taken, broken = (call(capsys, "bless", "sums", "--suite", path) for path in (other, copy, torn))

    assert (refused.code, taken.code, broken.code) == (2, 0, 2)
    assert "this suite is called products, and the run is of sums" in refused.err
    assert "torn.yaml:" in broken.err
    assert sorted(path.name for path in tmp_path.glob("*.baseline.jsonl")) == ["copy.baseline.jsonl"]


def test_a_suite_without_a_name_may_move_under_another(
    capsys: pytest.CaptureFixture[str], suite: Path, tmp_path: Path
) -> None:
    """It is called like its file; where its text stayed the same it is the same suite all the same."""
    suite.write_text(suite.read_text().replace("name: sums\n", ""))
    call(capsys, suite, "--quiet")
    moved = suite.rename(tmp_path / "totals.yaml")

    assert call(capsys, "bless", "sums", "--suite", moved).code == 0


def test_gates_of_a_suite_without_scorers_say_what_they_pass_on(
    capsys: pytest.CaptureFixture[str], suite: Path
) -> None:
    """The plan says beforehand, and the gate afterwards, that only answering is asked for."""
    text = suite.read_text().replace("scorers: [icontains]\n", "")
    suite.write_text(text + "  - {check: pass_rate >= 0.9, confidence: 0.5}\n  - total_tokens <= 9000\n")
    planned = json.loads(call(capsys, "plan", suite, "--json").out)["gates"]
    shown = " ".join(call(capsys, suite).out.split())
    _, rate, tokens = gates(newest_run(Path("results")))

    assert planned[1:] == [
        "pass_rate >= 0.9 at 50 %: nothing scores the answers: each one passes",
        "total_tokens <= 9000",
    ]
    assert "nothing scores the answers: each one passes" in shown
    assert (rate["verdict"], rate["reason"].endswith("; nothing scores the answers: each one passes")) == ("pass", True)
    assert "nothing scores" not in tokens["reason"]

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from evalrun.conduct.history import suite_history
from evalrun.errors import UsageError
from evalrun.report.history_text import history_text
from tests.conduct.stored import Made, Said, cases, stored

Answer = Callable[[str, str, int], Said]


def number(case: str) -> int:
    """The number of a case's id."""
    return int(case.removeprefix("land"))


def steady(**more: object) -> Answer:
    """Every seventh answer is wrong, tokens and latencies differ a little from case to case."""

    def said(case: str, column: str, sample: int) -> Said:
        n = number(case)
        return replace(Said(passed=n % 7 != 0, tokens=30 + n % 5, latency_s=0.5 + n % 3 / 10), **more)

    return said


def nights(results: Path, *answers: Answer, count: int = 60, **more: object) -> None:
    """A run a night, all of the same suite, one column."""
    for day, answer in enumerate(answers):
        stored(results, f"run-{day}", Made(cases(count), answer, labels=("large",), **more), day=day)  # type: ignore[arg-type]


def test_nothing_drifts(tmp_path: Path) -> None:
    """Runs that answer alike are told one by one, and nothing is said to have drifted."""
    nights(tmp_path, steady(), steady(), steady())
    found = suite_history(tmp_path, "capitals")
    (column,) = found.columns

    assert [run.run for run in found.runs] == ["run-0", "run-1", "run-2"]
    assert [point.scored for point in column.points if point] == [60, 60, 60]
    assert (found.drifts, found.changes) == ((), ())
    assert found.conclusion == ("No drift in what was asked the same.",)


def test_a_step_is_told_since_when(tmp_path: Path) -> None:
    """A pass rate that falls, and stays there, is told once, with the run in which it fell."""

    def worse(case: str, column: str, sample: int) -> Said:
        return replace(steady()(case, column, sample), passed=number(case) % 2 == 0, tokens=60)

    nights(tmp_path, steady(), steady(), worse, worse)
    found = suite_history(tmp_path, "capitals")

    assert [(d.figure, d.since, d.against) for d in found.drifts] == [
        ("pass_rate", "run-2", "run-1"),
        ("tokens", "run-2", "run-1"),
    ]
    assert found.conclusion[0] == (
        "large: pass rate 85.0 % → 50.0 % since 2026-11-22 10:31, against 2026-11-21 10:31 (60 cases, p = 0.002)."
    )
    assert found.conclusion[1].startswith("large: tokens an answer 32.0 → 60.0 since 2026-11-22 10:31")


def test_what_creeps_is_told_against_the_first_run(tmp_path: Path) -> None:
    """Steps too small to tell add up: then it is told against the first run, since when it has held."""

    def creeping(day: int) -> Answer:
        return lambda case, column, sample: Said(passed=number(case) >= 4 * day)

    nights(tmp_path, *(creeping(day) for day in range(6)))
    found = suite_history(tmp_path, "capitals")
    (one,) = found.drifts

    assert (one.figure, one.against, one.against_first) == ("pass_rate", "run-0", True)
    assert one.since in {"run-3", "run-4"}
    assert (one.before, one.after) == (1.0, pytest.approx(40 / 60))
    assert "against the first run (2026-11-20 10:31)" in found.conclusion[0]


def test_small_changes_of_time_are_no_drift(tmp_path: Path) -> None:
    """A latency that is surely five per cent longer is not worth a word, one of half as much again is."""
    nights(tmp_path / "little", steady(latency_s=0.50), steady(latency_s=0.525))
    nights(tmp_path / "much", steady(latency_s=0.50), steady(latency_s=0.75))

    assert suite_history(tmp_path / "little", "capitals").drifts == ()
    assert [d.figure for d in suite_history(tmp_path / "much", "capitals").drifts] == ["latency_s"]


def test_a_simulated_models_time_is_this_machines(tmp_path: Path) -> None:
    """How fast a simulated model answers says nothing of a service."""
    nights(tmp_path, steady(latency_s=0.50), steady(latency_s=0.75), simulated=True)

    assert suite_history(tmp_path, "capitals").drifts == ()


def test_the_service_says_that_it_changed(tmp_path: Path) -> None:
    """Another system_fingerprint and another model that answers are named with the run in which they came."""
    nights(tmp_path, steady(), steady(fingerprint="fp_2"), steady(fingerprint="fp_2", model="m-2027"))
    found = suite_history(tmp_path, "capitals")

    assert [(c.what, c.since, c.before, c.after) for c in found.changes] == [
        ("system_fingerprint", "run-1", ("fp_1",), ("fp_2",)),
        ("model", "run-2", ("m-2026",), ("m-2027",)),
    ]
    assert "large: system_fingerprint fp_1 → fp_2 since 2026-11-21 10:31." in found.conclusion
    assert "large: answered by m-2027 instead of m-2026 since 2026-11-22 10:31." in found.conclusion


def test_other_questions_are_not_compared(tmp_path: Path) -> None:
    """A column that is asked otherwise does not drift, whatever its answers."""
    stored(tmp_path, "run-0", Made(cases(40), labels=("large",)))
    wrong = Made(cases(40), lambda c, k, s: Said(passed=False), labels=("large",), ask={"large": "another prompt"})
    stored(tmp_path, "run-1", wrong, day=1)
    found = suite_history(tmp_path, "capitals")

    assert found.drifts == ()
    assert [(c.what, c.same, c.cells) for c in found.changes] == [("requests", 0, 40)]
    assert found.conclusion[0] == "Nothing was asked the same twice."


def test_what_stayed_the_same_is_compared(tmp_path: Path) -> None:
    """New cases do not hide that the old ones are answered otherwise."""
    stored(tmp_path, "run-0", Made(cases(30), labels=("large",)))
    stored(tmp_path, "run-1", Made(cases(40), lambda c, k, s: Said(passed=False), labels=("large",)), day=1)
    found = suite_history(tmp_path, "capitals")

    assert [(d.figure, d.before, d.after, d.cases) for d in found.drifts] == [("pass_rate", 1.0, 0.0, 30)]
    assert [(c.what, c.same, c.cells) for c in found.changes] == [("requests", 30, 40)]


def test_other_scorers_are_no_drift(tmp_path: Path) -> None:
    """Verdicts by other scorers are not held against earlier ones; tokens still are."""
    stored(tmp_path, "run-0", Made(cases(40), labels=("large",)))
    harsh = Made(cases(40), lambda c, k, s: Said(passed=False, tokens=90), labels=("large",), judge="another")
    stored(tmp_path, "run-1", harsh, day=1)
    found = suite_history(tmp_path, "capitals")

    assert [d.figure for d in found.drifts] == ["tokens"]
    assert [(c.what, c.same, c.cells) for c in found.changes] == [("scorers", 0, 40)]


def test_another_expected_value_is_told_apart_from_other_scorers(tmp_path: Path) -> None:
    """What the suite changed is named: what is expected of a case, or who judges; cells of neither are compared."""
    old = cases(40)
    new = [replace(case, expected="elsewhere") if number(case.id) < 5 else case for case in old]
    stored(tmp_path / "one", "run-0", Made(old, labels=("large",), judge=lambda case: repr(case.expected)))
    stored(tmp_path / "one", "run-1", Made(new, labels=("large",), judge=lambda case: repr(case.expected)), day=1)
    stored(tmp_path / "two", "run-0", Made(old, labels=("large",)))
    stored(tmp_path / "two", "run-1", Made(new, labels=("large",), judge="another"), day=1)
    one, two = (suite_history(tmp_path / name, "capitals") for name in ("one", "two"))

    assert [(c.what, c.same, c.cells) for c in one.changes] == [("expected", 35, 40)]
    assert [(c.what, c.same, c.cells) for c in two.changes] == [("expected", 35, 40), ("scorers", 5, 40)]
    assert one.conclusion[1] == (
        "large: judged against other expected values since 2026-11-21 10:31 in 5/40 cells, whose verdicts are not "
        "compared."
    )


def test_a_cell_that_nobody_judged_has_no_other_scorers(tmp_path: Path) -> None:
    """An error in one of the two runs has no verdict, and says nothing of who would have given it."""
    stored(tmp_path, "run-0", Made(cases(40), labels=("large",)))
    broken = Made(cases(40), lambda c, k, s: Said(error="500" if number(c) < 3 else ""), labels=("large",))
    stored(tmp_path, "run-1", broken, day=1)

    assert suite_history(tmp_path, "capitals").changes == ()


def test_answers_from_the_cache_are_no_new_evidence(tmp_path: Path) -> None:
    """An answer that came out of the cache was not given that night."""
    stored(tmp_path, "run-0", Made(cases(40), labels=("large",)))
    again = Made(cases(40), lambda c, k, s: Said(passed=False, cached=True), labels=("large",))
    stored(tmp_path, "run-1", again, day=1)

    assert suite_history(tmp_path, "capitals").drifts == ()


def test_incomplete_and_damaged_runs_are_listed(tmp_path: Path) -> None:
    """A run that is not whole is listed with the reason, and the runs around it are compared past it."""
    nights(tmp_path, steady())
    stored(tmp_path, "run-1", Made(cases(60), labels=("large",), state="interrupted", asked=10), day=1)
    stored(tmp_path, "run-2", Made(cases(60), labels=("large",)), day=2)
    (tmp_path / "capitals" / "run-2" / "run.db").write_bytes(b"SQLite format 3\x00" + b"x" * 5000)
    stored(tmp_path, "run-3", Made(cases(60), steady(), labels=("large",)), day=3)
    found = suite_history(tmp_path, "capitals")
    text = history_text(found, width=80, color=False)

    assert {run.run: (run.state, run.compared) for run in found.runs} == {
        "run-0": ("complete", True),
        "run-1": ("interrupted", False),
        "run-2": ("damaged", False),
        "run-3": ("complete", True),
    }
    assert [point.run for point in found.columns[0].points if point] == ["run-0", "run-3"]
    assert "run-1 interrupted, not compared: 10/60 asked, 0 in error" in text


def test_a_run_whose_answers_are_damaged(tmp_path: Path) -> None:
    """Damage that shows only when the answers are read is told too, and stops nothing."""
    nights(tmp_path, steady(), steady(), steady(), count=200)
    path = tmp_path / "capitals" / "run-1" / "run.db"
    raw = bytearray(path.read_bytes())
    place = raw.index(b"an answer", len(raw) // 2)
    raw[place : place + 9] = b"AN ANSWER"
    path.write_bytes(raw)
    found = suite_history(tmp_path, "capitals")

    assert [(run.state, run.compared) for run in found.runs] == [
        ("complete", True),
        ("damaged", False),
        ("complete", True),
    ]
    assert [point.run for point in found.columns[0].points if point] == ["run-0", "run-2"]


def test_only_the_last_runs(tmp_path: Path) -> None:
    """With *last* older runs are left out and counted."""
    nights(tmp_path, *[steady()] * 4)
    found = suite_history(tmp_path, "capitals", last=2)

    assert ([run.run for run in found.runs], found.older) == (["run-2", "run-3"], 2)


def test_one_run_is_no_history(tmp_path: Path) -> None:
    """With fewer than two complete runs nothing is compared, and that is what is said."""
    nights(tmp_path, steady())

    assert suite_history(tmp_path, "capitals").conclusion == (
        "Only one complete run: there is nothing to compare yet.",
    )


def test_a_suite_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suite is named by its name or its file; an unknown one is answered with the nearest."""
    monkeypatch.chdir(tmp_path)
    nights(tmp_path / "results", steady())
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "capitals.yaml").write_text("version: 1\n")

    assert suite_history(Path("results"), "suites/capitals.yaml").suite == "capitals"
    with pytest.raises(UsageError, match="did you mean capitals"):
        suite_history(Path("results"), "capitol")
    with pytest.raises(UsageError, match="no runs here"):
        suite_history(Path("nowhere"), "capitals")


@pytest.mark.parametrize(
    "odd",
    [
        lambda c, k, s: Said(error="500"),
        lambda c, k, s: Said(passed=None),
        lambda c, k, s: Said(cost_usd=None),
        lambda c, k, s: Said(latency_s=0.0, cost_usd=0.0),
    ],
    ids=["errors", "unscored", "no price", "free"],
)
def test_there_is_never_a_nan(odd: Answer, tmp_path: Path) -> None:
    """Whatever is missing, every figure is a number or none, and no line is over 80 cells."""
    nights(tmp_path, steady(), odd, odd, count=5)
    found = suite_history(tmp_path, "capitals")
    text = history_text(found, width=80, color=False)

    assert json.dumps(asdict(found), allow_nan=False)
    assert "nan" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_another_column_that_asks_the_same_changes_nothing(tmp_path: Path) -> None:
    """Two columns of one model share request keys, which a run tells apart; the second has still asked the same."""
    stored(tmp_path, "run-0", Made(cases(20), steady(), labels=("small",)), day=0)
    names = {"large": "small", "small": "small"}
    stored(tmp_path, "run-1", Made(cases(20), steady(), labels=("large", "small"), names=names), day=1)
    found = suite_history(tmp_path, "capitals")

    assert not [change for change in found.changes if "small" in repr(change)]
    assert found.conclusion == ("No drift in what was asked the same.",)

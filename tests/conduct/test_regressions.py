from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from evalrun.conduct import regressions
from evalrun.conduct.regressions import Watcher, _numbers, before_of, regressions_of
from evalrun.records.baseline import NO_BASELINE, Baseline, BaselineCell
from evalrun.records.plan import Column
from evalrun.records.regression import Regressions
from evalrun.store.run import RunStore
from tests.conduct.stored import BEGUN, DAY_S, Made, Said, cases, stored
from tests.store.test_summaries import manifest


def told(results: Path, run: str, made: Made, day: int) -> Path:
    """A run with the run.json that its reports leave."""
    folder = stored(results, run, made, day=day)
    said = manifest(started_at=f"2026-11-{20 + day}T10:31:07Z")
    (folder / "run.json").write_text(json.dumps(said))
    return folder


def seen(folder: Path, baseline: Baseline | str = NO_BASELINE, *, day: int = 1) -> Regressions | None:
    """What is said of the run in *folder*, begun on that day."""
    store = RunStore.open(folder)
    plan = store.plan()
    before = before_of(folder, plan, BEGUN + day * DAY_S, baseline)
    if before is None:
        return None
    watcher = Watcher(before)
    assert sum(1 for _ in watcher.over(store.rows())) == len(plan.cells)
    return regressions_of(store, plan, watcher)


def answering(*failing: str, score: float = 0.0) -> Callable[[str, str, int], Said]:
    """Everything passes but for these cases of the column large."""

    def said(case: str, column: str, sample: int) -> Said:
        bad = case in failing and column == "large"
        return Said(passed=not bad, score=score if bad else 1.0, text="nonsense" if bad else "fine")

    return said


def test_the_run_before_is_what_it_is_held_against(tmp_path: Path) -> None:
    """Where there is no baseline: what passed then and fails now, with what was expected and said."""
    told(tmp_path, "2026-11-20", Made(cases(6), answering("land0")), 0)
    folder = stored(tmp_path, "2026-11-21", Made(cases(6), answering("land0", "land3", "land5")), day=1)
    found = seen(folder)

    assert found is not None
    assert (found.against, found.failing, found.compared) == ("the run of 2026-11-20 10:31", 2, 11)
    assert [(one.case, one.column, one.expected, one.said) for one in found.worst] == [
        ("land3", "large", "Town 3", "nonsense"),
        ("land5", "large", "Town 5", "nonsense"),
    ]


def test_the_largest_falls_come_first(tmp_path: Path) -> None:
    """Of many the three whose score fell most, equal ones in the suite's order."""

    def graded(case: str, column: str, sample: int) -> Said:
        return Said(passed=False, score={"land4": 0.1, "land1": 0.0}.get(case, 0.6))

    told(tmp_path, "2026-11-20", Made(cases(6), labels=("large",)), 0)
    folder = stored(tmp_path, "2026-11-21", Made(cases(6), graded, labels=("large",)), day=1)
    found = seen(folder)

    assert found is not None
    assert [one.case for one in found.worst] == ["land1", "land4", "land0"]
    assert (found.failing, found.compared) == (6, 6)


def test_other_requests_are_not_compared(tmp_path: Path) -> None:
    """A column that is asked otherwise says nothing of what got worse since the run before."""
    told(tmp_path, "2026-11-20", Made(cases(4)), 0)
    folder = stored(tmp_path, "2026-11-21", Made(cases(4), answering("land1"), ask={"large": "politely"}), day=1)
    found = seen(folder)

    assert found is not None
    assert (found.failing, found.compared, found.worst) == (0, 4, ())


def test_nothing_before_is_nothing_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run of a suite; one whose forerunner is damaged or unfinished; and one that is too large to read."""
    folder = stored(tmp_path, "2026-11-21", Made(cases(4)), day=1)
    assert seen(folder) is None

    before = told(tmp_path, "2026-11-20", Made(cases(4)), 0)
    assert seen(folder) is not None
    monkeypatch.setattr(regressions, "LARGEST", 3)
    assert seen(folder) is None
    monkeypatch.undo()
    (before / "run.db").write_bytes(b"no database")
    assert seen(folder) is None


def baseline(*verdicts: tuple[str, str, str]) -> Baseline:
    """A baseline of these cells: case, column, verdict."""
    return Baseline(
        suite="capitals",
        run="2026-11-01T00-00-00Z-aaaa",
        date="2026-11-01T00:00:00Z",
        evalrun_version="0",
        suite_sha256="0",
        columns=tuple(Column(id=name, label=name, prompt="terse", model=name) for name in ("large", "small")),
        cells=tuple(
            BaselineCell(case=case, column=column, sample=0, verdict=verdict, score=None, key="k")  # type: ignore[arg-type]
            for case, column, verdict in verdicts
        ),
    )


def test_a_baseline_goes_before_the_run_before(tmp_path: Path) -> None:
    """Where there is a baseline it is what counts, whatever was asked then and however the last run went."""
    told(tmp_path, "2026-11-20", Made(cases(4), answering("land2")), 0)
    folder = stored(tmp_path, "2026-11-21", Made(cases(4), answering("land1", "land2")), day=1)
    found = seen(folder, baseline(("land2", "large", "pass"), ("land1", "large", "fail"), ("gone", "small", "pass")))

    assert found is not None
    assert (found.against, found.failing, found.compared) == ("the baseline of 2026-11-01", 1, 1)
    assert [one.case for one in found.worst] == ["land2"]


def test_a_column_is_followed_by_what_it_is() -> None:
    """A column that was renamed is found again; a label that means another column now is not followed."""

    def column(id: str, label: str) -> Column:  # noqa: A002
        return Column(id=id, label=label, prompt="p", model=label)

    now = (column("a", "new name"), column("b", "mini"), column("c", "other"))

    assert _numbers(now, (column("a", "old name"), column("x", "mini"))) == {"old name": 0, "mini": 1}
    assert _numbers(now, (column("b", "other"), column("c", "mini"))) == {"other": 1, "mini": 2}
    assert _numbers(now, (column("a", "mini"),)) == {"mini": 0}


def test_long_texts_are_cut(tmp_path: Path) -> None:
    """An answer of any length takes a few hundred characters; several expected answers are one sentence."""
    made = Made([replace(cases(1)[0], expected=["Paris", "Paris", "Lutetia"])], labels=("large",))
    told(tmp_path, "2026-11-20", made, 0)
    long = replace(made, said=lambda *_: Said(passed=False, text="x" * 5_000))
    found = seen(stored(tmp_path, "2026-11-21", long, day=1))

    assert found is not None
    assert (len(found.worst[0].said), found.worst[0].expected) == (400, "Paris or Lutetia")

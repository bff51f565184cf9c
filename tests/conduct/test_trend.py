from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from evalrun.conduct.identity import column_digests
from evalrun.conduct.trend import LAST, earlier_runs, trend_of
from evalrun.records.plan import Plan
from evalrun.records.suite import Recorded
from tests.report.factory import make_comparison, make_facts, make_plan, make_rows
from tests.store.test_summaries import manifest

PLAN = make_plan()
COMPARISON = make_comparison(PLAN, make_rows(PLAN))
BEGAN = 1_795_700_000.0  # 2026-11-26


def run(place: Path, day: int, *, label: str = "large", id: str = "c0", sha256: str = "ab", **more: object) -> Path:  # noqa: A002
    """An earlier run of the suite, on that day of November 2026."""
    folder = place / f"2026-11-{day:02d}T10-31-07Z-3f9c"
    folder.mkdir(parents=True)
    figures = [{**manifest()["figures"][0], "column": label}]
    said = manifest(started_at=f"2026-11-{day:02d}T10:31:07Z", figures=figures, **more)
    said["columns"] = [{"label": label, "id": id, "sha256": sha256}]
    (folder / "run.json").write_text(json.dumps(said))
    return folder


def facts(**more: object) -> object:
    """The run whose page is written."""
    digests = {"large": "ab", "mini": "cd"}
    return make_facts(suite="capitals", started_at=BEGAN, digests=digests, **more)


def test_earlier_runs_are_points_before_its_own(tmp_path: Path) -> None:
    """Oldest first; the run's own columns stand last; a column is found by what it is, also under another label."""
    run(tmp_path, 21)
    run(tmp_path, 20, label="big")
    found = trend_of(tmp_path / "own", PLAN, COMPARISON, facts())  # type: ignore[arg-type]

    assert [(point.run[:10], point.column) for point in found[:2]] == [("2026-11-20", "large"), ("2026-11-21", "large")]
    assert [point.column for point in found[2:]] == ["large", "mini", "sim"]
    assert found[0].pass_rate is not None
    assert found[0].pass_rate.mean == 0.9
    assert found[2].pass_rate == COMPARISON.columns[0].pass_rate


def test_what_was_asked_otherwise_is_marked(tmp_path: Path) -> None:
    """A point of other requests, or of which nobody knows, says so."""
    run(tmp_path, 20)
    run(tmp_path, 21, sha256="other")
    run(tmp_path, 22, sha256="")
    found = trend_of(tmp_path / "own", PLAN, COMPARISON, facts())  # type: ignore[arg-type]

    assert [point.same_requests for point in found[:3]] == [True, False, False]


def test_only_complete_earlier_runs_of_the_suite_count(tmp_path: Path) -> None:
    """Not one that paused, of another suite, damaged, or begun later; an incomplete run has no point of its own."""
    run(tmp_path, 20, state="paused")
    run(tmp_path, 21, suite={"name": "sums"})
    (run(tmp_path, 22) / "run.json").write_text("{")
    run(tmp_path, 28)
    assert trend_of(tmp_path / "own", PLAN, COMPARISON, facts()) == ()  # type: ignore[arg-type]

    run(tmp_path, 23)
    paused = trend_of(tmp_path / "own", PLAN, COMPARISON, facts(state="paused"))  # type: ignore[arg-type]

    assert [point.run[:10] for point in paused] == ["2026-11-23"]


def test_a_label_that_means_something_else_now_is_another_column(tmp_path: Path) -> None:
    """A label is followed only where what it stood for is not there under another one."""
    run(tmp_path, 20, label="large", id="c1")  # c1 is mini now
    found = trend_of(tmp_path / "own", PLAN, COMPARISON, facts())  # type: ignore[arg-type]

    assert [point.column for point in found[:-3]] == ["mini"]


def test_a_trend_goes_back_so_far(tmp_path: Path) -> None:
    """The newest runs are read, and no more of them than are shown."""
    for day in range(1, 6):
        run(tmp_path, day)

    assert [one.run[8:10] for one in earlier_runs(tmp_path / "own", "capitals", BEGAN, 2)] == ["05", "04"]
    assert LAST == 30


def changed(plan: Plan, **more: object) -> dict[str, str]:
    """The digests of the plan with another suite."""
    return column_digests(replace(plan, suite=replace(plan.suite, **more)))  # type: ignore[arg-type]


def test_a_digest_tells_what_was_asked_and_how_it_was_judged() -> None:
    """The same for the same cells in any order; another for another request, expected value or scorer."""
    same = column_digests(replace(PLAN, cells=tuple(reversed(PLAN.cells))))
    own = column_digests(PLAN)
    cell = replace(PLAN.cells[0], request_key="another")
    asked = column_digests(replace(PLAN, cells=(cell, *PLAN.cells[1:])))
    first, *cases = PLAN.suite.cases

    assert same == own
    assert len(set(own.values())) == 3
    assert asked["large"] != own["large"]
    assert (asked["mini"], asked["sim"]) == (own["mini"], own["sim"])
    for other in (
        changed(PLAN, scorers=PLAN.suite.scorers[:1]),
        changed(PLAN, threshold=0.5),
        changed(PLAN, cases=(replace(first, expected="Lyon"), *cases)),
    ):
        assert not set(other.values()) & set(own.values())


def test_recorded_answers_have_no_requests() -> None:
    """Another file of answers is no other question: the column stays comparable."""
    models = tuple(replace(m, recorded=Recorded(file="a", match="id", answers={})) for m in PLAN.suite.models)
    plan = replace(PLAN, suite=replace(PLAN.suite, models=models))
    cells = tuple(replace(cell, request_key="x" + cell.request_key) for cell in plan.cells)

    assert column_digests(replace(plan, cells=cells)) == column_digests(plan)

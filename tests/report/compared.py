"""Comparisons and histories made by hand, whose every text is what a test likes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from evalrun.records.comparison import Interval
from evalrun.records.history import Changed, Drifted, History, HistoryColumn, HistoryPoint, HistoryRun
from evalrun.records.row import Row
from evalrun.records.run_comparison import CaseChange, ComparedColumn, Flip, Measure, RunComparison, RunSide
from tests.report.hostile_run import run_of

AT = 1_795_170_667.0
DOUBT = Interval(mean=0.1, low=-1.0, high=1.0)


def comparison_of(texts: tuple[str, ...], *, one_run: bool = False) -> RunComparison:
    """Runs, columns, cases, flips, notes and sentences, all made of *texts*."""
    first, second = texts[0], texts[1 % len(texts)]
    a = RunSide(
        name="A", run=first, suite=second, suite_file=first, folder=first, started_at=AT, state="complete", cells=9
    )
    b = replace(a, name="B", run=second, folder=first if one_run else f"{second}!")
    return RunComparison(
        a=a,
        b=b,
        columns=tuple(map(column_of, texts)),
        matched=len(texts),
        cells_added=1,
        cells_removed=2,
        cases_matched=len(texts),
        cases_added=texts,
        cases_removed=texts,
        cases_changed=tuple(CaseChange(a=text, b=text, what=("variables", "expected")) for text in texts),
        columns_added=texts,
        columns_removed=texts,
        flips=tuple(map(flip_of, texts)),
        one_sided=tuple(replace(flip_of(text), after="error", score_after=None) for text in texts),
        notes=texts,
        conclusion=texts,
        folder=first,
    )


def column_of(text: str) -> ComparedColumn:
    """A column with the widest figures that there are."""
    tested = Measure(
        name="pass_rate",
        cells=100_000,
        cases=100_000,
        a=1.0,
        b=0.0,
        difference=-1.0,
        a_interval=DOUBT,
        b_interval=DOUBT,
        difference_interval=Interval(mean=-1.0, low=-1.0, high=-0.987),
        p_value=0.0001,
        p_adjusted=0.0001,
        call="worse",
        effect_size=-3.14,
    )
    plain = Measure(name="tokens", cells=9, cases=9, a=0.001, b=9e9, difference=9e9, difference_interval=DOUBT)
    figures = (replace(plain, name="cost_usd", a=9e9), replace(plain, name="latency_s", a=0.0))
    return ComparedColumn(
        label=text,
        label_a=text,
        label_b=text,
        simulated=True,
        matched=100_000,
        compared=100_000,
        cases=9,
        both=1,
        only_a=99_999,
        only_b=99_999,
        neither=1,
        no_verdict_a={"error": 2},
        no_verdict_b={"no_answer": 3},
        measures=(tested, replace(tested, name="score"), plain, *figures),
    )


def flip_of(text: str) -> Flip:
    """A flip of a case whose names are all *text*."""
    return Flip(
        case=text, column=text, sample=3, before="pass", after="fail", score_before=1.0, score_after=0.0, case_b=text,
        changed=True,
    )  # fmt: skip


def rows_of(texts: tuple[str, ...]) -> Iterator[Row]:
    """Rows whose every text is hostile."""
    return run_of(texts).rows()


def history_of(texts: tuple[str, ...]) -> History:
    """Runs, columns, drifts and changes, all made of *texts*."""
    points = tuple(
        HistoryPoint(
            run=text, started_at=AT, planned=100_000, scored=100_000, pass_rate=Interval(mean=1.0, low=0.5, high=1.0),
            score=1.0, cost_usd=999.99, latency_p50_s=5_999.0, fingerprints=texts, models=texts,
        )
        for text in texts[:3]
    )  # fmt: skip
    drift = Drifted(
        column="", figure="pass_rate", since="", since_at=AT, against="", against_at=AT, against_first=False,
        before=1.0, after=0.5, p_value=0.001, p_adjusted=0.01, cases=9,
    )  # fmt: skip
    return History(
        suite=texts[0],
        runs=tuple(
            HistoryRun(run=text, folder=text, started_at=AT, state="damaged", compared=False, why=text)
            for text in texts
        ),
        columns=tuple(HistoryColumn(label=text, points=(*points, None)) for text in texts),
        drifts=tuple(replace(drift, column=text, since=text, against=text) for text in texts),
        changes=tuple(
            Changed(column=text, what="system_fingerprint", since=text, since_at=AT, before=texts, after=texts)
            for text in texts
        ),
        conclusion=texts,
    )

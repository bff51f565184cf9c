"""A suite's history in sentences: what drifted, since when, and what a service changed meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from evalrun.records.history import Changed, Drifted, History
from evalrun.report import numbers
from evalrun.report.compare_words import listed, p_value
from evalrun.report.fields import minute

SENTENCES = 12
_NAMES = {"pass_rate": "pass rate", "score": "mean score", "tokens": "tokens an answer", "latency_s": "latency"}


def conclusion(found: History) -> tuple[str, ...]:
    """What the history showed, the steps in the order of time, then what crept; at most a dozen sentences."""
    compared = sum(run.compared for run in found.runs)
    if compared < 2:
        few = "Only one complete run" if compared else "No complete run"
        return (f"{few}: there is nothing to compare yet.",)
    said = [_drifted(one) for one in found.drifts]
    said += _together(found.changes)
    if not found.drifts:
        # What was never tested is not said to be stable.
        said.insert(0, "No drift in what was asked the same." if found.tests else "Nothing was asked the same twice.")
    left = len(said) - SENTENCES
    return tuple(said) if left <= 0 else (*said[:SENTENCES], f"{numbers.count(left)} more: see --json.")


def _drifted(one: Drifted) -> str:
    against = f"the first run ({minute(one.against_at)})" if one.against_first else minute(one.against_at)
    sure = f"p = {p_value(one.p_adjusted)}".replace("= <", "< ")
    return (
        f"{one.column}: {_NAMES[one.figure]} {_figure(one.figure, one.before)} → {_figure(one.figure, one.after)} "
        f"since {minute(one.since_at)}, against {against} ({numbers.plural(one.cases, 'case')}, {sure})."
    )


def _figure(name: str, value: float) -> str:
    if name == "pass_rate":
        return numbers.percent(value)
    if name == "score":
        return numbers.rate(value)
    return numbers.seconds(value) if name == "latency_s" else numbers.fixed(value, 1)


def _together(changes: Sequence[Changed]) -> list[str]:
    """What changed, once for all the columns in which the same changed in the same run."""
    groups: dict[tuple[object, ...], list[Changed]] = {}
    for one in changes:
        groups.setdefault((one.what, one.since, one.before, one.after, one.same, one.cells), []).append(one)
    return [_changed(some[0], listed([one.column for one in some])) for some in groups.values()]


def _changed(one: Changed, who: str) -> str:
    since = f"since {minute(one.since_at)}"
    if one.what == "system_fingerprint":
        return f"{who}: system_fingerprint {listed(one.before)} → {listed(one.after)} {since}."
    if one.what == "model":
        return f"{who}: answered by {listed(one.after)} instead of {listed(one.before)} {since}."
    how = {"requests": "asked otherwise", "expected": "judged against other expected values"}
    said = f"{who}: {how.get(one.what, 'judged by other scorers')} {since}"
    if not one.same:
        return f"{said}, which cannot be compared with the run before."
    if one.what == "requests":
        part = numbers.of(one.same, one.cells)
        return f"{said}; {part} requests stayed the same, and only these are compared."
    return f"{said} in {numbers.of(one.cells - one.same, one.cells)} cells, whose verdicts are not compared."

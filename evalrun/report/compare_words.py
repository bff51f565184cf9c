"""What a comparison of two runs showed, and what its reader must know of them, in sentences. Pure."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from evalrun.records.comparison import Interval
from evalrun.records.run_comparison import CaseChange, ComparedColumn, Measure, RunComparison, RunSide
from evalrun.report import numbers

DECIDED_TOLD = 3
COUNTABLE_CASES = 1_000_000
_NAMES_TOLD = 3
_WORDS = {"spared": "not needed (stop_when)", "no_answer": "no answer"}


def conclusion(columns: Sequence[ComparedColumn], a: RunSide, b: RunSide) -> tuple[str, ...]:
    """The sentences: which columns differ, by how much; then those that cannot be told apart; then those without.

    A column is called better or worse by its pass rates alone, unless only its scores were tested apart. Of one run's
    columns it is said, as its own report does, where all are simulated.
    """
    tested = [(column, rate) for column in columns if (rate := column.measure("pass_rate")) is not None]
    if not tested:
        return ("Nothing was scored on both sides.",)
    decided = [(column, rate) for column, rate in tested if rate.call != "not distinguishable"]
    decided.sort(key=lambda one: -abs(one[1].difference))
    one_run = a.folder == b.folder
    said = [_decided(column, rate, one_run=one_run) for column, rate in decided[:DECIDED_TOLD]]
    if len(decided) > DECIDED_TOLD:
        better = sum(rate.difference > 0 for _, rate in decided)
        said.append(f"In all, {better} of {len(columns)} are better and {len(decided) - better} worse.")
    open_ = [(column, rate) for column, rate in tested if rate.call == "not distinguishable"]
    if open_:
        said.append(_undecided(open_, one_run=one_run))
    said += _by_score(open_, one_run=one_run)
    if one_run and all(column.simulated for column, _ in tested):
        said[0] = f"Among simulated models, {said[0]}"
    without = [column.label for column in columns if column.measure("pass_rate") is None]
    if without:
        said.append(f"{listed(without)}: nothing was scored on both sides.")
    return tuple(said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the notes are made of, besides the columns. *left_out* counts cells of changed cases that do not count."""

    states: tuple[RunSide, ...]
    by_content: int
    left_out: int
    results: str


def notes(columns: Sequence[ComparedColumn], a: RunSide, b: RunSide, at: Circumstances) -> tuple[str, ...]:
    """What a reader must know: runs that are not whole, other scorers, other cases, other questions."""
    said = [f"{side.name} is {side.state}: what it has so far is compared" for side in at.states]
    judged = sum(column.scorers_differ for column in columns)
    if judged:
        said.append(
            f"verdicts of {numbers.plural(judged, 'cell')} were given by different scorers; score both alike with: "
            + _score_command(a, b, at.results)
        )
    if at.by_content:
        said.append(
            f"{numbers.plural(at.by_content, 'case')} matched by variables and expected value: the ids differ, or only "
            "say the place in the suite"
        )
    changed = sum(column.case_changed for column in columns)
    if at.left_out:
        said.append(f"{numbers.plural(at.left_out, 'cell')} of changed cases left out (--unchanged)")
    elif changed:
        said.append(
            f"{numbers.plural(changed, 'cell')} of changed cases count like the others; leave them out with --unchanged"
        )
    said += _asked(columns)
    for side, key in ((a, "no_verdict_a"), (b, "no_verdict_b")):
        without: dict[str, int] = {}
        for column in columns:
            for word, count in getattr(column, key).items():
                without[word] = without.get(word, 0) + count
        if without and a.folder != b.folder:
            words = ", ".join(f"{numbers.count(count)} {_WORDS.get(word, word)}" for word, count in without.items())
            said.append(f"without a verdict in {side.name}, and not compared: {words}")
    stopped = [
        one.label
        for one in columns
        if ("spared" in one.no_verdict_a or "spared" in one.no_verdict_b) and not any(m.watched for m in one.measures)
    ]
    if stopped:
        said.append(
            f"{listed(stopped)} stopped early (stop_when): what is told here presumes a number of cases fixed "
            "before, and such differences are on average too large; the run's own report has what holds"
        )
    return tuple(said)


def change_words(change: CaseChange) -> str:
    """A changed case: ``paris: expected``, ``old → new: id``."""
    name = change.a if change.a == change.b else f"{change.a} → {change.b}"
    return f"{name}: {', '.join(change.what)}"


def changes(found: RunComparison) -> list[tuple[str, tuple[str, ...]]]:
    """What one run has and the other has not, and cases that changed: each with how many and all of them."""
    renamed = tuple(change_words(one) for one in found.cases_changed if one.what == ("id",))
    changed = tuple(change_words(one) for one in found.cases_changed if one.what != ("id",))
    groups = [
        ("column", "added", found.columns_added),
        ("column", "removed", found.columns_removed),
        ("case", "added", found.cases_added),
        ("case", "removed", found.cases_removed),
        ("case", "changed", changed),
        ("case", "renamed", renamed),
    ]
    return [(f"{numbers.plural(len(texts), noun)} {how}", texts) for noun, how, texts in groups if texts]


def listed(names: Sequence[str], most: int = _NAMES_TOLD) -> str:
    """Names as a person says them: ``a``, ``a and b``, ``a, b and 7 others``."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} others"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def p_value(p: float | None) -> str:
    """``<0.001``, ``0.031``, ``0.41``; unknown is ``–``."""
    if p is None or not math.isfinite(p):
        return numbers.UNKNOWN
    return "<0.001" if p < 0.001 else numbers.fixed(p, 3 if p < 0.1 else 2)


def needed(measure: Measure) -> str:
    """How many cases more would tell, in words; empty where the test decided."""
    if measure.call != "not distinguishable":
        return ""
    if measure.watched:
        return measure.watched
    if not measure.difference:
        return f"the same on {numbers.plural(measure.cases, 'case')}"
    if measure.more_cases is None:
        return ""
    if measure.more_cases > COUNTABLE_CASES:
        return f"needs over {COUNTABLE_CASES:,} more cases"
    return f"needs about {numbers.plural(_two_digits(measure.more_cases), 'more case')}"


def _decided(column: ComparedColumn, rate: Measure, *, one_run: bool) -> str:
    size = f"{numbers.fixed(abs(rate.difference), 1, 2)} points{_bounds(rate)}"
    base = f"(paired, {_base(rate)})"
    if one_run:
        ahead, behind = (column.label_b, column.label_a) if rate.difference > 0 else (column.label_a, column.label_b)
        return f"{ahead} beats {behind} on pass rate by {size} {base}."
    return f"{column.label} is {rate.call} in B on pass rate by {size} {base}."


def _bounds(rate: Measure) -> str:
    interval = rate.difference_interval
    if interval is None:
        return ""
    return f" {numbers.points_bounds(interval, negate=rate.difference < 0)}"


def _undecided(some: Sequence[tuple[ComparedColumn, Measure]], *, one_run: bool) -> str:
    """Several are told together, with the least number of cases that would tell one of them."""
    if len(some) == 1:
        column, rate = some[0]
        why = needed(rate)
        names = f"{column.label_a} and {column.label_b}" if one_run else column.label
        verb = "are not distinguishable" if one_run else "is not distinguishable between A and B"
        return f"{names} {verb}{f' ({why})' if why else ''}."
    known = [rate for _, rate in some if rate.more_cases is not None and rate.difference]
    least = min(known, key=lambda rate: rate.more_cases or 0, default=None)
    at_least = f" (the nearest {needed(least)})" if least is not None else ""
    if one_run:
        return f"{len(some)} pairs are not distinguishable{at_least}."
    return f"{listed([column.label for column, _ in some])} are not distinguishable between A and B{at_least}."


def _by_score(some: Sequence[tuple[ComparedColumn, Measure]], *, one_run: bool) -> list[str]:
    """Columns whose scores differ although their pass rates do not."""
    said = []
    for column, _ in some:
        score = column.measure("score")
        if score is None or score.call in (None, "not distinguishable"):
            continue
        name = f"{column.label_b} beside {column.label_a}" if one_run else f"{column.label} in B"
        interval = score.difference_interval
        bounds = "" if interval is None else f" {signed_bounds(interval)}"
        said.append(f"By mean score {name} is {score.call}: {signed(score.difference)}{bounds}.")
    return said[:DECIDED_TOLD]


def signed(value: float, digits: int = 3, shift: int = 0) -> str:
    """A difference × 10 ** *shift* with its sign: ``+0.012``, ``−0.200``, ``0.000``."""
    text = numbers.fixed(value, digits, shift)
    return text if text.startswith(numbers.MINUS) or not text.strip("0.") else "+" + text


def signed_bounds(interval: Interval, digits: int = 3, shift: int = 0) -> str:
    """An interval of differences likewise: ``[−0.020, 0.014]``."""
    return f"[{numbers.fixed(interval.low, digits, shift)}, {numbers.fixed(interval.high, digits, shift)}]"


def _base(measure: Measure) -> str:
    if measure.watched:
        return measure.watched
    said = numbers.plural(measure.cases, "case")
    return said if measure.cells == measure.cases else f"{said}, {numbers.plural(measure.cells, 'answer')}"


def _asked(columns: Sequence[ComparedColumn]) -> list[str]:
    """Which columns put another question to the same case, those with the same reason together."""
    groups: dict[tuple[str, ...], list[ComparedColumn]] = {}
    for column in columns:
        if column.request_changed:
            groups.setdefault(column.request_changes, []).append(column)
    said = []
    for what, some in groups.items():
        cells = numbers.plural(sum(column.request_changed for column in some), "cell")
        why = f": {' and '.join(what)} changed" if what else ""
        said.append(f"{listed([column.label for column in some])}: {cells} asked otherwise in B{why}")
    return said


def _score_command(a: RunSide, b: RunSide, results: str) -> str:
    words = ["evalrun", "score", a.run, "--suite", b.suite_file]
    return shlex.join([*words, *(["--results", results] if results != "results" else [])])


def _two_digits(number: int) -> int:
    """Rounded up to two significant digits: an estimate has no more."""
    unit = int(10 ** max(0, len(str(number)) - 2))
    return math.ceil(number / unit) * unit

"""A suite and its baseline: where it lies, what it holds, and what the plan says of the gates that need it."""

from __future__ import annotations

from pathlib import Path

from evalrun.errors import UsageError
from evalrun.records.baseline import NO_BASELINE, Baseline
from evalrun.records.suite import NO_REGRESSION, Gate, Suite
from evalrun.stats.gate_answers import UNDECIDED
from evalrun.stats.gates import OF_VERDICTS
from evalrun.store.baseline import baseline_path, read_baseline


def suite_path(suite: Suite) -> Path:
    """The suite's file, as far as it is found: in the folder where it was read, else by the name that was typed."""
    typed = Path(suite.file)
    there = Path(suite.folder) / typed.name if suite.folder else typed
    return there if there.exists() or not typed.exists() else typed


def needs_baseline(suite: Suite) -> bool:
    """Whether a gate compares with the baseline."""
    return any(gate.metric == NO_REGRESSION for gate in suite.gates)


def check_baseline(suite: Suite) -> None:
    """Raise UsageError where a gate needs a baseline that is damaged: before anything is sent."""
    if needs_baseline(suite):
        read_baseline(baseline_path(suite_path(suite)))


def baseline_of(suite: Suite) -> Baseline | str:
    """What the suite's gates compare with, or in words why there is none."""
    if not needs_baseline(suite):
        return NO_BASELINE
    try:
        return read_baseline(baseline_path(suite_path(suite))) or NO_BASELINE
    except UsageError as error:
        return str(error)


def gate_notes(suite: Suite) -> list[str]:
    """A line a gate: what it asks, of whom, and against what."""
    return [_noted(gate, suite) for gate in suite.gates]


def _noted(gate: Gate, suite: Suite) -> str:
    said = [gate.text, *(f"for {key} {' or '.join(names)}" for key, names in gate.only.items())]
    if gate.confidence is not None:
        said.append(f"at {gate.confidence * 100:g} %")
    if gate.strict:
        said.append("strictly")
    remark = f": {UNDECIDED}" if gate.metric in OF_VERDICTS and not is_scored(suite) else ""
    if gate.metric != NO_REGRESSION:
        return " ".join(said) + remark
    found = baseline_of(suite)
    if isinstance(found, str):
        return f"{' '.join(said)}: {found}"
    drops = f"drops of {gate.min_effect:g} or more" if gate.min_effect else "any drop"
    beside = f"{len(found.cells):,} cells of {found.run}, {found.date[:10]}"
    return f"{' '.join(said)}: {drops} at alpha {gate.alpha:g}, against {beside}{remark}"


def is_scored(suite: Suite) -> bool:
    """Whether any scorer decides a verdict."""
    return any(spec.weight > 0 for specs in (suite.scorers, *(case.scorers for case in suite.cases)) for spec in specs)

"""What people see: before a run, after it, and in the lists. Foreign text passes safe_text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from evalrun.cli.github import Actions
from evalrun.cli.plan_text import closing_lines, head_line, model_lines
from evalrun.cli.printing import colored, say_json, screen_width
from evalrun.conduct.bless import Blessed
from evalrun.conduct.finish import Finished
from evalrun.conduct.options import LaneProgress
from evalrun.errors import ExitCode
from evalrun.progress import Bars, Lines, progress_on
from evalrun.records.plan import Plan
from evalrun.report.json_files import gate_json
from evalrun.report.numbers import plural
from evalrun.report.terminal import summary
from evalrun.safe_text import safe_line
from evalrun.scheduler.forecast import Forecast

_PRECEDENCE = (
    ExitCode.STORAGE,
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.PAUSED,
    ExitCode.INCOMPLETE,
    ExitCode.GATE_FAILED,
)


class Screen:
    """A run's audience: progress on standard error, the summary on standard output, or one JSON object there."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet, self._as_json = quiet, as_json
        self._github = Actions(os.environ)
        self._codes: list[int] = []
        self._progress: Bars | Lines | None = None
        self._objects: list[dict[str, Any]] = []

    def say(self, line: str) -> None:
        """See conduct.options.Observer."""
        if not self._quiet:
            click.echo(safe_line(line), err=True)

    def warn(self, line: str) -> None:
        """See conduct.options.Observer."""
        click.echo(safe_line(f"WARNING: {line}"), err=True)

    def start(self, plan: Plan, done: Mapping[str, int], forecast: Forecast) -> None:
        """See conduct.options.Observer."""
        if self._quiet:
            return
        lines = (head_line(plan), *model_lines(plan, forecast), *closing_lines(forecast, "^C keeps what is done."))
        for line in lines:
            click.echo(line, err=True)
        self._progress = progress_on(sys.stderr, plan, done)

    def tick(self, lanes: tuple[LaneProgress, ...]) -> None:
        """See conduct.options.Observer."""
        if self._progress:
            self._progress.tick(lanes)

    def stop(self) -> None:
        """See conduct.options.Observer."""
        if self._progress:
            self._progress.close()
            self._progress = None
            click.echo(err=True)

    def finished(self, one: Finished) -> None:
        """Say how a run ended."""
        for line in one.warnings:
            self.warn(line)
        self._github.finished(one)
        self._codes.append(ExitCode.PAUSED if one.facts.state == "paused" else one.exit_code)
        if self._as_json:
            self._objects.append(_object(one))
            return
        width, color = screen_width(), colored()
        click.echo(
            summary(one.plan, one.comparison, one.facts, width=width, color=color, quiet=self._quiet), color=color
        )

    def close(self) -> None:
        """Print what is printed once for all suites, as far as they came, and tell GitHub Actions."""
        if self._as_json and self._objects:
            said: Any = self._objects[0] if len(self._objects) == 1 else {"runs": self._objects}
            say_json(said)
        self._github.close(worst_exit_code(self._codes))


def worst_exit_code(codes: Iterable[int], *, paused: int = ExitCode.PAUSED) -> int:
    """The exit code of several runs: the first in the order of precedence that any has; *paused* is that of a pause.

    A pause that ends with 0 hides nothing: another run's code is the one that counts.
    """
    codes = list(codes)
    order = [paused if code is ExitCode.PAUSED else code for code in _PRECEDENCE if paused or code != ExitCode.PAUSED]
    return next((code for code in order if code in codes), max(codes, default=0))


def run_lines(results: Path) -> Iterator[str]:
    """The runs of a results folder, the newest last, a line each."""
    from evalrun.store.runs import list_runs

    infos = list_runs(results)
    if not infos:
        yield f"no runs in {results}"
        return
    width = max(len(info.suite) for info in infos)
    for info in reversed(infos):
        said = info.damage or f"{info.planned - info.pending - info.spared}/{info.planned} asked"
        said += f", {info.spared} not needed" if info.spared else ""
        said += f", {info.errors} in error" if info.errors else ""
        yield safe_line(f"{info.suite.ljust(width)}  {info.run}  {info.state:<11}  {said}")


def blessed_lines(one: Blessed) -> Iterator[str]:
    """What a new baseline holds, what it changed, and what to do with it."""
    cells, columns = plural(len(one.baseline.cells), "cell"), plural(len(one.baseline.columns), "column")
    yield safe_line(f"written: {one.path} ({cells} of {columns}, run {one.baseline.run})")
    if one.before is not None:
        parts = {"better": one.better, "worse": one.worse, "the same": one.same, "new": one.new, "gone": one.gone}
        said = ", ".join(f"{number:,} {what}" for what, number in parts.items() if number)
        others = f"; {plural(one.other_requests, 'request')} changed" if one.other_requests else ""
        yield safe_line(f"against {one.before.run} of {one.before.date[:10]}: {said or 'nothing'}{others}")
    if one.gone:
        yield f"WARNING: {plural(one.gone, 'cell')} of the baseline before are not in this one"
    if one.unscored:
        yield f"{plural(one.unscored, 'cell')} of the run without a verdict are left out"
    if one.suite_changed:
        yield "the suite has changed since this run"
    yield "commit it; the gate no_regression compares later runs with it"


def _object(one: Finished) -> dict[str, Any]:
    facts = one.facts
    return {
        "run": facts.run,
        "suite": facts.suite,
        "folder": facts.folder,
        "state": facts.state,
        "exit_code": facts.exit_code,
        "reason": facts.reason,
        "go_on": facts.go_on,
        "resume_after": facts.resume_after,
        "conclusion": list(one.comparison.conclusion),
        "columns": [_figures(figures) for figures in one.comparison.columns],
        "gates": [gate_json(result) for result in one.comparison.gates],
        "report": str(one.folder / "report.html"),
    }


def _figures(figures: Any) -> dict[str, Any]:
    said = asdict(figures)
    column = said.pop("column")
    return {"column": column["label"], "model": column["model"], "prompt": column["prompt"], **said}

"""What people see: before a run, after it, and in the lists. Foreign text passes safe_text."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from evalrun.cli.progress import Bars, Lines
from evalrun.conduct.finish import Finished
from evalrun.conduct.options import LaneProgress
from evalrun.conduct.plan import ColumnForecast, forecast, shown_requests
from evalrun.errors import ExitCode
from evalrun.records.plan import Plan
from evalrun.records.request import Request
from evalrun.report.numbers import money, plural, tokens
from evalrun.report.terminal import summary
from evalrun.safe_text import cells_wide, pad, safe_line, safe_text

_PRECEDENCE = (
    ExitCode.STORAGE,
    ExitCode.INTERRUPTED,
    ExitCode.TERMINATED,
    ExitCode.PAUSED,
    ExitCode.INCOMPLETE,
    ExitCode.GATE_FAILED,
)
_MOST_WIDTH = 110
_PLAN_WIDTH = 80
_MARGIN = 4  # before and behind a column's label
_LEAST_LABEL = 6


class Screen:
    """A run's audience: progress on standard error, the summary on standard output, or one JSON object there."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet, self._as_json = quiet, as_json
        self._progress: Bars | Lines | None = None
        self._objects: list[dict[str, Any]] = []

    def say(self, line: str) -> None:
        """See conduct.options.Observer."""
        if not self._quiet:
            click.echo(safe_line(line), err=True)

    def start(self, plan: Plan, done: Mapping[str, int]) -> None:
        """See conduct.options.Observer."""
        if self._quiet:
            return
        for line in plan_lines(plan):
            click.echo(line, err=True)
        click.echo("^C keeps what is done.", err=True)
        totals = dict.fromkeys(done, 0)
        for cell in plan.cells:
            totals[plan.columns[cell.column].model] += 1
        asked = {label: (done[label], total) for label, total in totals.items()}
        self._progress = Bars(asked, sys.stderr) if sys.stderr.isatty() else Lines(sys.stderr)

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
        if self._as_json:
            self._objects.append(_object(one))
            return
        width = min(_MOST_WIDTH, shutil.get_terminal_size((80, 24)).columns)
        color = sys.stdout.isatty() and not _no_color()
        click.echo(
            summary(one.plan, one.comparison, one.facts, width=width, color=color, quiet=self._quiet), color=color
        )

    def close(self) -> None:
        """Print what is printed once for all suites, as far as they came."""
        if self._as_json and self._objects:
            said: Any = self._objects[0] if len(self._objects) == 1 else {"runs": self._objects}
            click.echo(json.dumps(said, ensure_ascii=True, indent=2))


def worst_exit_code(codes: Iterable[int], *, paused: int = ExitCode.PAUSED) -> int:
    """The exit code of several runs: the first in the order of precedence that any has; *paused* is that of a pause."""
    codes = list(codes)
    order = [paused if code is ExitCode.PAUSED else code for code in _PRECEDENCE]
    return next((code for code in order if code in codes), max(codes, default=0))


def plan_lines(plan: Plan) -> Iterator[str]:
    """A plan in a line and one a column: requests, tokens, cost and limits."""
    suite = plan.suite
    samples = f" × {plural(suite.samples, 'sample')}" if suite.samples > 1 else ""
    yield safe_line(
        f"{suite.name}: {plural(len(plan.columns), 'column')} × {plural(len(suite.cases), 'case')}{samples} = "
        f"{plural(len(plan.cells), 'cell')}" + (f" ({plan.merged} merged as identical)" if plan.merged else "")
    )
    columns = forecast(plan)
    lines = [(safe_line(one.column.label), _forecast_text(one)) for one in columns]
    if len(columns) > 1:
        known = [one.cost_usd for one in columns if one.cost_usd is not None]
        cost = f"  up to {money(sum(known))}" if any(known) and len(known) == len(columns) else ""
        requests, tokens_in = sum(one.requests for one in columns), sum(one.input_tokens for one in columns)
        lines.append(("in all", _amounts(requests, tokens_in, sum(one.output_tokens for one in columns)) + cost))
    room = _PLAN_WIDTH - _MARGIN - max(len(text) for _, text in lines)
    width = max(_LEAST_LABEL, min(room, max(cells_wide(label) for label, _ in lines)))
    for label, text in lines:
        yield f"  {pad(safe_line(label, width), width)}  {text}"
    yield from _limit_lines(columns)


def _limit_lines(columns: Sequence[ColumnForecast]) -> Iterator[str]:
    """What paces the run: each set of limits once, with the models that it is for where they differ."""
    models: dict[tuple[str, ...], list[str]] = {}
    for one in columns:
        labels = models.setdefault(one.limits, [])
        if one.column.model not in labels:
            labels.append(one.column.model)
    for limits, labels in models.items():
        if limits:
            whose = f"{', '.join(labels)}: " if len(models) > 1 else ""
            yield "  limits  " + safe_line(f"{whose}{', '.join(limits)}")


def plan_json(plan: Plan, show: int) -> dict[str, Any]:
    """A plan as one JSON object; *show* requests with their messages."""
    return {
        "suite": plan.suite.name,
        "file": plan.suite.file,
        "cells": len(plan.cells),
        "merged": plan.merged,
        "tokens_method": plan.tokens_method,
        "columns": [
            {
                "column": one.column.label,
                "model": one.column.model,
                "prompt": one.column.prompt,
                "params": dict(one.column.params),
                "requests": one.requests,
                "input_tokens": one.input_tokens,
                "output_tokens_at_most": one.output_tokens,
                "cost_usd_at_most": one.cost_usd,
                "simulated": one.simulated,
                "recorded": one.recorded,
                "limits": list(one.limits),
            }
            for one in forecast(plan)
        ],
        "requests": [
            {"cell": place, "key": request.key, "model": request.model, "params": dict(request.params),
             "messages": [{"role": m.role, "content": m.content} for m in request.messages]}
            for place, request in shown_requests(plan, show)
        ],
    }  # fmt: skip


def request_lines(place: str, request: Request) -> Iterator[str]:
    """One request, message by message, as it would be sent."""
    yield ""
    yield safe_line(f"── {place}")
    params = ", ".join(f"{name}={value!r}" for name, value in request.params.items())
    yield safe_line(f"{request.provider}/{request.model}  {params}  ~{request.input_tokens} tokens")
    for message in request.messages:
        yield f"[{safe_line(message.role)}]"
        yield from (f"  {line}" for line in safe_text(message.content).split("\n"))


def run_lines(results: Path) -> Iterator[str]:
    """The runs of a results folder, the newest last, a line each."""
    from evalrun.store.runs import list_runs

    infos = list_runs(results)
    if not infos:
        yield f"no runs in {results}"
        return
    width = max(len(info.suite) for info in infos)
    for info in reversed(infos):
        said = info.damage or f"{info.planned - info.pending}/{info.planned} asked"
        said += f", {info.errors} in error" if info.errors else ""
        yield safe_line(f"{info.suite.ljust(width)}  {info.run}  {info.state:<11}  {said}")


def _forecast_text(one: ColumnForecast) -> str:
    if one.recorded:
        return "recorded answers, nothing is sent"
    said = [_amounts(one.requests, one.input_tokens, one.output_tokens)]
    if one.simulated:
        said.append("simulated, free")
    else:
        said.append("price unknown" if one.cost_usd is None else f"up to {money(one.cost_usd)}")
    return "  ".join(said)


def _amounts(requests: int, tokens_in: int, tokens_out: int) -> str:
    return f"{plural(requests, 'request')}  ~{tokens(tokens_in)} in  up to {tokens(tokens_out)} out"


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
        "gates": [{"gate": g.gate.text, "verdict": g.verdict, "reason": g.reason} for g in one.comparison.gates],
        "report": str(one.folder / "report.html"),
    }


def _figures(figures: Any) -> dict[str, Any]:
    said = asdict(figures)
    column = said.pop("column")
    return {"column": column["label"], "model": column["model"], "prompt": column["prompt"], **said}


def _no_color() -> bool:
    import os

    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"

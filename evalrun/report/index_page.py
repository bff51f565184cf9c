"""results/index.html: the suites and runs of a results folder, as a page without a script that loads nothing.

It works from a file and from a static site: every link is relative. The names of folders come from anybody; they are
quoted as one step of a path each. Texts pass through the templates' autoescape and safe_text.visible.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any
from urllib.parse import quote_from_bytes

from evalrun.records.comparison import Interval
from evalrun.records.results_index import ResultsIndex, SuiteRuns
from evalrun.records.run_summary import ColumnSummary, RunSummary
from evalrun.report import numbers
from evalrun.report.fields import minute
from evalrun.report.page import asset, policy, template
from evalrun.report.sparkline import HEIGHT, WIDTH, Scale, scale_of, sparkline

GENERATOR = "evalrun results index"
"""What the page says of itself, so that no other page is taken for it."""

LINKS = ("report.html", "summary.md", "results.csv")
"""The reports of a run that are linked, where they are there."""

_OPEN = 8  # runs that are shown; older ones unfold
_MOST_COLUMNS = 12
_WORDS = {"report.html": "report", "summary.md": "summary", "results.csv": "csv"}


def write_index_page(file: IO[str], index: ResultsIndex) -> None:
    """Write the page."""
    from markupsafe import Markup

    style = asset("page.css") + asset("index.css")
    runs = sum(len(suite.runs) + suite.older for suite in index.suites)
    said = [numbers.plural(len(index.suites) + index.suites_left_out, "suite"), numbers.plural(runs, "run")]
    for chunk in template("index.html").generate(
        policy=policy(style),
        style=Markup(style),  # noqa: S704  # our own files
        generator=GENERATOR,
        what=", ".join(said) if not index.suites_left_out else said[0],
        suites=[_suite(suite, number) for number, suite in enumerate(index.suites)],
        suites_left_out=numbers.plural(index.suites_left_out, "older suite") if index.suites_left_out else "",
        comparisons=[{"name": name, "href": _href("compare", name, "comparison.html")} for name in index.comparisons],
        comparisons_left_out=index.comparisons_left_out,
        box=f"0 0 {WIDTH:g} {HEIGHT:g}",
    ):
        file.write(chunk)


def _suite(suite: SuiteRuns, number: int) -> dict[str, Any]:
    runs = [_run(run) for run in suite.runs]
    complete = [run for run in reversed(suite.runs) if run.complete]
    return {
        "id": f"s{number}",
        "name": suite.suite or suite.place,
        "what": numbers.plural(len(suite.runs) + suite.older, "run"),
        "runs": runs[:_OPEN],
        "older": runs[_OPEN:],
        "older_word": numbers.plural(len(runs) - _OPEN, "older run"),
        "left_out": numbers.plural(suite.older, "more run") if suite.older else "",
        **_trend(complete),
    }


def _trend(runs: Sequence[RunSummary]) -> dict[str, Any]:
    """The columns of the newest complete run over all complete runs, which stand oldest first."""
    if not runs:
        return {"columns": [], "columns_left_out": "", "scale": ""}
    columns = runs[-1].columns
    lines = [[_then(column, run) for run in runs] for column in columns[:_MOST_COLUMNS]]
    scale = scale_of([one.pass_rate for line in lines for one in line if one is not None and one.pass_rate is not None])
    more = len(columns) - len(lines)
    about = f"{numbers.percent(scale.low)} to {numbers.percent(scale.high)}"
    return {
        "columns": [_column(line, runs, scale) for line in lines],
        "columns_left_out": numbers.plural(more, "more column") if more > 0 else "",
        "scale": about if len(runs) > 1 else "",
    }


def _then(column: ColumnSummary, run: RunSummary) -> ColumnSummary | None:
    by_id = next((one for one in run.columns if column.id and one.id == column.id), None)
    return by_id or next((one for one in run.columns if one.label == column.label), None)


def _column(line: Sequence[ColumnSummary | None], runs: Sequence[RunSummary], scale: Scale) -> dict[str, Any]:
    rates: list[Interval | None] = [None if one is None else one.pass_rate for one in line]
    digests = [None if one is None else one.digest for one in line]
    breaks, seen = [], None
    for digest in digests:
        breaks.append(seen is not None and digest is not None and digest != seen)
        seen = digest or seen
    last = line[-1]
    known = [(run, rate) for run, rate in zip(runs, rates, strict=True) if rate is not None]
    label = "" if last is None else last.label
    return {
        "label": label,
        "simulated": last is not None and last.simulated,
        "drawing": sparkline(rates, breaks, scale) if len(known) > 1 else None,
        "about": _about(label, known, sum(breaks)),
        "asked": _otherwise(sum(breaks)),
        "rate": "" if last is None or last.pass_rate is None else numbers.percent(last.pass_rate.mean),
        "bounds": "" if last is None or last.pass_rate is None else numbers.percent_bounds(last.pass_rate),
        "scored": "" if last is None else numbers.of(last.scored, last.planned),
        "cost": numbers.UNKNOWN if last is None else numbers.money(last.cost_usd),
        "p50": numbers.UNKNOWN if last is None else numbers.seconds(last.latency_p50_s),
    }


def _about(label: str, known: Sequence[tuple[RunSummary, Interval]], breaks: int) -> str:
    """What the drawing shows, in words for who does not see it."""
    if len(known) < 2:
        return ""
    (first, was), (last, now) = known[0], known[-1]
    span = f"{_moment(first)} to {_moment(last)}"
    moved = f"{numbers.percent(was.mean)} then, {numbers.percent(now.mean)} now"
    told = f"{label}: pass rate in {len(known)} runs, {span}: {moved}"
    return f"{told}; {_otherwise(breaks)}" if breaks else told


def _otherwise(times: int) -> str:
    return f"asked otherwise {'once' if times == 1 else f'{times} times'}" if times else ""


def _run(run: RunSummary) -> dict[str, Any]:
    kind, word = _standing(run)
    return {
        "when": _moment(run) or run.run,
        "name": run.run if run.started_at is not None else "",
        "kind": kind,
        "word": word,
        "said": run.problem or " ".join(run.conclusion),
        "href": _href(run.place, run.run, "report.html") if "report.html" in run.files else "",
        "links": [
            {"word": _WORDS[name], "href": _href(run.place, run.run, name)} for name in LINKS if name in run.files
        ],
    }


def _standing(run: RunSummary) -> tuple[str, str]:
    """How a run ended, as the class and the word of a verdict."""
    if run.problem:
        return "pending", "unknown"
    if not run.complete:
        return "error", run.state
    if run.gates_failed:
        return "fail", f"{numbers.plural(run.gates_failed, 'gate')} failed"
    return "pass", f"{numbers.plural(run.gates, 'gate')} passed" if run.gates else "complete"


def _moment(run: RunSummary) -> str:
    return minute(run.started_at) if run.started_at is not None else ""


def _href(*steps: str) -> str:
    """A relative link of these steps, each of which stays one step whatever is in it."""
    return "/".join([".", *(quote_from_bytes(_name_as_bytes(step), safe="") for step in steps)])


def _name_as_bytes(name: str) -> bytes:
    """A name as the file system has it, be it text or not."""
    try:
        return os.fsencode(name)
    except UnicodeEncodeError:
        return name.encode("utf-8", "replace")

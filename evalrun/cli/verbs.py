"""The verbs: each reads its options, calls one function of conduct, and says what came of it."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from evalrun.cli import options as o
from evalrun.cli.printing import say_json
from evalrun.simulator.faults import listed

_RUN = click.argument("run")


def add_to(group: click.Group) -> None:
    """Hang every verb on the group."""
    from evalrun.cli.compare import compare, history
    from evalrun.cli.models import models
    from evalrun.cli.one import show
    from evalrun.cli.quota import quota
    from evalrun.cli.tokens import tokens

    stored = (score, report, show, bless, compare, history, runs)
    for verb in (run, plan, resume, *stored, models, quota, tokens, schema, init, simulate):
        group.add_command(verb)


@click.command()
@click.argument("suites", nargs=-1, required=True)
@o.selecting
@o.sending
@click.option("--new", is_flag=True, help="Start a new run even where one is unfinished.")
@click.option("--fail-under", type=o.Figure(0, 1), metavar="RATE", help="A gate: pass_rate >= RATE.")
def run(suites: tuple[str, ...], **said: Any) -> int:
    """Run suites, or go on with their unfinished runs.

    Every answer is on disk before it counts as done. Ctrl-C lets what is in flight come back and prints the command
    that goes on; twice stops at once.
    """
    from evalrun.cli.show import Screen, worst_exit_code
    from evalrun.conduct.plan import prepare_all
    from evalrun.conduct.run import run_plans

    suites, selectors = o.split_selectors(suites)
    said["only"] = (*said["only"], *selectors)
    if not suites:
        raise click.UsageError("name a suite: evalrun suites/basic.yaml")
    asked = _run_options(said)
    screen = Screen(quiet=said["quiet"], as_json=said["as_json"])
    plans = prepare_all(suites, asked.selection)
    finished = []
    try:
        for one in run_plans(plans, asked, screen):
            screen.finished(one)
            finished.append(one)
    finally:
        screen.close()
    return worst_exit_code((one.exit_code for one in finished), paused=said["paused_exit_code"])


@click.command()
@click.argument("name", metavar="[RUN]", required=False)
@o.allowing
@o.sending
def resume(name: str | None, **said: Any) -> int:
    """Go on with a run: the newest unfinished one, or the one named."""
    from evalrun.cli.show import Screen
    from evalrun.conduct.run import resume as go_on

    screen = Screen(quiet=said["quiet"], as_json=said["as_json"])
    finished = go_on(name, _run_options(said), screen)
    screen.finished(finished)
    screen.close()
    return finished.exit_code


@click.command()
@click.argument("suite")
@o.selecting
@o.sending
@click.option("--new", is_flag=True, help="As if no run were unfinished.")
@click.option("--show", type=click.IntRange(min=0), default=0, metavar="N", help="Show the first N requests whole.")
@click.option("--detect", type=o.Figure(1e-6, 1), metavar="D",
              help="How many cases show a difference in pass rate of D (0.05: 5 points), and their cost.")  # fmt: skip
def plan(suite: str, show: int, detect: float | None, **said: Any) -> int:
    """Show what would be sent, spent and waited for: requests, tokens, cost, limits, time. Sends nothing.

    It takes the options of `evalrun run`, so that the same words can be tried out first.
    """
    from evalrun.cli.detect_text import detect_json, detect_lines
    from evalrun.cli.plan_text import plan_json, plan_lines, request_lines
    from evalrun.clock import SystemClock
    from evalrun.conduct.detect import detect as find
    from evalrun.conduct.foresight import foresee
    from evalrun.conduct.plan import prepare, shown_requests

    asked = _run_options(said)
    planned = prepare(suite, asked.selection)
    now = SystemClock().time()
    foreseen = foresee(planned, asked, now)
    detection = None if detect is None else find(planned, asked, now, detect)
    if said["as_json"]:
        more = {} if detection is None else {"detect": detect_json(detection)}
        say_json(plan_json(planned, foreseen, show) | more)
        return 0
    for line in (*plan_lines(planned, foreseen), *(detect_lines(detection) if detection else ())):
        click.echo(line)
    for place, request in shown_requests(planned, show):
        for line in request_lines(place, request):
            click.echo(line)
    return 0


@click.command()
@_RUN
@click.option("--suite", type=click.Path(), metavar="SUITE", help="Score with this suite's scorers instead.")
@click.option("--human", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Have people's verdicts count as a scorer, human: JSON lines that the report exported.")  # fmt: skip
@click.option("--drop-human", is_flag=True, help="Forget the verdicts of people that the run has.")
@o.selecting
@o.placed
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def score(run: str, suite: str | None, human: Path | None, *, drop_human: bool, as_json: bool, **said: Any) -> int:
    """Score a run's stored answers again. Sends nothing.

    Verdicts of people stay with the run, in later reports too; those of a further --human file come in their place.
    """
    from evalrun.cli.show import Screen
    from evalrun.conduct.score import score_again

    screen = Screen(quiet=False, as_json=as_json)
    finished = score_again(run, suite, _offline(said), screen, human=human, drop_human=drop_human)
    screen.finished(finished)
    screen.close()
    return finished.exit_code


@click.command()
@_RUN
@click.option("--prices", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Have these prices hold from now on: a file as a suite's prices:, or a suite.")  # fmt: skip
@click.option("--prices-as-paid", is_flag=True, help="Go back to the prices that the run was paid at.")
@o.formatted("Only this kind: csv, json, parquet, junit, md or html; several times or with commas.")
@o.placed
def report(run: str, prices: Path | None, formats: tuple[str, ...], *, prices_as_paid: bool, results: Path) -> int:
    """Write a run's reports again from its run.db. Sends nothing.

    With --prices every cost is reckoned anew, in gates and scorers too, and stays so in later reports.
    """
    from evalrun.conduct.report import rebuild
    from evalrun.safe_text import safe_line

    if prices is not None and prices_as_paid:
        raise click.UsageError("--prices and --prices-as-paid exclude each other")
    asked = o.formats(formats)
    finished = rebuild(
        run, _offline({"results": results}), prices=prices, as_paid=prices_as_paid, formats=asked or None
    )
    for line in finished.warnings:
        click.echo(safe_line(f"WARNING: {line}"), err=True)
    for name in finished.written if asked else ("report.html",):
        click.echo(f"written: {finished.folder / name}")
    return 0


@click.command()
@_RUN
@click.option("--note", metavar="TEXT", default="", help="Why this run: a line that is kept with the baseline.")
@click.option("--suite", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Where the suite is now, if it moved: the baseline goes beside it.")  # fmt: skip
@o.placed
def bless(run: str, note: str, suite: Path | None, results: Path) -> int:
    """Make a complete run the baseline of its suite, SUITE.baseline.jsonl beside it. Sends nothing.

    The gate no_regression compares later runs with it, case by case. It holds verdicts and scores, no answers: commit
    it. A run whose gates failed may be blessed: that is how a change is accepted.
    """
    from evalrun.cli.show import blessed_lines
    from evalrun.conduct.bless import bless as make_baseline

    for line in blessed_lines(make_baseline(results, run, note=note, suite=suite)):
        click.echo(line)
    return 0


@click.group(invoke_without_command=True)
@o.placed
@click.pass_context
def runs(context: click.Context, results: Path) -> int:
    """List the runs; `evalrun runs prune` removes old ones."""
    from evalrun.cli.show import run_lines

    context.obj = results
    if context.invoked_subcommand is None:
        for line in run_lines(results):
            click.echo(line)
    return 0


@runs.command()
@click.argument("suite", required=False)
@click.option("--keep", type=click.IntRange(min=0), required=True, metavar="N", help="Keep the newest N of each suite.")
@o.placed
@click.pass_context
def prune(context: click.Context, suite: str | None, keep: int, results: Path) -> int:
    """Remove all but the newest N finished runs of each suite; unfinished ones stay."""
    from evalrun.clock import SystemClock
    from evalrun.conduct.index import refresh_index
    from evalrun.report.numbers import plural
    from evalrun.safe_text import safe_line
    from evalrun.store.prune import prune as remove

    said_here = context.get_parameter_source("results") is not ParameterSource.DEFAULT
    place = results if said_here else context.obj
    removed = remove(place, suite, keep, now=SystemClock().time())
    if removed and (warning := refresh_index(place)):
        click.echo(safe_line(f"WARNING: {warning}"), err=True)
    for one in removed:
        click.echo(f"removed {one.folder}")
    click.echo(f"{plural(len(removed), 'run')} removed")
    return 0


@click.command()
@click.option("--format", "form", type=click.Choice(["json", "markdown"]), default="json", show_default=True,
              help="JSON Schema, or the reference as a page.")  # fmt: skip
def schema(form: str) -> int:
    """Print the JSON Schema of suites, for editors; or every key of a suite, for people."""
    from evalrun.scoring import OPTIONS, SAYS
    from evalrun.suite.reference import reference
    from evalrun.suite.schema import json_schema

    found = json_schema(OPTIONS, SAYS)
    click.echo(reference(found) if form == "markdown" else json.dumps(found, indent=2, ensure_ascii=False))
    return 0


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), default=Path("suite.yaml"))
def init(file: Path) -> int:
    """Write a commented starter suite that runs at once, with no key."""
    from evalrun.errors import UsageError
    from evalrun.suite.starter import STARTER

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as out:
            out.write(STARTER)
    except FileExistsError:
        raise UsageError(f"{file}: there is a file already; name another one") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be written ({error.strerror})") from error
    click.echo(f"written: {file}\nrun it with: evalrun {file}")
    return 0


@click.command(epilog=f"\b\nKinds of fault:\n{textwrap.indent(listed(), '  ')}")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option("--rpm", type=click.IntRange(min=1), help="Requests a minute.")
@click.option("--rpd", type=click.IntRange(min=1), help="Requests a day.")
@click.option("--tpm", type=click.IntRange(min=1), help="Tokens a minute.")
@click.option("--tpd", type=click.IntRange(min=1), help="Tokens a day.")
@click.option("--concurrency", type=click.IntRange(min=1), help="Requests at once.")
@click.option("--window", type=click.Choice(["fixed", "rolling", "bucket"]), default="rolling", show_default=True,
              help="How the limits are counted.")  # fmt: skip
@click.option("--limit", "limits", multiple=True, metavar="[MODEL:]WHAT=N/TIME",
              help="Another limit, such as requests=20/2s or large:tokens=9000/1m; several times.")  # fmt: skip
@click.option("--resets", metavar="ZONE", default="utc", show_default=True, help="Where a fixed day begins.")
@click.option("--charge", type=click.Choice(["max", "sum", "usage", "input"]), default="max", show_default=True,
              help="What a request takes of a token limit.")  # fmt: skip
@click.option("--style", type=click.Choice(["openai", "azure", "github", "groq", "anthropic", "silent"]),
              default="openai", show_default=True, help="Whose headers and refusals.")  # fmt: skip
@click.option("--latency", metavar="TIME", help="How long an answer takes, such as 200ms or 50ms-2s.")
@click.option("--fault", "faults", multiple=True, metavar="KIND=SHARE",
              help="Such as 500=0.05 or stream-cut=0.1; several times. The kinds are listed below.")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the faults.")
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="Write one JSON line a request here.")
def simulate(host: str, port: int, log: Path | None, **said: Any) -> int:
    """Serve the simulated models in every dialect: chat, responses, completions, embeddings, messages, Azure's."""
    from evalrun.cli.simulate import serve_simulator

    serve_simulator(host, port, log, said)
    return 0


def _selection(said: dict[str, Any], environ: Mapping[str, str]) -> Any:
    from evalrun.catalog import endpoints_in
    from evalrun.conduct.options import Selection

    return Selection(
        models=said["models"],
        params=o.typed(said["params"], "--set"),
        variables=o.typed(said["variables"], "--var"),
        allow_origins=o.origins(said["allow_origins"]),
        allow_code=said["allow_code"],
        only=o.only(said["only"]),
        limit=said["limit"],
        sample=said["sample"],
        max_planned=said["max_planned"],
        fail_under=said.get("fail_under"),
        endpoints=endpoints_in(environ),
    )


def _allowed(said: dict[str, Any], environ: Mapping[str, str]) -> Any:
    """What a resumed run may do, whose suite is known already."""
    from evalrun.catalog import endpoints_in
    from evalrun.conduct.options import Selection

    return Selection(
        allow_origins=o.origins(said["allow_origins"]),
        allow_code=said["allow_code"],
        endpoints=endpoints_in(environ),
    )


def _run_options(said: dict[str, Any]) -> Any:
    """Options of `run` and `resume` as conduct takes them."""
    from evalrun.conduct.options import RunOptions, usual_max_wait_s
    from evalrun.conduct.quota import state_folder
    from evalrun.records.quota import Budget
    from evalrun.store.cache import user_cache_file

    environ = o.environment(said["env_file"])
    return RunOptions(
        results=said["results"],
        environ=environ,
        state=state_folder(os.environ),
        selection=_selection(said, environ) if "models" in said else _allowed(said, environ),
        concurrency=said["concurrency"],
        budget=Budget(
            max_requests=said["max_requests"],
            max_tokens=said["max_tokens"],
            max_cost_usd=said["max_cost_usd"],
            deadline_s=o.duration_s(said["deadline"], "--deadline"),
        ),
        cache=said["cache"],
        cache_file=user_cache_file() if said["cache"] != "off" else None,
        new=said.get("new", False),
        retry_errors=said["retry_errors"],
        fail_fast=said["fail_fast"],
        max_wait_s=float("inf") if said["wait"] else usual_max_wait_s(environ),
        paused_exit_code=said["paused_exit_code"],
        command=tuple(sys.argv[1:]),
        formats=o.formats(said["formats"]),
    )


def _offline(said: dict[str, Any]) -> Any:
    from evalrun.conduct.options import RunOptions, Selection
    from evalrun.conduct.quota import state_folder

    selection = _selection(said, os.environ) if "models" in said else Selection()
    return RunOptions(results=said["results"], environ={}, state=state_folder(os.environ), selection=selection)

"""plan -> store -> a sitting -> scores -> comparison -> report: one suite, from where it stands to where it ends."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalrun import __version__
from evalrun.clock import Clock, SystemClock
from evalrun.conduct.finish import Finished, finish
from evalrun.conduct.log import LOGGER, run_log
from evalrun.conduct.notes import model_notes, warnings_of
from evalrun.conduct.options import Observer, RunOptions
from evalrun.conduct.session import carry_out
from evalrun.conduct.sitting import Ending
from evalrun.conduct.stopping import keep_accounts
from evalrun.errors import LedgerOutOfReach, UsageError
from evalrun.keys import Secret, read_key
from evalrun.providers.proxies import proxy_secrets
from evalrun.records.plan import Plan
from evalrun.redact import Redactor
from evalrun.report.formats import files_of
from evalrun.scheduler.rooms import Spent
from evalrun.store.plan_tables import Changes
from evalrun.store.run import RunStore
from evalrun.store.runs import RunInfo, find_run, list_runs, newest_unfinished, run_folder, run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A run's store, ready to go on, and what was said about it."""

    store: RunStore
    plan: Plan
    changes: tuple[str, ...]


def run_plans(
    plans: Sequence[Plan], options: RunOptions, observer: Observer, clock: Clock | None = None
) -> Iterator[Finished]:
    """Carry out several suites one after the other, each handed out as it ends; an interruption ends them all.

    Raises UsageError for a missing key, a folder that cannot be written or a format that there is not, before anything
    of any suite is sent.
    """
    files_of(options.formats)
    for plan in plans:
        _check_keys(plan, options)
        _check_code(plan, options)
    _check_writable(options.results)
    for plan in plans:
        opened = open_or_create(plan, options, observer)
        finished = sit(opened, options, observer, clock or SystemClock(), how="run")
        yield finished
        if finished.facts.state == "interrupted":
            break


def resume(name: str | None, options: RunOptions, observer: Observer, clock: Clock | None = None) -> Finished:
    """Go on with a run as it was planned. Raises UsageError where there is none, or nothing is left to ask."""
    files_of(options.formats)
    info = find_run(options.results, name) if name else _newest_to_go_on_with(options)
    store = RunStore.open(info.folder, write=True, now=SystemClock().time())
    try:
        plan = store.plan()
        _check_keys(plan, options)
        _check_code(plan, options)
        if options.retry_errors:
            observer.say(f"asking {forget_errors(store, plan)} cells in error again")
    except BaseException:
        store.close()
        raise
    return sit(Opened(store=store, plan=plan, changes=()), options, observer, clock or SystemClock(), how="resume")


def open_or_create(plan: Plan, options: RunOptions, observer: Observer) -> Opened:
    """The suite's newest unfinished run, brought to *plan*; or a new run."""
    now = SystemClock().time()
    unfinished = None if options.new else _unfinished(options, plan.suite.name, plan.suite.file)
    if unfinished is None:
        folder = run_folder(options.results, plan.suite.name, run_id(now, secrets.token_hex(2)))
        store = RunStore.create(folder, plan, evalrun_version=__version__, now=now)
        return Opened(store=store, plan=plan, changes=())
    store = RunStore.open(unfinished.folder, write=True, now=now)
    changes = _said(store.replan(plan))
    if changes and store.spared_keys():  # what is not needed may be another matter in a changed suite
        keep_accounts(store, plan, store.prices())
    if options.retry_errors:
        observer.say(f"asking {forget_errors(store, plan)} cells in error again")
    done = len(plan.cells) - sum(1 for _ in store.pending()) - len(store.spared_keys())
    observer.say(f"going on with {unfinished.run}: {done} of {len(plan.cells)} cells are answered")
    for change in changes:
        observer.say(f"  changed since then: {change}")
    return Opened(store=store, plan=plan, changes=changes)


def sit(opened: Opened, options: RunOptions, observer: Observer, clock: Clock, *, how: str) -> Finished:
    """One sitting: ask what is left, then score and write the reports whatever happened."""
    store, plan = opened.store, opened.plan
    redactor = Redactor(_secrets(plan, options))
    try:
        with run_log(store.folder, redactor):
            store.begin_sitting(now=clock.time(), how=how, argv=tuple(map(redactor, options.command)))
            LOGGER.info("%s %s: %d cells, evalrun %s", how, plan.suite.file, len(plan.cells), __version__)
            for line in warnings_of(plan):
                LOGGER.warning("%s", line)
                observer.warn(line)
            for line in model_notes(plan):
                observer.say(f"note: {line}")
            ending = asyncio.run(_ask(opened, options, observer, clock))
            finished = finish(store, plan, ending, options=options, changes=opened.changes, clock=clock)
            store.end_sitting(now=clock.time(), ended=finished.facts.state)
            LOGGER.info("%s, exit code %d %s", finished.facts.state, finished.exit_code, finished.facts.reason)
            return finished
    finally:
        store.close()


async def _ask(opened: Opened, options: RunOptions, observer: Observer, clock: Clock) -> Ending:
    store, plan = opened.store, opened.plan
    if next(store.pending(), None) is None:
        return Ending()
    before = store.spent()
    spent = Spent(before.requests, before.prompt_tokens + before.completion_tokens, before.cost_usd)
    try:
        return await carry_out(store, plan, options, clock=clock, observer=observer, spent=spent)
    except LedgerOutOfReach as error:
        return Ending(paused=str(error))


def _secrets(plan: Plan, options: RunOptions) -> list[Secret]:
    """The keys in use and the proxies' passwords, for taking them out of what is written."""
    used = sorted({model.provider for model in plan.suite.models})
    found = (read_key(plan.suite.providers[name], options.environ) for name in used)
    return [*(secret for secret in found if secret is not None), *proxy_secrets(options.environ)]


def _unfinished(options: RunOptions, suite: str, file: str) -> RunInfo | None:
    """The suite's run to go on with; with --retry-errors also its newest run, where cells of it are in error."""
    unfinished = newest_unfinished(options.results, suite, file)
    if unfinished is None and options.retry_errors:
        newest = next(iter(list_runs(options.results, suite)), None)
        return newest if newest is not None and newest.errors else None
    return unfinished


def _newest_to_go_on_with(options: RunOptions) -> RunInfo:
    for info in list_runs(options.results):
        if info.state == "damaged":
            continue
        if not info.finished or (options.retry_errors and info.errors):
            return info
    raise UsageError(
        f"{options.results}: no run is unfinished\n"
        "start one with evalrun SUITE; ask cells in error again with evalrun resume --retry-errors"
    )


def forget_errors(store: RunStore, plan: Plan) -> int:
    """Make every cell in error pending again, also those that come to light where a decision does not stand any more.

    Returns how many.
    """
    asked = 0
    while failed := store.failed_keys():
        store.forget(failed)
        asked += len(failed)
        if store.spared_keys():  # one of them may come before the decision that spared the others
            keep_accounts(store, plan, store.prices())
    return asked


def _said(changes: Changes) -> tuple[str, ...]:
    """What a changed suite means for the run, in words; nothing for an unchanged one."""
    if not (changes.new or changes.dropped):
        return ("the suite's text; every answer is kept",) if changes.text_changed else ()
    return (f"{changes.kept} cells are kept, {changes.new} are new, {changes.dropped} are gone",)


def _check_keys(plan: Plan, options: RunOptions) -> None:
    used = {model.provider for model in plan.suite.models}
    missing = []
    for name in sorted(used):
        try:
            read_key(plan.suite.providers[name], options.environ)
        except UsageError as error:
            missing.append(str(error))
    if missing:
        raise UsageError("\n".join(missing))


def _check_code(plan: Plan, options: RunOptions) -> None:
    """A run's folder may come from anybody: functions that it names are called on the user's word alone."""
    functions = {result.function for prompt in plan.suite.prompts for result in prompt.tool_results if result.function}
    if functions and not options.selection.allow_code:
        raise UsageError(
            f"{plan.suite.file}: its tools are Python functions ({', '.join(sorted(functions))}), and code is run only "
            "when you say so\nlook at it, then add --allow-code"
        )


def _check_writable(results: Path) -> None:
    probe = results / f".write-test-{secrets.token_hex(4)}"
    try:
        results.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UsageError(
            f"{results}: results cannot be written here ({error.strerror}); nothing was sent\n"
            "name another folder with --results DIR"
        ) from error

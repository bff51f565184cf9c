"""answers -> scores -> comparison -> reports: what follows every sitting, and all of `evalrun score` and `report`."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from evalrun import __version__
from evalrun.clock import Clock
from evalrun.collector import without_collector
from evalrun.conduct.baselines import baseline_of, is_scored
from evalrun.conduct.daily import cases_a_day
from evalrun.conduct.human import verdicts_of, with_human
from evalrun.conduct.identity import column_digests
from evalrun.conduct.index import refresh_index
from evalrun.conduct.notes import model_notes, warnings_of
from evalrun.conduct.options import RunOptions
from evalrun.conduct.origin import git_commit, python_version
from evalrun.conduct.plan import forecast
from evalrun.conduct.quota import left_of
from evalrun.conduct.regressions import Watcher, before_of, regressions_of
from evalrun.conduct.sitting import Ending
from evalrun.conduct.stopping import Stopped, keep_accounts, stopped, watch_of
from evalrun.conduct.trend import trend_of
from evalrun.conduct.writing import reports_of, rows_of, write
from evalrun.errors import ExitCode
from evalrun.prices import price_date
from evalrun.records.baseline import Baseline
from evalrun.records.comparison import Comparison
from evalrun.records.human import HUMAN
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.run import RunFacts, RunState
from evalrun.records.suite import Price
from evalrun.report.fields import utc
from evalrun.report.formats import standing
from evalrun.stats.compare import compare
from evalrun.store.prices import with_overrides
from evalrun.store.run import RunStore
from evalrun.suite.plan import changes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run as it stands after a sitting; *written* names the reports that were written, *warnings* says
    what else was to be done and was not."""

    plan: Plan
    comparison: Comparison
    facts: RunFacts
    folder: Path
    written: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """What the process ends with, were this its only suite."""
        return self.facts.exit_code


def finish(
    store: RunStore,
    plan: Plan,
    ending: Ending,
    *,
    options: RunOptions,
    changes: tuple[str, ...] = (),
    clock: Clock,
    sat: bool = True,
    formats: Collection[str] | None = None,
) -> Finished:
    """Score what is not scored yet, compare, write the reports, and note in the store how the run stands.

    *formats* are the reports to write; None: what is always written, what the options ask for besides, and what is
    there already.

    Where nobody *sat* (the reports are written again later), what the last sitting was stays as it said: when it
    ended, under which limits, from which commit, what had changed, and since when it waits.
    """
    prices = store.prices()
    plan = with_overrides(plan, prices)
    reported = with_human(plan, verdicts_of(store))
    stale: tuple[Path, ...] = ()
    if formats is None:
        formats, stale = standing(store.folder, options.formats)
    # The reports come first: a second process makes ready meanwhile.
    with without_collector(), reports_of(store, reported, formats) as reports:
        watch = keep_accounts(store, plan, prices)
        plan = reported
        if ending.paused and next(store.pending(), None) is None:
            ending = replace(ending, paused="", resume_at=None)  # what it waited for is not needed any more
        said = (None if sat else _noted(store, "sitting")) or {
            "ended_at": clock.time(),
            "limits": _limits(plan, options),
            "changes": changes,
            "paused_exit_code": options.paused_exit_code,
            "git_commit": git_commit(Path(plan.suite.file).parent),
            "evalrun_version": __version__,
            "python_version": python_version(),
            "quota_left": left_of(options.state, plan.suite.name, clock.time()),
        }
        baseline = baseline_of(plan.suite)
        before = before_of(store.folder, plan, float(store.meta()["created_at"]), baseline)
        watcher = None if before is None else Watcher(before)
        rows = reports.over(rows_of(store, plan, with_messages=reports.wants_rows))
        rows = rows if watcher is None else watcher.over(rows)
        finished = _finished(store, plan, ending, said, changes, stopped(store, plan, watch), baseline, rows)
        regressions = None if watcher is None else regressions_of(store, plan, watcher)
        facts = replace(finished.facts, digests=column_digests(plan), regressions=regressions)
        store.set_meta(
            state=facts.state, exit_code=facts.exit_code, reason=facts.reason, ending=ending.as_json(), sitting=said
        )
        trend = trend_of(store.folder, plan, finished.comparison, facts)
        written = write(store, reports, plan, finished.comparison, facts, trend, stale=stale)
    warning = refresh_index(options.results, store.folder)
    return replace(finished, facts=facts, written=written, warnings=(warning,) if warning else ())


def as_it_stands(store: RunStore) -> Finished:
    """A run as its last sitting left it; nothing is scored and nothing is written.

    Of a sitting that never came to its end nobody knows when that was, nor under which limits.
    """
    said = _noted(store, "sitting") or {
        "ended_at": max([store.meta()["created_at"], *(sitting.started_at for sitting in store.sittings())]),
        "limits": {},
        "changes": (),
        "paused_exit_code": int(ExitCode.PAUSED),
        "git_commit": None,
        "evalrun_version": store.meta()["evalrun_version"],
        "python_version": "",
    }
    plan = with_human(with_overrides(store.plan(), store.prices()), verdicts_of(store))
    decided = stopped(store, plan, watch_of(store, plan))
    return _finished(store, plan, last_ending(store), said, (), decided, baseline_of(plan.suite), store.rows())


def _finished(
    store: RunStore,
    plan: Plan,
    ending: Ending,
    said: Mapping[str, Any],
    changes: tuple[str, ...],
    stopping: Stopped | None,
    baseline: Baseline | str,
    rows: Iterator[Row],
) -> Finished:
    """The run in figures and facts; *said* is what its last sitting was, *stopping* what it decided early."""
    ended = ending.interrupted is None and not ending.paused
    reckoned = _forecast(plan)
    a_day = cases_a_day(plan, {label: said["requests"] for label, said in reckoned.items()})
    comparison = compare(
        plan,
        rows,
        complete=ended,
        cases_a_day=a_day,
        baseline=baseline,
        watched=stopping.pairs if stopping else (),
    )
    state, exit_code = _standing(comparison, ending, said["paused_exit_code"])
    facts = RunFacts(
        run=store.folder.name,
        suite=plan.suite.name,
        folder=str(store.folder),
        state=state,
        exit_code=int(exit_code),
        started_at=float(store.meta()["created_at"]),
        finished_at=said["ended_at"],
        evalrun_version=said["evalrun_version"],
        python_version=said["python_version"],
        git_commit=said["git_commit"],
        reason=_reason(comparison, ending, state),
        go_on=_go_on(comparison, store.folder, state),
        resume_after=utc(ending.resume_at) if ending.resume_at is not None and state == "paused" else None,
        changes=changes or tuple(said["changes"]),
        notes=(*(stopping.notes() if stopping else ()), *_notes(plan), *_price_notes(store.prices())),
        limits=said["limits"],
        forecast=reckoned,
        price_dates=tuple(sorted({price_date(m.price) for m in plan.suite.models} - {""})),
        stopping=stopping.as_json() if stopping else None,
        quota_left=tuple(said.get("quota_left", ())),
    )
    return Finished(plan=plan, comparison=comparison, facts=facts, folder=store.folder)


def last_ending(store: RunStore) -> Ending:
    """How the last sitting ended; one that never said so was interrupted."""
    said = _noted(store, "ending")
    return Ending.from_json(said) if said else Ending(interrupted=ExitCode.INTERRUPTED)


def _noted(store: RunStore, key: str) -> Any:
    """What the last sitting left in the store at its end; None where it never came to it."""
    sittings = store.sittings()
    crashed = bool(sittings) and sittings[-1].ended_at is None
    return None if crashed else store.meta().get(key)


def _standing(comparison: Comparison, ending: Ending, paused_exit_code: int) -> tuple[RunState, int]:
    """How a run stands and what the process ends with. Precedence: interrupted, paused, incomplete, gate, complete."""
    if ending.interrupted is not None:
        return "interrupted", ending.interrupted
    if ending.paused and any(figures.pending for figures in comparison.columns):
        return "paused", paused_exit_code
    if not comparison.complete:
        return "incomplete", ExitCode.INCOMPLETE
    failed = any(gate.failed for gate in comparison.gates)
    return "complete", ExitCode.GATE_FAILED if failed else ExitCode.COMPLETE


def _reason(comparison: Comparison, ending: Ending, state: RunState) -> str:
    """Why a run is not complete, in words; empty where its state says it all."""
    if state == "paused":
        return ending.paused
    if state in {"complete", "interrupted"}:
        return ""
    counts = {
        "in error": sum(figures.errors for figures in comparison.columns),
        "filtered": sum(figures.filtered for figures in comparison.columns),
        "skipped": sum(figures.skipped for figures in comparison.columns),
        "not scored": sum(figures.unscored for figures in comparison.columns),
        "not asked": sum(figures.pending for figures in comparison.columns),
    }
    said = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    return f"{ending.stopped} ({said})" if ending.stopped and said else ending.stopped or said


def _go_on(comparison: Comparison, folder: Path, state: RunState) -> str:
    """The command that goes on with this run, whichever others are unfinished; empty for a complete one."""
    if state == "complete":
        return ""
    errors = any(figures.errors for figures in comparison.columns)
    pending = any(figures.pending for figures in comparison.columns)
    if not (errors or pending):
        return ""
    words = ["evalrun", "resume", folder.name]
    if state == "incomplete" and errors:
        words.append("--retry-errors")
    if (results := folder.parent.parent) != Path("results"):
        words += ["--results", str(results)]
    return shlex.join(words)


def _notes(plan: Plan) -> tuple[str, ...]:
    said = []
    if plan.merged:
        said.append(
            f"{plan.merged} cells were the same case, prompt, model, parameters and sample as another: asked once"
        )
    own = tuple(scorer for scorer in plan.suite.scorers if scorer.type != HUMAN)
    if not is_scored(replace(plan.suite, scorers=own)):
        nobody = " that nobody judged" if own != plan.suite.scorers else ""
        said.append(f"no scorer decides a verdict: every answer{nobody} counts as passed")
    said += changes_of(plan)
    return (*warnings_of(plan), *said, *model_notes(plan))


def _price_notes(prices: Mapping[str, Price]) -> tuple[str, ...]:
    if not prices:
        return ()
    sources = ", ".join(dict.fromkeys(price.source for price in prices.values()))
    return (f"costs of {', '.join(prices)} are by the prices of {sources}, not as they were paid",)


def _limits(plan: Plan, options: RunOptions) -> dict[str, Any]:
    providers = {model.provider for model in plan.suite.models}
    return {
        "concurrency": options.concurrency,
        "budget": asdict(plan.suite.budget),
        "providers": {name: asdict(plan.suite.providers[name].quota) for name in sorted(providers)},
        "models": {model.label: asdict(model.quota) for model in plan.suite.models},
    }


def _forecast(plan: Plan) -> dict[str, Any]:
    return {
        one.column.label: {
            "requests": one.requests,
            "input_tokens": one.input_tokens,
            "output_tokens_at_most": one.output_tokens,
            "cost_usd_at_most": one.cost_usd,
        }
        for one in forecast(plan)
    }

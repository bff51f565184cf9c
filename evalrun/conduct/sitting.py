"""What one sitting has to ask, what it keeps of each reply, and what it counts on the way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from evalrun.clock import Clock
from evalrun.conduct.asking import Asking, Ticket
from evalrun.conduct.choices import is_short, shared
from evalrun.conduct.dialogues import Dialogues, with_tools
from evalrun.conduct.feeds import Feed
from evalrun.conduct.log import LOGGER
from evalrun.conduct.options import LaneProgress, RunOptions
from evalrun.conduct.sitting_quota import SittingQuota
from evalrun.conduct.stopping import decisions, watch_of, why_not
from evalrun.errors import ExitCode
from evalrun.prices import cost_usd, price_date
from evalrun.records.outcome import Exchange, Failure, FailureKind, Outcome, Response
from evalrun.records.plan import Cell, Plan
from evalrun.scheduler.dispatch import Dispatcher
from evalrun.scheduler.jobs import Halt, Job, LaneView, Send
from evalrun.scheduler.retry import RetryPolicy
from evalrun.scheduler.rooms import Charge, Lesson
from evalrun.scoring import score
from evalrun.stats.watching import Watch
from evalrun.store.cache import ResponseCache
from evalrun.store.run import RunStore

# What these failures take of a token window is known: nothing. After any other the estimate stays spent, for the server
# may have counted it.
_TAKES_NOTHING = frozenset({
    FailureKind.CONNECT, FailureKind.TLS, FailureKind.RATE_LIMIT, FailureKind.MONEY, FailureKind.AUTH,
    FailureKind.NOT_FOUND, FailureKind.GONE, FailureKind.BAD_REQUEST, FailureKind.REDIRECT, FailureKind.MISSING,
    FailureKind.SKIPPED, FailureKind.UNSUPPORTED,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a sitting ended. *interrupted* is a signal's exit code; *resume_at* (Unix time) is when quota is back."""

    interrupted: ExitCode | None = None
    paused: str = ""
    stopped: str = ""
    resume_at: float | None = None

    def as_json(self) -> dict[str, Any]:
        """For the store."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> Ending:
        """Out of the store."""
        code = said["interrupted"]
        return cls(**{**said, "interrupted": None if code is None else ExitCode(code)})


@dataclass(slots=True)
class _Tally:
    """One model's counts. Mutable; changed by Sitting only."""

    total: int = 0
    done: int = 0
    errors: int = 0
    tokens: int = 0
    cost_usd: float | None = 0.0


class Sitting:
    """Feeds the dispatcher and keeps what comes back.

    Mutable state: the tallies, the keys that are done, and the dialogues to go on with (cell key -> job).
    """

    def __init__(
        self,
        store: RunStore,
        plan: Plan,
        options: RunOptions,
        clock: Clock,
        quota: SittingQuota,
        say: Callable[[str], None],
    ) -> None:
        self._store, self._plan, self._options, self._clock = store, plan, options, clock
        self._quota = quota
        self._asking = Asking(plan, dict(quota.scopes.of_model))
        self._dialogues = Dialogues(plan, options.environ)
        self._done = store.answered_keys() | store.failed_keys() | store.spared_keys()
        self._begun: dict[str, Job] = {}
        self._tally = {model.label: _Tally() for model in plan.suite.models}
        for cell in plan.cells:
            tally = self._tally_of(cell)
            tally.total += 1
            tally.done += cell.key in self._done
        self._watch = watch_of(store, plan)
        self._feeds: dict[str, Feed] = {}
        self._dispatcher: Dispatcher | None = None
        self._failed = ""
        self._say = say
        self._lessons: list[str] = []
        on = options.cache != "off" and options.cache_file is not None
        self._cache = ResponseCache(options.cache_file, time=clock.time) if on and options.cache_file else None

    def dispatcher(self, send: Send) -> Dispatcher:
        """The dispatcher of this sitting, a lane a model."""
        self._dispatcher = Dispatcher(
            {label: self._feed(label) for label in self._tally},
            send=send,
            sink=self._keep,
            ledger=self._quota.ledger,
            clock=self._clock,
            draw=random.random,
            settle=self._took,
            pressures=self._quota.pressures,
            tell=self._hear,
            policy=RetryPolicy(max_wait_s=self._options.max_wait_s),
        )
        if self._watch:
            self._dispatcher.spare(self._needless)
        return self._dispatcher

    def close(self) -> None:
        """Close the cache."""
        if self._cache:
            self._cache.close()

    async def take_up(self) -> None:
        """Find what begun dialogues ask next, and fill in every answer that the response cache has.

        Answers from the cache cost nothing and book no quota.
        """
        begun = self._store.begun()
        for cell in [cell for cell in self._plan.cells if cell.key in begun]:
            stands = begun[cell.key]
            following = self._dialogues.after(cell, stands.messages, stands.outcome)
            if following is not None:
                request = await self._dialogues.request(following)
                job = await self._from_cache(self._asking.job(Ticket((cell,), stands.ordinal + 1), request))
                if job is not None:
                    self._begun[cell.key] = job
        if self._cache is None or self._options.cache == "refresh":
            return
        for cell in list(self._asking.left(self._done | self._begun.keys())):
            if not self._asking.is_recorded(cell):
                first = self._asking.first(cell)
                job = await self._from_cache(first)
                if job is not None and job is not first:
                    self._begun[cell.key] = job

    async def _from_cache(self, job: Job | None) -> Job | None:
        """The first request, from *job* on, that the cache has no answer to; None where the cell is done without."""
        while job is not None and self._cache is not None and self._options.cache != "refresh":
            response = self._cache.get(job.request.key)
            if response is None or is_short(response, len(job.ticket.cells)):
                break
            found = Exchange(
                request_key=job.request.key, outcome=response, cost_usd=0.0, price_date="cache", from_cache=True
            )
            job = await self._put(job, found)
        return job

    def _cache_misses(self) -> str:
        """What ``--cache only`` leaves unasked, in words; empty for nothing."""
        missing = sum(1 for cell in self._asking.left(self._done) if not self._asking.is_recorded(cell))
        return f"{missing} requests are not in the cache (--cache only)" if missing else ""

    def progress(self) -> tuple[LaneProgress, ...]:
        """Every model as it stands."""
        views = {view.lane: view for view in self._dispatcher.views()} if self._dispatcher else {}
        # Not the wall's time: to look at the windows moves them on, and a clock that was set would let them run out.
        now = self._dispatcher.now() if self._dispatcher else self._clock.time()
        today = {label: self._quota.today(label, now) for label in self._tally}
        back = {label for label, feed in self._feeds.items() if feed.keeps_back}
        return tuple(
            _progress(label, tally, views.get(label), today[label], kept_back=label in back)
            for label, tally in self._tally.items()
        )

    def ending(self, interrupted: ExitCode | None) -> Ending:
        """How it ended, once the dispatcher has."""
        if interrupted is not None:
            return Ending(interrupted=interrupted)
        if self._failed or (self._options.cache == "only" and self._cache_misses()):
            return Ending(stopped=self._failed or self._cache_misses())
        halted = [view for view in self._dispatcher.views() if view.halt] if self._dispatcher else []
        refused = [_of_lane(view) for view in halted if view.halt is Halt.REFUSED]
        paused = [_of_lane(view) for view in halted if view.halt is Halt.PARKED]
        paused += [view.reason for view in halted if view.halt is Halt.BUDGET]
        return Ending(
            stopped="; ".join(dict.fromkeys(refused)),
            paused="; ".join(dict.fromkeys(paused)),
            resume_at=max((view.parked_until for view in halted if view.parked_until is not None), default=None),
        )

    def _feed(self, label: str) -> Iterator[Job]:
        if self._watch is None:
            return map(self._job, self._cells_of(label))
        feed = Feed(self._cells_of(label), is_needed=self._is_needed, must_wait=self._must_wait, job=self._job)
        self._feeds[label] = feed
        return feed

    def _cells_of(self, label: str) -> Iterator[Cell]:
        for cell in self._asking.left(self._done, label):
            if self._options.cache == "only" and not self._asking.is_recorded(cell):
                continue
            yield cell

    def _job(self, cell: Cell) -> Job:
        return self._begun.get(cell.key) or self._asking.first(cell)

    def _is_needed(self, cell: Cell) -> bool:
        """Whether a cell is still to be asked. Recorded answers cost nothing, and are all taken."""
        decided = self._watch is not None and self._watch.is_decided(cell.column)
        return not decided or self._asking.is_recorded(cell)

    def _needless(self, job: Job) -> str:
        """Why a job is not needed any more; empty where it is."""
        cell: Cell = job.ticket.cell
        return "" if self._is_needed(cell) else why_not(self._plan, cell.column)

    def _must_wait(self, cell: Cell) -> bool:
        """Whether a cell is to be asked only when the columns that it is compared with have caught up.

        A lane ahead of another spends requests that the decision may turn out not to need. It waits while the other can
        still go on, in this sitting or, where that one is parked, in the next.
        """
        if self._watch is None or self._dispatcher is None or self._asking.is_recorded(cell):
            return False
        behind = self._watch.waits_for(cell, max(1, self._options.concurrency))
        if not behind:
            return False
        refused = {view.lane for view in self._dispatcher.views() if view.halt is Halt.REFUSED}
        return not refused.issuperset(self._plan.columns[column].model for column in behind)

    async def _keep(self, job: Job, exchange: Exchange) -> Sequence[Job]:
        """Commit a reply, count it, and give what its cell asks next."""
        ticket: Ticket = job.ticket
        if self._asking.is_recorded(ticket.cell):
            exchange = replace(exchange, attempts=())  # looked up, not sent
        following = await self._from_cache(await self._put(job, exchange))
        self._note(ticket.cell, exchange)
        if self._options.fail_fast and not self._failed and following is None and not _is_spared(exchange.outcome):
            for cell in ticket.cells:
                self._stop_at_failure(cell)
        return () if following is None else (following,)

    async def _put(self, job: Job, exchange: Exchange) -> Job | None:
        """Commit an exchange for every cell that it is for; the job that follows from it, where one does."""
        ticket: Ticket = job.ticket
        cell, messages, outcome = ticket.cell, job.request.messages, exchange.outcome
        following = self._dialogues.after(cell, messages, outcome)
        wanted = [place for place, one in enumerate(ticket.cells) if one.key not in self._done]
        count = len(ticket.cells)
        parts = shared(exchange, wanted, count) if count > 1 else [replace(exchange, goes_on=following is not None)]
        parts = [self._priced(cell, part) for part in parts]
        mine = [(ticket.cells[place], part) for place, part in zip(wanted, parts, strict=False)]
        await self._store.put_together((one.key, ticket.ordinal, part, messages) for one, part in mine)
        for one, part in mine:
            self._count(one, part)
            if self._watch and not part.goes_on:
                self._settle(self._watch, one, part)
        new = not (exchange.from_cache or self._asking.is_recorded(cell))
        if self._cache and new and isinstance(outcome, Response) and not is_short(outcome, count):
            self._cache.put(job.request.key, outcome)
        if following is None:
            return None
        request = await self._dialogues.request(following)
        return self._asking.job(Ticket(ticket.cells, ticket.ordinal + 1), request)

    def _settle(self, watch: Watch, cell: Cell, exchange: Exchange) -> None:
        """Take a cell's mark into account where it is compared, and stop asking for what that decides."""
        if _is_spared(exchange.outcome) or not watch.watches(cell.column):
            return
        row = with_tools(self._store.row(cell.position + 1), self._plan)
        mark = score(row, self._plan.suite.scorers, self._plan.suite.threshold)
        if watch.settle(replace(row, mark=mark)):
            if self._dispatcher:
                self._dispatcher.spare(self._needless)
            for line in decisions(self._plan, watch):
                if line not in self._lessons:
                    self._lessons.append(line)
                    LOGGER.info("%s", line)
                    self._say(line)

    def _priced(self, cell: Cell, exchange: Exchange) -> Exchange:
        if exchange.from_cache or not isinstance(exchange.outcome, Response):
            return exchange
        price = self._asking.model_of(cell).price
        cost = cost_usd(price, exchange.outcome.usage)
        return replace(exchange, cost_usd=cost, price_date=price_date(price))

    def _note(self, cell: Cell, exchange: Exchange) -> None:
        """A line in the log for what did not go smoothly."""
        failed = [attempt for attempt in exchange.attempts if attempt.result != "ok"]
        if failed:
            place = f"{self._plan.suite.cases[cell.case].id} · {self._plan.columns[cell.column].label}"
            how = "in error" if isinstance(exchange.outcome, Failure) else "answered"
            how = "not needed any more" if _is_spared(exchange.outcome) else how
            said = "; ".join(f"{attempt.result}: {attempt.message}" for attempt in failed)
            LOGGER.warning("%s: %s after %d attempts: %s", place, how, len(exchange.attempts), said)

    def _hear(self, lesson: Lesson) -> None:
        """What a reply taught about limits: logged, and shown while the run goes on."""
        words = f"{self._quota.scopes.scopes[lesson.scope].name}: {lesson.words}"
        if words not in self._lessons:
            self._lessons.append(words)
            LOGGER.info("%s", words)
            self._say(words)

    def _stop_at_failure(self, cell: Cell) -> None:
        row = with_tools(self._store.row(cell.position + 1), self._plan)
        mark = score(row, self._plan.suite.scorers, self._plan.suite.threshold)
        if (mark is None or mark.verdict != "pass") and self._dispatcher:
            self._failed = f"stopped at the first failure (--fail-fast): {row.case.id} · {row.column.label}"
            self._dispatcher.stop(self._failed)

    def _count(self, cell: Cell, exchange: Exchange) -> None:
        tally = self._tally_of(cell)
        if not exchange.goes_on:
            self._done.add(cell.key)
            tally.done += 1
        if isinstance(exchange.outcome, Failure):
            tally.errors += not _is_spared(exchange.outcome)
            return
        usage = exchange.outcome.usage
        tally.tokens += (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)
        if self._asking.is_recorded(cell):
            return  # it was paid for when it was asked, wherever that was
        known = tally.cost_usd is not None and exchange.cost_usd is not None
        tally.cost_usd = (tally.cost_usd or 0.0) + (exchange.cost_usd or 0.0) if known else None

    def _took(self, job: Job, outcome: Outcome) -> Charge | None:
        """What a reply really took; None: nobody knows."""
        if isinstance(outcome, Failure):
            return Charge(0) if outcome.kind in _TAKES_NOTHING else None
        usage = outcome.usage
        price = self._asking.model_of(job.ticket.cell).price
        return Charge(usage.prompt_tokens or 0, usage.completion_tokens or 0, cost_usd(price, usage) or 0.0)

    def _tally_of(self, cell: Cell) -> _Tally:
        return self._tally[self._plan.columns[cell.column].model]


def _is_spared(outcome: Outcome) -> bool:
    return isinstance(outcome, Failure) and outcome.kind is FailureKind.SPARED


def _of_lane(view: LaneView) -> str:
    """Why a lane stands still, with its label in front, once."""
    return f"{view.lane}: {view.reason.removeprefix(f'{view.lane}: ')}"


def _progress(label: str, tally: _Tally, view: LaneView | None, today: str, *, kept_back: bool) -> LaneProgress:
    return LaneProgress(
        label=label,
        done=tally.done,
        total=tally.total,
        in_flight=view.in_flight if view else 0,
        errors=tally.errors,
        retries=view.retries if view else 0,
        tokens=tally.tokens,
        cost_usd=tally.cost_usd,
        waiting=view.waiting if view else "",
        wait_s=view.wait_s if view and view.waiting else None,
        today=today,
        halted=view.reason if view and view.halt else "",
        kept_back=kept_back,
    )

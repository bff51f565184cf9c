"""One scope as it stands: its limits with their accounts, what is in flight, what its server taught. Pure."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Literal

from evalrun.records.quota import Axis, Limit, Quota, Scope
from evalrun.scheduler.calendar import ServerClock, is_day
from evalrun.scheduler.rooms import (
    Busy,
    Charge,
    Go,
    Lesson,
    LimitView,
    Never,
    Room,
    ScopeView,
    Wait,
    amount_of,
    words,
    worse,
)
from evalrun.scheduler.windows import SLACK, Account, Entry, account_of

Origin = Literal["stated", "limit", "header", "guess"]
GUESS_S = 60.0  # what is found by trying is found by the minute
_GROWTH, _MOST_DOUBLINGS = 1.1, 6


@dataclass(slots=True, eq=False)
class Line:
    """One limit with its account. *paced* limits are used evenly: the next request goes not before *next_at*.

    A guess grows after *grow_at* if it was in the way, and waits longer for that each time it proved too high.
    Mutable: only its scope changes it.
    """

    limit: Limit
    account: Account
    origin: Origin = "stated"
    paced: bool = False
    next_at: float = -math.inf
    made_at: float = -math.inf
    grow_at: float = math.inf
    failures: int = 0

    def change(self, amount: float) -> None:
        """The limit is *amount* now."""
        self.limit = self.account.limit = replace(self.limit, amount=amount)

    def guess(self, amount: float, at: float, *, first: bool) -> None:
        """A guess was made, proved too high or grew."""
        wait_s = GUESS_S * 2 ** min(self.failures, _MOST_DOUBLINGS)
        if first or amount <= self.limit.amount:
            self.made_at, self.paced = at, True
            self.failures += 1
        self.grow_at = at + wait_s
        self.change(amount)

    def grown(self, sent_at: float, at: float) -> float:
        """How high a guess is after a reply came although there is one."""
        amount = self.limit.amount
        if sent_at < self.made_at:
            return amount + 1  # it was in flight when the guess was made, and was let through
        if at < self.grow_at or self.account.used(at) < 0.9 * amount:
            return amount
        return max(amount + 1, math.floor(amount * _GROWTH))

    def take(self, amount: float, at: float) -> Entry:
        """Book an amount, and where it is paced keep the distance."""
        if self.paced:
            self.next_at = max(self.next_at, at + amount * self.limit.per_s / self.limit.amount)
        return self.account.take(amount)

    def fits_at(self, amount: float, now: float) -> float:
        """When it fits: *now* or earlier, later, or infinity when something has to come back first."""
        at = self.account.fits_at(amount, now)
        return max(at, self.next_at) if self.paced else at


@dataclass(slots=True, eq=False)
class ScopeState:
    """Mutable: everything but *scope* and *clock*; only Book changes it."""

    scope: Scope
    clock: ServerClock = field(default_factory=ServerClock)
    lines: list[Line] = field(default_factory=list)
    in_flight: int = 0
    closed_until: float = -math.inf
    closed_why: str = ""
    closed_day: bool = False
    lessons: dict[tuple[str, Axis | None, float], Lesson] = field(default_factory=dict)
    refusals: deque[float] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.lines = [Line(limit, account_of(limit, self.clock)) for limit in self.quota.limits]

    @property
    def quota(self) -> Quota:
        """What was stated."""
        return self.scope.quota

    def amount(self, line: Line, charge: Charge, took: Charge | None = None) -> float:
        """What a line counts of a request."""
        return amount_of(line.limit.axis, self.quota.charge, charge, took)

    def room(self, charge: Charge, now: float) -> Room:
        """Whether a request may go, as far as this scope is concerned."""
        if never := self.never(charge):
            return Never(never)
        here = self.scope.id
        worst: Room = Go()
        if self.closed_until > now:
            worst = Wait(self.closed_until, self.closed_why, here, self.closed_day)
        if self.quota.concurrency is not None and self.in_flight >= self.quota.concurrency:
            worst = worse(worst, Busy(f"{self.scope.name}: {self.quota.concurrency} at once", here))
        for line in self.lines:
            at = line.fits_at(self.amount(line, charge), now)
            if at > now:
                why = f"{self.scope.name}: {words(line.limit)}"
                found = Busy(why, here) if at == math.inf else Wait(at, why, here, is_day(line.limit))
                worst = worse(worst, found)
        return worst

    def never(self, charge: Charge) -> str | None:
        """Why a request can never fit, in words."""
        quota, name = self.quota, self.scope.name
        for most, has, what in (
            (quota.max_input_tokens, charge.input_tokens, "input"),
            (quota.max_output_tokens, charge.output_tokens, "output"),
        ):
            if most is not None and has > most:
                return f"{name}: at most {most} {what} tokens a request; this one has {has}"
        for line in self.lines:
            amount = self.amount(line, charge)
            if amount > _brim(line.limit) + SLACK:
                return f"{name}: {words(line.limit)}; one request needs {amount:g}"
        return None

    def find(self, axis: Axis, per_s: float, origin: Origin | None = None) -> Line | None:
        """The tightest line on an axis and span."""
        found = [
            line
            for line in self.lines
            if (line.limit.axis, line.limit.per_s) == (axis, per_s) and origin in (None, line.origin)
        ]
        return min(found, key=lambda line: line.limit.amount, default=None)

    def learn_limit(self, limit: Limit, origin: Origin, now: float) -> Line | None:
        """Have a limit beside the stated ones. Comes back if there was none like it: it does not know the past yet."""
        known = self.find(limit.axis, limit.per_s, origin)
        line = known or Line(limit, account_of(limit, self.clock), origin)
        if known is None:
            self.lines.append(line)
        if origin == "guess":
            line.guess(limit.amount, now, first=known is None)
        else:
            line.change(limit.amount)
        return line if known is None else None

    def pace(self, limit: Limit, now: float) -> None:
        """Use a limit evenly from now on."""
        for line in self.lines:
            if (line.limit.axis, line.limit.per_s) == (limit.axis, limit.per_s) and not line.paced:
                line.paced = True
                line.next_at = now + line.limit.per_s / line.limit.amount if limit.axis == "requests" else now

    def close(self, until: float, why: str, *, day: bool) -> None:
        """Let nothing through before *until*; an earlier end than is known does not open it."""
        if until > self.closed_until:
            self.closed_until, self.closed_why, self.closed_day = until, why, day

    def refused(self, at: float) -> int:
        """Note a refusal; how many there were in the minute before it."""
        while self.refusals and self.refusals[0] <= at - GUESS_S:
            self.refusals.popleft()
        self.refusals.append(at)
        return len(self.refusals) - 1

    def view(self, now: float) -> ScopeView:
        """How it stands."""
        limits = []
        for line in self.lines:
            used = line.account.used(now)
            left = max(0.0, _brim(line.limit) - used)
            learned = line.origin != "stated"
            limits.append(LimitView(line.limit, used, left, line.account.resets_at(now), learned))
        closed = self.closed_until > now
        return ScopeView(
            self.scope,
            tuple(limits),
            self.in_flight,
            self.closed_until if closed else None,
            self.closed_why if closed else "",
            tuple(self.lessons.values()),
        )


def _brim(limit: Limit) -> float:
    return limit.burst if limit.window == "bucket" and limit.burst is not None else limit.amount

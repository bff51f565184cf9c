"""What a reply teaches about limits: RateFacts in, lessons out. `Book.learn` applies them. Pure.

A limit that a refusal names holds from then on, as does one in a header that the profile believes. A refusal although
there was room means that a bare figure is not counted the way it was taken: it is then used evenly, one request after
the other, which every kind of window lets through. Where no figure is known at all, what was let through in the minute
before is the first guess; it grows carefully, and falls at the next refusal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from evalrun.records.quota import DAY_S, ROLLING_DAY, Axis, Limit, LimitFact, RateFacts, Refusal, WindowKind
from evalrun.scheduler.calendar import is_aligned, is_day, window_end
from evalrun.scheduler.rooms import Lesson, words
from evalrun.scheduler.scope_state import GUESS_S, ScopeState

Believe = Mapping[Axis, float]
"""Which axes' headers are believed, and the seconds of the window that the figure is for where it does not say."""

NOBODY: Believe = MappingProxyType({})

_TRY_AGAIN_S = 3600.0  # after a day's refusal that does not say when the day ends
_NOTHING_LET_THROUGH_S = 30.0
_LONG_S = 3600.0  # a pause so long is a day's
_PATIENCE_S = 120.0  # the shortest patience of a run
_SURE_S = 1.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How a vendor counts the limits that its replies name: the profile's word on it."""

    believe: Believe = field(default_factory=lambda: NOBODY)
    window: WindowKind = "rolling"
    resets: str = ROLLING_DAY


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reply's facts belong: the account's scope, the model's, or a group's that states the very limit.

    *let_through* counts a scope's last minute.
    """

    account: ScopeState
    model: ScopeState
    let_through: Callable[[ScopeState, float], int]
    groups: Sequence[ScopeState] = ()

    def scope(self, fact: LimitFact | None) -> ScopeState:
        """Whose limit a fact is about; where it does not say, the narrowest that has any limit."""
        if fact is not None:
            near = self.account if fact.account else self.model
            if fact.per_s is None or near.find(fact.axis, fact.per_s):
                return near
            return next((group for group in self.groups if _states(group, fact)), near)
        return self.account if self.account.lines and not self.model.lines else self.model


def _states(scope: ScopeState, fact: LimitFact) -> bool:
    line = scope.find(fact.axis, fact.per_s or 0.0, "stated")
    return line is not None and line.limit.amount == fact.amount


def from_headers(place: Place, rate: RateFacts, manner: Manner) -> Iterator[Lesson]:
    """The limits that believed headers state, where that is news."""
    for fact in rate.facts:
        if fact.axis not in manner.believe:
            continue
        scope = place.scope(fact)
        limit = _limit_of(scope, replace(fact, per_s=fact.per_s or manner.believe[fact.axis]), manner)
        if limit is None:
            continue
        known = scope.find(limit.axis, limit.per_s)
        learned = scope.find(limit.axis, limit.per_s, "header")
        if (known is None or limit.amount < known.limit.amount) or (
            learned is not None and limit.amount != learned.limit.amount
        ):
            yield Lesson(scope.scope.id, "header", limit, None, f"the server says {words(limit)}")


def from_success(place: Place, sent_at: float, at: float) -> Iterator[Lesson]:
    """A guess may have been too low."""
    for scope in (place.account, place.model) if place.account is not place.model else (place.model,):
        line = scope.find("requests", GUESS_S, "guess")
        if line is not None and (amount := line.grown(sent_at, at)) > line.limit.amount:
            limit = replace(line.limit, amount=amount)
            yield Lesson(scope.scope.id, "guess", limit, None, f"tries {words(limit)}")


def from_refusal(place: Place, rate: RateFacts, at: float, manner: Manner) -> Iterator[Lesson]:
    """What a refusal says and means."""
    refusal = rate.refusal or Refusal.UNKNOWN
    if refusal is Refusal.OVERLOAD and _PATIENCE_S <= (rate.retry_after_s or 0.0) < math.inf:
        # Longer than a run waits: who goes on before that would ask in vain.
        yield _closed(place.model, None, at + (rate.retry_after_s or 0.0), "the server is out of service")
    if refusal not in (Refusal.MINUTE, Refusal.DAY, Refusal.REQUEST_SIZE, Refusal.UNKNOWN):
        return
    scope = place.scope(rate.named)
    earlier = scope.refused(at) if refusal is not Refusal.REQUEST_SIZE else 0
    limit = _limit_of(scope, rate.named, manner) if rate.named else None
    if limit is not None:
        known = scope.find(limit.axis, limit.per_s)
        if known is None or limit.amount < known.limit.amount:
            yield Lesson(scope.scope.id, "limit", limit, None, f"learned {words(limit)} from a 429")
        elif refusal is Refusal.MINUTE and not known.limit.sure and not known.paced:
            yield _pace(scope, known.limit)
    if refusal is Refusal.REQUEST_SIZE:
        return
    if limit is None and refusal is not Refusal.DAY:
        yield from _silent(place, scope, rate, at, earlier)
    if refusal is Refusal.DAY:
        yield _until_tomorrow(scope, limit, rate, at)
    elif rate.retry_after_s is not None and 0 < rate.retry_after_s < math.inf:
        yield _closed(scope, limit, at + rate.retry_after_s, "rate limited")


def _silent(place: Place, scope: ScopeState, rate: RateFacts, at: float, earlier: int) -> Iterator[Lesson]:
    """A refusal without figures: use evenly what was taken on trust, else guess."""
    short = [line for line in scope.lines if not is_day(line.limit) and line.origin != "guess"]
    trusted = [(scope, line) for line in short if not line.limit.sure and not line.paced]
    if not short:
        wider = [other for other in (place.account, *place.groups) if other is not scope]
        trusted = [
            (other, line)
            for other in wider
            for line in other.lines
            if line.origin == "stated" and not is_day(line.limit) and not line.limit.sure and not line.paced
        ]
    if trusted:
        for owner, line in trusted:
            yield _pace(owner, line.limit)
        return
    if any(line.limit.sure for line in short):
        return  # its window is known, so somebody else is in it: the retry will find out
    through = place.let_through(scope, at) - earlier
    if through < 1:
        if not rate.retry_after_s:
            yield _closed(scope, None, at + _NOTHING_LET_THROUGH_S, "rate limited")
        return
    guess = scope.find("requests", GUESS_S, "guess")
    if guess is not None and at - guess.made_at < 1.0:
        return  # the same wall, hit by what was in flight
    amount = through if guess is None else min(through, guess.limit.amount)
    limit = Limit(axis="requests", amount=float(amount), per_s=GUESS_S, sure=False)
    yield Lesson(scope.scope.id, "guess", limit, None, f"guessed {words(limit)} from a 429")


def _pace(scope: ScopeState, limit: Limit) -> Lesson:
    gap_s = limit.per_s / limit.amount
    said = f"one per {gap_s:g} s" if limit.axis == "requests" else "evenly"
    return Lesson(scope.scope.id, "pace", limit, None, f"{words(limit)}, {said} since a 429")


def _until_tomorrow(scope: ScopeState, limit: Limit | None, rate: RateFacts, at: float) -> Lesson:
    """Close until the day ends: as the server says, else as its day does."""
    if limit is None:
        limit = next((line.limit for line in scope.lines if is_day(line.limit)), None)
    if rate.retry_after_s is not None and 0 < rate.retry_after_s < math.inf:
        until = at + rate.retry_after_s
    elif limit is not None and is_aligned(limit):
        low, high = scope.clock.assumed(at)
        until = window_end(limit, at + high) - low + _SURE_S
    else:
        until = at + _TRY_AGAIN_S
    return _closed(scope, limit, until, "the day's limit is reached")


def _closed(scope: ScopeState, limit: Limit | None, until: float, why: str) -> Lesson:
    named = f" ({words(limit)})" if limit else ""
    return Lesson(scope.scope.id, "closed", limit, until, f"{scope.scope.name}: {why}{named}")


def is_long(lesson: Lesson, now: float) -> bool:
    """Whether a closing is a day's."""
    if lesson.limit is not None and is_day(lesson.limit):
        return True
    return lesson.until is not None and lesson.until - now >= _LONG_S


def _limit_of(scope: ScopeState, fact: LimitFact, manner: Manner) -> Limit | None:
    """A fact as a limit: counted as the scope's own limit of that axis and span is, else in the vendor's manner."""
    if not (fact.amount and fact.per_s and 0 < fact.amount < math.inf and 0 < fact.per_s < math.inf):
        return None
    own = scope.find(fact.axis, fact.per_s, "stated")
    if own is not None:
        burst = None if own.limit.burst is None else min(own.limit.burst, fact.amount)
        return replace(own.limit, amount=fact.amount, burst=burst)
    if fact.per_s != DAY_S:
        return Limit(axis=fact.axis, amount=fact.amount, per_s=fact.per_s, window=manner.window, sure=False)
    window: WindowKind = "rolling" if manner.resets == ROLLING_DAY else "fixed"
    return Limit(axis=fact.axis, amount=fact.amount, per_s=fact.per_s, window=window, resets=manner.resets)

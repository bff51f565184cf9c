"""Two ledgers on one file, as two processes have them, at times that the test makes up."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from evalrun.records.quota import Limit, LimitFact, Quota, RateFacts, Refusal, Scope
from evalrun.scheduler.ledger import MemoryLedger, SqliteLedger
from evalrun.scheduler.ledger_care import forget, set_limit, standings
from evalrun.scheduler.quota import Book, Manner
from evalrun.scheduler.rooms import Booking, Busy, Charge, Wait
from tests.scheduler.ledgers import ACCOUNT, IDS, MODEL, RUN, SMALL, booked, opened, rpd, rpm, scopes_with, spend
from tests.virtual import START

REFUSED = RateFacts(refusal=Refusal.MINUTE, named=LimitFact(axis="requests", amount=2, per_s=60.0), retry_after_s=9.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger will be."""
    return tmp_path / "state" / "quota.db"


class Pair:
    """Two processes with the same limits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[SqliteLedger] = []

    def __call__(self, scopes: dict[str, Scope], other: dict[str, Scope] | None = None) -> list[SqliteLedger]:
        self._open = [opened(self._path, scopes), opened(self._path, other or scopes, suite="smoke")]
        return self._open

    def close(self) -> None:
        for ledger in self._open:
            ledger.close()


@pytest.fixture
def pair(path: Path) -> Iterator[Pair]:
    """Makes two ledgers, and closes them."""
    made = Pair(path)
    yield made
    made.close()


def used(ledger: MemoryLedger, scope: str, now: float) -> list[float]:
    """What is used of each limit of a scope."""
    (view,) = [view for view in ledger.views(now) if view.scope.id == scope]
    return [limit.used for limit in view.limits]


# ── booking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_one_books_the_other_cannot(pair: Pair) -> None:
    """The limit holds for both together: what is booked counts at once, and leaves with its window."""
    one, other = pair(scopes_with(model=Quota(limits=(rpm(3),))))
    spend(one, 2, START)
    spend(other, 1, START + 1)

    assert isinstance(found := one.try_book(IDS, SMALL, START + 2), Wait)
    assert found.until == START + 60
    assert (found.scope, found.day) == (MODEL, False)
    assert isinstance(other.try_book(IDS, SMALL, START + 59.9), Wait)
    assert isinstance(other.try_book(IDS, SMALL, START + 60.1), Booking)


def test_scopes_are_booked_together_or_not_at_all(pair: Pair) -> None:
    """Where the model has room but the account has not, nothing is booked in either, for anybody."""
    one, other = pair(scopes_with(model=Quota(limits=(rpm(5),)), account=Quota(limits=(rpm(1),))))
    spend(one, 1, START)

    assert isinstance(other.try_book(IDS, SMALL, START + 1), Wait)
    assert used(one, MODEL, START + 2) == used(other, MODEL, START + 2) == [1]
    assert used(one, ACCOUNT, START + 4) == used(other, ACCOUNT, START + 4) == [1]


def test_requests_in_flight_elsewhere_are_asked_after_again(pair: Pair) -> None:
    """Who waits for another process's request looks again soon; who waits for its own does not have to."""
    one, other = pair(scopes_with(model=Quota(concurrency=1)))
    booking = booked(one, START)

    assert isinstance(one.try_book(IDS, SMALL, START + 1), Busy)
    assert other.try_book(IDS, SMALL, START + 1) == Wait(START + 1.1, "large: 1 at once", MODEL)
    one.settle(booking, SMALL, START + 2)
    assert isinstance(other.try_book(IDS, SMALL, START + 3), Booking)


def test_tokens_are_settled_with_what_was_really_used(pair: Pair) -> None:
    """A reservation that was too large makes room for others when it is settled; an unknown fate makes none."""
    quota = Quota(limits=(Limit(axis="tokens", amount=100, per_s=60.0),), charge="usage")
    one, other = pair(scopes_with(model=quota))
    large = Charge(10, 80)
    first = booked(one, START, large)

    assert not isinstance(other.try_book(IDS, large, START + 1), Booking)
    one.settle(first, Charge(10, 0), START + 2)
    second = booked(other, START + 3, large)
    other.settle(second, None, START + 4)
    assert used(one, MODEL, START + 5) == used(other, MODEL, START + 5) == [100]


def test_another_suite_knows_only_some_of_the_scopes(pair: Pair) -> None:
    """A request counts in the scopes that it has in common with another process's suite, and in no others."""
    mine = scopes_with(model=Quota(limits=(rpm(9),)), account=Quota(limits=(rpm(2),)))
    theirs = {key: scope for key, scope in mine.items() if key != MODEL}
    one, other = pair(
        mine, theirs | {"lab:1/small": Scope(id="lab:1/small", name="small", quota=Quota(limits=(rpm(9),)))}
    )
    spend(one, 1, START)
    booked(other, START + 1, ids=(RUN, ACCOUNT, "lab:1/small"))

    assert used(one, MODEL, START + 2) == [1]
    assert used(one, ACCOUNT, START + 4) == [2]
    assert used(other, "lab:1/small", START + 4) == [1]
    assert isinstance(one.try_book(IDS, SMALL, START + 5), Wait)


def test_the_run_itself_and_the_simulator_are_not_written(path: Path) -> None:
    """Scopes that are not shared, and those without a limit, leave no entry behind."""
    scopes = scopes_with(account=Quota(limits=(rpm(5),)))
    scopes[ACCOUNT] = replace(scopes[ACCOUNT], shared=False)
    ledger = opened(path, scopes)
    spend(ledger, 3, START)
    assert used(ledger, ACCOUNT, START) == [3]
    ledger.close()

    assert [(one.view.scope.id, one.suites) for one in standings(path, START)] == [(MODEL, ())]


def test_days_are_remembered_across_runs(path: Path) -> None:
    """What an earlier run used of a day still counts when it has long ended, and not the day after."""
    scopes = scopes_with(model=Quota(limits=(rpd(50), rpm(40))))
    for hour in range(2):
        ledger = opened(path, scopes, now=START + 3600 * hour)
        spend(ledger, 20, START + 3600 * hour)
        ledger.close()
    later = opened(path, scopes, now=START + 7200)
    spend(later, 10, START + 7200)

    found = later.try_book(IDS, SMALL, START + 7201)
    later.close()
    tomorrow = opened(path, scopes, now=START + 86_400 + 3601)
    left = used(tomorrow, MODEL, START + 86_400 + 3601)
    tomorrow.close()

    assert isinstance(found, Wait)
    assert (found.until, found.day) == (START + 86_400, True)
    assert left == [10, 0]


def test_entries_of_the_future_count_as_now(path: Path) -> None:
    """A process whose clock was an hour ahead does not close the minute for an hour."""
    scopes = scopes_with(model=Quota(limits=(rpm(1),)))
    ahead = opened(path, scopes, now=START + 3600)
    spend(ahead, 1, START + 3600)
    ahead.close()
    ledger = opened(path, scopes, now=START)

    found = ledger.try_book(IDS, SMALL, START)
    ledger.close()

    assert isinstance(found, Wait)
    assert found.until <= START + 60


def test_what_is_left_in_flight_counts_an_hour_longer_at_most(path: Path) -> None:
    """A request that nobody settled was counted within the hour: found a day later it no longer counts."""
    scopes = scopes_with(model=Quota(limits=(rpd(5),)))
    dead = opened(path, scopes)
    booked(dead, START)
    dead.close()
    soon = opened(path, scopes, now=START + 86_400)
    assert used(soon, MODEL, START + 86_400) == [1]
    soon.close()
    late = opened(path, scopes, now=START + 86_400 + 3601)
    assert used(late, MODEL, START + 86_400 + 3601) == [0]
    late.close()


def test_a_random_day_is_counted_alike_by_all(pair: Pair, path: Path) -> None:
    """However two processes take turns, both and a third that comes later count what was booked, and never more."""
    quota = Quota(limits=(rpm(30), rpd(400), Limit(axis="tokens", amount=4000, per_s=60.0)), charge="usage")
    ledgers = pair(scopes_with(model=quota))
    draw, now, flying, sent = random.Random(7), START, [], 0
    for _ in range(900):
        now += draw.expovariate(1.0)
        ledger = draw.choice(ledgers)
        found = ledger.try_book(IDS, Charge(draw.randint(1, 200), draw.randint(0, 300)), now)
        if isinstance(found, Booking):
            sent += 1
            flying.append((ledger, found))
        while flying and draw.random() < 0.6:
            owner, booking = flying.pop(draw.randrange(len(flying)))
            took = draw.choice([None, Charge(0), booking.charge, Charge(booking.charge.input_tokens, 1)])
            owner.settle(booking, took, now)
    third = opened(path, scopes_with(model=quota), now=now)
    counts = [used(ledger, MODEL, now + 2) for ledger in (*ledgers, third)]
    third.close()

    assert counts[0] == pytest.approx(counts[1])
    assert counts[0] == pytest.approx(counts[2])
    assert counts[0][1] == sent <= 400


# ── what is learned ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_lesson_reaches_everybody_and_survives(pair: Pair, path: Path) -> None:
    """A limit that a 429 named holds for the other process at its next turn, and for the next run."""
    one, other = pair(scopes_with())
    booking = booked(one, START)
    found = one.observe(IDS, REFUSED, sent_at=START, received_at=START + 1, refused=True)
    one.settle(booking, Charge(0), START + 1)
    third = opened(path, scopes_with(), now=START + 2)
    asked = [ledger.try_book(IDS, SMALL, START + 2) for ledger in (one, other, third)]
    third.close()

    assert {lesson.scope for lesson in found} == {MODEL}
    for answer in asked:
        assert isinstance(answer, Wait)
    ((learned_at, lesson), *_) = standings(path, START + 3)[1].learned
    assert learned_at == START + 1
    assert "2" in lesson.words


def test_a_scope_that_was_taught_a_limit_is_shared_from_then_on(pair: Pair) -> None:
    """Without any limit nothing is written; with one that was learned, it is."""
    one, other = pair(scopes_with())
    facts = RateFacts(facts=(LimitFact(axis="requests", amount=2, per_s=60.0),))
    one._manners = {MODEL: Manner({"requests": 60.0})}
    one.observe(IDS, facts, sent_at=START, received_at=START, refused=False)
    spend(one, 1, START + 1)
    spend(other, 1, START + 2)

    assert isinstance(one.try_book(IDS, SMALL, START + 3), Wait)
    assert isinstance(other.try_book(IDS, SMALL, START + 3), Wait)


def test_what_was_learned_a_week_ago_is_tried_again(path: Path) -> None:
    """Accounts change: a learned limit that nobody confirms is forgotten after seven days."""
    ledger = opened(path, scopes_with())
    ledger.observe(IDS, REFUSED, sent_at=START, received_at=START, refused=True)
    ledger.close()
    later = opened(path, scopes_with(), now=START + 8 * 86_400)
    limits = later.views(START + 8 * 86_400)[2].limits
    later.close()

    assert limits == ()


def test_latencies_of_all_runs_are_kept_up_to_two_hundred(path: Path) -> None:
    """The last 200 answers of a scope say how long it takes; failures and unknown fates say nothing."""
    for run in range(3):
        ledger = opened(path, scopes_with(), now=START)
        for number in range(90):
            ledger.settle(booked(ledger, START), Charge(1, 1), START + 1 + run + number / 100)
        ledger.settle(booked(ledger, START), None, START + 500)
        ledger.settle(booked(ledger, START), Charge(0), START + 500)
        ledger.close()
    ledger = opened(path, scopes_with(), now=START)
    found = ledger.latencies(MODEL)
    ledger.close()

    assert len(found) == 200
    assert found == sorted(found)
    assert (found[0], found[-1]) == pytest.approx((1.7, 3.89))


def test_a_ledger_in_memory_does_the_same_for_one(tmp_path: Path) -> None:
    """Where nothing is shared, the same questions have the same answers, and no file is made."""
    scopes = scopes_with(model=Quota(limits=(rpm(2),)))
    ledger = MemoryLedger(Book(scopes), scopes)
    for _ in range(2):
        booking = ledger.try_book(IDS, SMALL, START)
        assert isinstance(booking, Booking)
        ledger.settle(booking, SMALL, START + 3)

    assert isinstance(ledger.try_book(IDS, SMALL, START + 4), Wait)
    assert ledger.never(IDS, SMALL) is None
    assert ledger.latencies(MODEL) == [3, 3]
    assert [view.scope.id for view in ledger.views(START)] == list(IDS)
    assert ledger.observe(IDS, REFUSED, sent_at=START, received_at=START + 5, refused=True)
    ledger.close()
    assert list(tmp_path.iterdir()) == []


# ── corrections ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_correction_counts_for_those_who_are_running(pair: Pair, path: Path) -> None:
    """``used`` takes the place of what the scope had; other scopes of the same requests keep theirs."""
    one, other = pair(scopes_with(model=Quota(limits=(rpd(50),)), account=Quota(limits=(rpd(60),))))
    spend(one, 5, START)
    set_limit(path, scopes_with()[MODEL], rpd(40), 30, START + 1)

    assert used(one, MODEL, START + 2) == used(other, MODEL, START + 2) == [30, 30]
    assert used(one, ACCOUNT, START + 4) == used(other, ACCOUNT, START + 4) == [5]
    spend(other, 10, START + 5)
    assert isinstance(one.try_book(IDS, SMALL, START + 6), Wait)


def test_a_correction_of_tokens_is_one_entry(pair: Pair, path: Path) -> None:
    """Used tokens are counted to the token, beside one request."""
    limit = Limit(axis="tokens", amount=10_000, per_s=86_400.0)
    one, _ = pair(scopes_with(model=Quota(limits=(limit, rpd(5)))))
    set_limit(path, scopes_with()[MODEL], limit, 9_000, START)

    assert used(one, MODEL, START + 2)[:2] == [9_000, 1]


def test_forgetting_a_scope_leaves_the_rest_and_what_is_in_flight(pair: Pair, path: Path) -> None:
    """What was used and learned of a scope is gone for all, but not requests in flight, nor other scopes' counts."""
    one, other = pair(scopes_with(model=Quota(limits=(rpd(50),)), account=Quota(limits=(rpd(60),))))
    spend(one, 5, START)
    booking = booked(one, START)
    one.observe(IDS, REFUSED, sent_at=START, received_at=START + 1, refused=True)
    forget(path, MODEL, START + 2)

    assert used(one, MODEL, START + 4) == used(other, MODEL, START + 4) == [1]
    assert used(one, ACCOUNT, START + 4) == used(other, ACCOUNT, START + 4) == [6]
    one.settle(booking, SMALL, START + 5)
    forget(path, None, START + 6)
    assert used(one, ACCOUNT, START + 8) == used(other, ACCOUNT, START + 8) == [0]


def test_a_request_that_is_settled_after_a_correction_is_no_longer_in_flight(pair: Pair, path: Path) -> None:
    """Whoever reads everything anew in the turn in which it settles a request does not count it twice."""
    one, other = pair(scopes_with(model=Quota(limits=(rpd(50),), concurrency=1)))
    booking = booked(one, START)
    forget(path, None, START + 1)
    one.settle(booking, SMALL, START + 2)

    assert isinstance(other.try_book(IDS, SMALL, START + 3), Booking)
    assert one.views(START + 5)[2].in_flight == 1
    assert used(one, MODEL, START + 6) == [2]


def test_what_was_never_sent_is_given_back_to_all(pair: Pair) -> None:
    """A cancelled booking counts for nobody, and its room is there at once for the other process."""
    one, other = pair(scopes_with(model=Quota(limits=(rpm(1),))))
    booking = booked(one, START)

    assert not isinstance(other.try_book(IDS, SMALL, START + 1), Booking)
    one.cancel(booking, START + 2)
    assert used(one, MODEL, START + 3) == used(other, MODEL, START + 4) == [0]
    assert isinstance(other.try_book(IDS, SMALL, START + 5), Booking)
    assert isinstance(one.try_book(IDS, SMALL, START + 6), Wait)

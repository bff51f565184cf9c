from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.quota import DAY_S, Budget, Limit, Quota, Scope
from evalrun.scheduler.quota import Book, Busy, Charge, Go, Never, Spent, Wait
from tests.scheduler.adversary import Ask, play

ONE = Charge(80, 20, 0.01)
NOW = 1_790_000_000.0


def rpm(amount: int) -> Quota:
    """So many requests in a rolling minute."""
    return Quota(limits=(Limit(axis="requests", amount=amount, per_s=60),))


def test_concurrency_frees_when_a_request_comes_back() -> None:
    """A full scope is busy until one of its requests is settled."""
    book = Book({"a": Quota(concurrency=1)})
    booking = book.book(("a",), ONE, 0)

    assert book.room(("a",), ONE, 0) == Busy("a: 1 at once", "a")
    book.settle(booking, ONE, 1)
    assert book.room(("a",), ONE, 1) == Go()


def test_a_rolling_minute_is_counted_from_when_the_server_may_have_seen_it() -> None:
    """A request leaves its window a whole period after it was settled, not after it was sent."""
    book = Book({"a": rpm(1)})
    booking = book.book(("a",), ONE, 0)

    assert isinstance(book.room(("a",), ONE, 59), Busy)
    book.settle(booking, ONE, 5)
    assert book.room(("a",), ONE, 10) == Wait(65, "a: 1 requests a minute", "a")
    assert book.room(("a",), ONE, 65) == Go()


def test_all_scopes_are_booked_or_none() -> None:
    """A request waits for its tightest scope, and a refused one has booked nowhere."""
    book = Book({"account": rpm(10), "model": rpm(1)})
    first = book.book(("account", "model"), ONE, 0)
    book.settle(first, ONE, 0)

    assert book.room(("account", "model"), ONE, 1) == Wait(60, "model: 1 requests a minute", "model")
    assert book.room(("account",), ONE, 1) == Go()


def test_tokens_are_settled_with_the_real_figure() -> None:
    """What an estimate reserved beyond the real usage comes free at once."""
    book = Book({"a": Quota(limits=(Limit(axis="tokens", amount=150, per_s=60),), charge="usage")})
    booking = book.book(("a",), ONE, 0)

    assert isinstance(book.room(("a",), ONE, 0), Busy)
    book.settle(booking, Charge(20), 0)
    assert book.room(("a",), ONE, 0) == Go()


def test_what_can_never_fit_is_refused_at_the_door() -> None:
    """A request larger than its window's limit does not wait for ever."""
    book = Book({"a": Quota(limits=(Limit(axis="tokens", amount=50, per_s=60),), charge="sum")})

    assert book.room(("a",), ONE, 0) == Never("a: 50 tokens a minute; one request needs 100")


@pytest.mark.parametrize(
    ("budget", "spent", "said"),
    [
        (Budget(max_requests=3), Spent(requests=3), "budget: max_requests 3; 3 used"),
        (Budget(max_tokens=250), Spent(tokens=200), "budget: max_tokens 250; 200 used"),
        (Budget(max_cost_usd=0.05), Spent(cost_usd=0.045), "budget: max_cost_usd 0.05; 0.045 used"),
    ],
)
def test_a_spent_budget_ends_it(budget: Budget, spent: Spent, said: str) -> None:
    """A budget counts what earlier sittings spent, and refuses what would pass it."""
    assert Book({"a": Quota()}, budget, spent).room(("a",), ONE, 0) == Never(said)


def test_a_budget_waits_for_what_is_reserved() -> None:
    """While a reservation may still turn out smaller, the budget is busy rather than spent."""
    book = Book({"a": Quota()}, Budget(max_tokens=150))
    booking = book.book(("a",), ONE, 0)

    assert isinstance(book.room(("a",), ONE, 0), Busy)
    book.settle(booking, Charge(40), 0)
    assert book.room(("a",), ONE, 0) == Go()
    assert book.spent == Spent(requests=1, tokens=40)


def test_a_fate_that_nobody_knows_stays_as_it_was_booked() -> None:
    """Without a figure the estimate counts on, in the window and in the budget."""
    book = Book({"a": Quota(limits=(Limit(axis="tokens", amount=150, per_s=60),), charge="usage")})
    book.settle(book.book(("a",), ONE, 0), None, 1)

    assert book.spent == Spent(requests=1, tokens=100, cost_usd=0.01)
    assert isinstance(book.room(("a",), ONE, 2), Wait)


def test_what_was_never_sent_is_given_back() -> None:
    """A cancelled booking counts nowhere."""
    book = Book({"a": Quota(concurrency=1, limits=rpm(1).limits)}, Budget(max_requests=1))
    book.cancel(book.book(("a",), ONE, 0))

    assert book.room(("a",), ONE, 0) == Go()
    assert book.spent == Spent()


@pytest.mark.parametrize(
    ("rule", "axis", "booked", "settled"),
    [
        ("max", "tokens", 80, 50),  # the larger of input and output limit
        ("sum", "tokens", 100, 70),
        ("usage", "tokens", 100, 60),
        ("input", "tokens", 80, 50),
        ("usage", "input_tokens", 80, 50),
        ("usage", "output_tokens", 20, 10),
        ("max", "output_tokens", 20, 20),
        ("max", "requests", 1, 1),
    ],
)
def test_a_window_counts_what_the_rule_charges(rule: Any, axis: Any, booked: float, settled: float) -> None:
    """Each vendor reserves its own way at sending; what is reserved for good stays after the answer."""
    book = Book({"a": Quota(limits=(Limit(axis=axis, amount=1000, per_s=60),), charge=rule)})
    booking = book.book(("a",), ONE, 0)
    assert book.view("a", 0).limits[0].used == booked

    book.settle(booking, Charge(50, 10), 1)
    assert book.view("a", 1).limits[0].used == settled


def test_a_refused_request_costs_no_tokens() -> None:
    """A request that took nothing counts as a request only."""
    limits = (Limit(axis="requests", amount=9, per_s=60), Limit(axis="tokens", amount=900, per_s=60))
    book = Book({"a": Quota(limits=limits)})
    book.settle(book.book(("a",), ONE, 0), Charge(0), 1)

    assert [limit.used for limit in book.view("a", 1).limits] == [1, 0]


def test_a_closed_scope_lets_nothing_through() -> None:
    """A scope that its server closed opens again at the time that was said, and a shorter wait does not reopen it."""
    book = Book({"a": Quota()})
    book.close("a", 30, "rate limited")
    book.close("a", 10, "sooner")

    assert book.room(("a",), ONE, 5) == Wait(30, "rate limited", "a")
    assert book.room(("a",), ONE, 30) == Go()


@pytest.mark.parametrize(
    ("quota", "why"),
    [
        (Quota(max_input_tokens=79), "a: at most 79 input tokens a request; this one has 80"),
        (Quota(max_output_tokens=19), "a: at most 19 output tokens a request; this one has 20"),
        (
            Quota(limits=(Limit(axis="tokens", amount=60_000, per_s=60, window="bucket", burst=70),)),
            "a: 60000 tokens a minute; one request needs 80",
        ),
        (Quota(max_input_tokens=80, max_output_tokens=20, limits=rpm(1).limits), None),
    ],
)
def test_what_can_never_fit_has_a_reason(quota: Quota, why: str | None) -> None:
    """A request over a scope's size, or larger than a window or a burst, is known before it is sent."""
    book = Book({"a": quota})

    assert book.never(("a",), ONE) == why
    assert isinstance(book.room(("a",), ONE, 0), Never) == (why is not None)


def test_waiting_for_a_day_is_marked() -> None:
    """Whoever waits is told that it is for tomorrow, and which scope it is."""
    limit = Limit(axis="requests", amount=1, per_s=DAY_S, window="fixed", resets="utc")
    book = Book({"k": Scope(id="k", name="mini", quota=Quota(limits=(limit,)))})
    book.settle(book.book(("k",), ONE, NOW), ONE, NOW)
    room = book.room(("k",), ONE, NOW)

    assert isinstance(room, Wait)
    assert (room.why, room.scope, room.day) == ("mini: 1 requests a day", "k", True)
    midnight = NOW - NOW % DAY_S + DAY_S
    assert midnight < room.until < midnight + 120


# -- what other processes do ------------------------------------------------------------------------------------


def test_another_process_counts_too() -> None:
    """An entry of the ledger takes room and a place while it is in flight, and leaves like an own one."""
    book = Book({"a": Quota(concurrency=1, limits=rpm(2).limits)})
    book.put("x", ("a", "elsewhere"), ONE, 0, None, None)
    assert book.room(("a",), ONE, 1) == Busy("a: 1 at once", "a")

    book.put("x", ("a", "elsewhere"), ONE, 0, 2, ONE)
    book.put("y", ("a",), ONE, 3, 4, None)
    assert book.room(("a",), ONE, 5) == Wait(62, "a: 2 requests a minute", "a")
    book.drop("x")
    book.drop("unknown")
    assert book.room(("a",), ONE, 5) == Go()
    assert book.spent == Spent()


def test_the_ledgers_echo_of_an_own_entry_changes_nothing() -> None:
    """What this process booked and settled comes back from the ledger under its key, and is counted once."""
    book = Book({"a": rpm(2)})
    booking = book.book(("a",), ONE, 0, key="mine")
    book.put("mine", ("a",), ONE, 0, None, None)
    assert book.view("a", 1).limits[0].used == 1
    book.settle(booking, ONE, 1)
    book.put("mine", ("a",), ONE, 0, 1, ONE)

    assert book.view("a", 1).limits[0].used == 1
    assert book.view("a", 1).in_flight == 0


@given(
    entries=st.lists(
        st.tuples(st.floats(0, 30), st.floats(0, 10), st.sampled_from(["flies", "came", "dropped"])), max_size=20
    ),
    window=st.sampled_from(["rolling", "fixed", "bucket"]),
)
def test_two_books_with_the_same_entries_agree(entries: list[tuple[float, float, str]], window: Any) -> None:
    """A book that was told of each entry afterwards, in another order, says the same as the one that saw it happen."""
    scopes = {"a": Quota(limits=(Limit(axis="requests", amount=30, per_s=60, window=window),))}
    told, saw = Book(scopes), Book(scopes)
    for number, (at, latency_s, fate) in enumerate(sorted(entries)):
        booking = saw.book(("a",), ONE, at, key=str(number))
        if fate == "came":
            saw.settle(booking, ONE, at + latency_s)
        elif fate == "dropped":
            saw.drop(str(number))
    for number, (at, latency_s, fate) in reversed(list(enumerate(sorted(entries)))):
        if fate != "dropped":
            told.put(str(number), ("a",), ONE, at, at + latency_s if fate == "came" else None, ONE)

    views = [book.view("a", 41.0) for book in (told, saw)]
    assert views[0].in_flight == views[1].in_flight
    # Replies that overtake one another by up to a second are taken for later ones: a bucket may be a little behind.
    slack = 0.5 * len(entries) if window == "bucket" else 1e-9
    assert views[0].limits[0].used == pytest.approx(views[1].limits[0].used, abs=slack)


def test_fixed_windows_wait_for_the_servers_minute() -> None:
    """Once a Date was seen, a fixed window begins with the server's minute, not a minute after the request."""
    book = Book({"a": Quota(limits=(Limit(axis="requests", amount=2, per_s=60, window="fixed"),))})
    start = NOW - NOW % 60 + 17
    log = play(book, [Ask()] * 4, start, lambda now: now + 1000)

    assert [sent.sent_at - start for sent in log[:2]] == [0, 0]
    boundary = 60 - (17 + 1000) % 60
    assert boundary <= log[2].sent_at - start <= boundary + 2.5
    assert log[3].sent_at == log[2].sent_at


@given(
    limit=st.integers(1, 5),
    gaps=st.lists(st.tuples(st.floats(0, 40), st.floats(0, 5)), min_size=1, max_size=40),
)
def test_no_rolling_window_holds_more_than_its_limit(limit: int, gaps: list[tuple[float, float]]) -> None:
    """The request after a full window starts a whole period after the window's first one came back: safe wherever
    between sending and answering the server counts."""
    book = Book({"a": rpm(limit)})
    now, seen = 0.0, []
    for gap, latency in gaps:
        now += gap
        room = book.room(("a",), ONE, now)
        if isinstance(room, Wait):
            assert room.until > now
            now = room.until
            assert book.room(("a",), ONE, now) == Go()
        booking = book.book(("a",), ONE, now)
        seen.append((now, now + latency))
        now += latency
        book.settle(booking, ONE, now)

    for (_, first_end), (later_start, _) in zip(seen, seen[limit:], strict=False):
        assert later_start >= first_end + 60 - 1e-6

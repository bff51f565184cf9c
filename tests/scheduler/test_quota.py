from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.quota import Budget, Limit, Quota
from evalrun.scheduler.quota import Book, Busy, Charge, Go, Never, Spent, Wait

ONE = Charge(100, 0.01)


def rpm(amount: int) -> Quota:
    """So many requests in a rolling minute."""
    return Quota(limits=(Limit(axis="requests", amount=amount, per_s=60),))


def test_concurrency_frees_when_a_request_comes_back() -> None:
    """A full scope is busy until one of its requests is settled."""
    book = Book({"a": Quota(concurrency=1)})
    booking = book.book(("a",), ONE)

    assert book.room(("a",), ONE, 0) == Busy("a: 1 at once")
    book.settle(booking, ONE, 1)
    assert book.room(("a",), ONE, 1) == Go()


def test_a_rolling_minute_is_counted_from_when_the_server_may_have_seen_it() -> None:
    """A request leaves its window a whole period after it was settled, not after it was sent."""
    book = Book({"a": rpm(1)})
    booking = book.book(("a",), ONE)

    assert isinstance(book.room(("a",), ONE, 59), Busy)
    book.settle(booking, ONE, 5)
    assert book.room(("a",), ONE, 10) == Wait(65, "a: 1 requests in 60 s")
    assert book.room(("a",), ONE, 65) == Go()


def test_all_scopes_are_booked_or_none() -> None:
    """A request waits for its tightest scope, and a refused one has booked nowhere."""
    book = Book({"account": rpm(10), "model": rpm(1)})
    first = book.book(("account", "model"), ONE)
    book.settle(first, ONE, 0)

    assert book.room(("account", "model"), ONE, 1) == Wait(60, "model: 1 requests in 60 s")
    assert book.room(("account",), ONE, 1) == Go()


def test_tokens_are_settled_with_the_real_figure() -> None:
    """What an estimate reserved beyond the real usage comes free at once."""
    book = Book({"a": Quota(limits=(Limit(axis="tokens", amount=150, per_s=60),))})
    booking = book.book(("a",), ONE)

    assert isinstance(book.room(("a",), ONE, 0), Busy)
    book.settle(booking, Charge(20), 0)
    assert book.room(("a",), ONE, 0) == Go()


def test_what_can_never_fit_is_refused_at_the_door() -> None:
    """A request larger than its window's limit does not wait for ever."""
    book = Book({"a": Quota(limits=(Limit(axis="tokens", amount=50, per_s=60),))})

    assert book.room(("a",), ONE, 0) == Never("a: 50 tokens in 60 s; one request needs 100")


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
    booking = book.book(("a",), ONE)

    assert isinstance(book.room(("a",), ONE, 0), Busy)
    book.settle(booking, Charge(40), 0)
    assert book.room(("a",), ONE, 0) == Go()
    assert book.spent == Spent(requests=1, tokens=40)


def test_a_closed_scope_lets_nothing_through() -> None:
    """A scope that its server closed opens again at the time that was said, and a shorter wait does not reopen it."""
    book = Book({"a": Quota()})
    book.close("a", 30, "rate limited")
    book.close("a", 10, "sooner")

    assert book.room(("a",), ONE, 5) == Wait(30, "rate limited")
    assert book.room(("a",), ONE, 30) == Go()


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
        booking = book.book(("a",), ONE)
        seen.append((now, now + latency))
        now += latency
        book.settle(booking, ONE, now)

    for (_, first_end), (later_start, _) in zip(seen, seen[limit:], strict=False):
        assert later_start >= first_end + 60 - 1e-6

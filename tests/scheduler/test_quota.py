from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.quota import DAY_S, Budget, Limit, LimitFact, Quota, RateFacts, Refusal, Scope
from evalrun.scheduler.quota import Book, Busy, Charge, Go, Lesson, Manner, Never, Spent, Wait
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


# -- what replies teach --------------------------------------------------------------------------------------------


def observe(book: Book, rate: RateFacts, at: float = NOW, *, believe: Any = None, refused: bool = True) -> list[str]:
    """Tell the book of a reply to a request of scopes run, account and model; what was learned, in words."""
    known = believe if believe is not None else Manner()
    scopes = ("run", "account", "model")
    found = book.observe(scopes, rate, sent_at=at - 0.2, received_at=at, refused=refused, believe=known)
    return [lesson.words for lesson in found]


def house(model: Quota | None = None, account: Quota | None = None) -> Book:
    """A run, an account and a model."""
    return Book({"run": Quota(concurrency=8), "account": account or Quota(), "model": model or Quota()})


def answer(book: Book, count: int, at: float) -> None:
    """So many requests were answered one after the other, until *at*."""
    for n in range(count):
        moment = at - (count - n) * 0.1
        book.settle(book.book(("run", "account", "model"), ONE, moment), ONE, moment + 0.05)


def test_a_limit_that_a_refusal_names_holds_from_then_on() -> None:
    """The model's limit is learned by the model, counts what was sent already, and is shown."""
    book = house()
    answer(book, 4, NOW)
    named = LimitFact(axis="requests", amount=5, per_s=60)
    said = observe(book, RateFacts(refusal=Refusal.MINUTE, named=named))
    view = book.view("model", NOW)

    assert said == ["learned 5 requests a minute from a 429"]
    assert [(limit.limit.amount, limit.used, limit.learned) for limit in view.limits] == [(5, 4, True)]
    assert book.view("account", NOW).limits == ()
    answer(book, 1, NOW + 1)
    assert isinstance(book.room(("model",), ONE, NOW + 1), Wait)
    assert observe(book, RateFacts(refusal=Refusal.MINUTE, named=named), NOW + 1)[0].endswith("since a 429")


def test_a_limit_of_the_account_is_learned_by_the_account() -> None:
    """What counts all models together holds for all of them."""
    book = house()
    named = LimitFact(axis="requests", amount=24, per_s=60, account=True)
    observe(book, RateFacts(refusal=Refusal.MINUTE, named=named, retry_after_s=9))

    assert [limit.limit.amount for limit in book.view("account", NOW).limits] == [24]
    room = book.room(("account",), ONE, NOW)
    assert isinstance(room, Wait)
    assert room.until == NOW + 9
    assert book.room(("model",), ONE, NOW) == Go()


def test_a_learned_limit_is_counted_like_the_stated_one() -> None:
    """A refusal names figures, not windows: those of the suite stay."""
    stated = Limit(axis="requests", amount=150, per_s=DAY_S, window="fixed", resets="America/Los_Angeles")
    book = house(Quota(limits=(stated,)))
    named = LimitFact(axis="requests", amount=50, per_s=DAY_S)
    observe(book, RateFacts(refusal=Refusal.DAY, named=named))
    learned = book.view("model", NOW).limits[1].limit

    assert (learned.amount, learned.window, learned.resets) == (50, "fixed", "America/Los_Angeles")


def test_a_day_is_closed_until_it_ends() -> None:
    """After a day's refusal nothing goes before the server's time, else before the day's own end."""
    stated = Limit(axis="requests", amount=150, per_s=DAY_S, window="fixed", resets="utc")
    book = house(Quota(limits=(stated,)))
    observe(book, RateFacts(refusal=Refusal.DAY))
    room = book.room(("model",), ONE, NOW)
    assert isinstance(room, Wait)
    assert room.day
    midnight = NOW - NOW % DAY_S + DAY_S
    assert midnight < room.until < midnight + 180

    book = house()
    observe(book, RateFacts(refusal=Refusal.DAY, retry_after_s=24_367))
    assert book.room(("model",), ONE, NOW) == Wait(NOW + 24_367, "model: the day's limit is reached", "model", day=True)


def test_a_bare_figure_is_used_evenly_after_a_surprise() -> None:
    """A refusal although there was room: from then on one request per 60/n s, which is said."""
    book = house(Quota(limits=(Limit(axis="requests", amount=15, per_s=60, sure=False),)))
    answer(book, 3, NOW)
    said = observe(book, RateFacts(refusal=Refusal.UNKNOWN))
    assert said == ["15 requests a minute, one per 4 s since a 429"]

    assert isinstance(book.room(("model",), ONE, NOW + 3.9), Wait)
    assert book.room(("model",), ONE, NOW + 4) == Go()
    book.settle(book.book(("model",), ONE, NOW + 4), ONE, NOW + 4.1)
    room = book.room(("model",), ONE, NOW + 5)
    assert isinstance(room, Wait)
    assert room.until == NOW + 8


def test_a_stated_window_is_not_doubted() -> None:
    """Where the window is known a refusal means that somebody else is in it: nothing is learned but to wait."""
    book = house(Quota(limits=(Limit(axis="requests", amount=15, per_s=60, window="fixed"),)))

    assert observe(book, RateFacts(refusal=Refusal.UNKNOWN)) == []
    said = observe(book, RateFacts(refusal=Refusal.MINUTE, retry_after_s=7))
    assert said == ["model: rate limited"]


def test_silence_is_answered_with_a_guess() -> None:
    """No figure anywhere: what was let through in the last minute is the guess. What was in flight may still raise it,
    and it grows after a quiet while in which it was in the way."""
    book = house()
    answer(book, 20, NOW)
    flying = book.book(("run", "account", "model"), ONE, NOW - 1)
    said = observe(book, RateFacts(refusal=Refusal.UNKNOWN))
    assert said == ["guessed 20 requests a minute from a 429"]
    assert isinstance(book.room(("model",), ONE, NOW), Wait)

    late = book.observe(("run", "account", "model"), RateFacts(), sent_at=NOW - 1, received_at=NOW + 1, refused=False)
    book.settle(flying, ONE, NOW + 1)
    assert [lesson.words for lesson in late] == ["tries 21 requests a minute"]
    room = book.room(("model",), ONE, NOW + 1)
    assert isinstance(room, Wait)
    assert room.until > NOW + 55


def test_a_guess_ends_near_the_truth() -> None:
    """A server that keeps 30 a minute and says nothing but no: after the first minute hardly anything is refused, and
    most of what it would let through goes."""
    book = house()
    now, admitted, refused = NOW, list[float](), list[float]()
    while now < NOW + 600:
        if not isinstance(room := book.room(("model",), ONE, now), Go):
            assert isinstance(room, Wait)
            now = room.until
            continue
        booking = book.book(("run", "account", "model"), ONE, now)
        yes = sum(at > now - 60 for at in admitted) < 30
        (admitted if yes else refused).append(now)
        now += 0.2
        rate = RateFacts(refusal=None if yes else Refusal.UNKNOWN)
        book.observe(("run", "account", "model"), rate, sent_at=now - 0.2, received_at=now, refused=not yes)
        book.settle(booking, ONE if yes else Charge(0), now)

    later = [at for at in admitted if at > NOW + 60]
    assert len([at for at in refused if at > NOW + 60]) <= 0.05 * len(later)
    assert len(later) >= 9 * 30 / 1.35


def test_nothing_let_through_is_answered_with_a_pause() -> None:
    """A refusal before anything was answered teaches no figure: a while of nothing."""
    book = house()
    observe(book, RateFacts(refusal=Refusal.UNKNOWN))

    assert book.room(("model",), ONE, NOW + 1) == Wait(NOW + 30, "model: rate limited", "model")


@pytest.mark.parametrize(
    "refusal", [Refusal.MONEY, Refusal.GONE, Refusal.OVERLOAD, Refusal.CONCURRENCY, Refusal.REQUEST_SIZE]
)
def test_other_refusals_teach_no_window(refusal: Refusal) -> None:
    """Money, overload and the like are answered elsewhere."""
    assert observe(house(), RateFacts(refusal=refusal, named=LimitFact(axis="requests", amount=5, per_s=0))) == []


def test_a_request_that_is_too_large_teaches_the_windows_size() -> None:
    """A refusal that says `Limit 30000, Requested 34307` keeps the next such request from being sent."""
    book = house()
    named = LimitFact(axis="tokens", amount=30_000, per_s=60)
    observe(book, RateFacts(refusal=Refusal.REQUEST_SIZE, named=named))

    large = Charge(34_307)
    assert book.never(("model",), large) == "model: 30000 tokens a minute; one request needs 34307"
    assert book.room(("model",), ONE, NOW) == Go()


def test_believed_headers_state_limits_and_may_change_their_mind() -> None:
    """A header that the profile believes is a limit in the vendor's manner; a disbelieved one is nothing."""
    book = house()
    rate = RateFacts(facts=(LimitFact(axis="requests", amount=500, remaining=400), LimitFact(axis="tokens", amount=9)))
    assert observe(book, rate, refused=False) == []

    manner = Manner({"requests": 60.0}, "bucket")
    assert observe(book, rate, believe=manner, refused=False) == ["the server says 500 requests a minute"]
    assert observe(book, rate, believe=manner, refused=False) == []
    rate = RateFacts(facts=(LimitFact(axis="requests", amount=900),))
    assert observe(book, rate, believe=manner, refused=False) == ["the server says 900 requests a minute"]
    assert [(view.limit.amount, view.limit.window) for view in book.view("model", NOW).limits] == [(900, "bucket")]


def test_a_header_does_not_raise_what_is_stated_or_was_named() -> None:
    """The least of all that is known holds."""
    book = house(rpm(15))
    observe(book, RateFacts(refusal=Refusal.MINUTE, named=LimitFact(axis="requests", amount=10, per_s=60)))
    rate = RateFacts(facts=(LimitFact(axis="requests", amount=20_000),))

    assert observe(book, rate, believe={"requests": 60.0}, refused=False) == []
    answer(book, 10, NOW + 1)
    assert isinstance(book.room(("model",), ONE, NOW + 1), Wait)


@given(
    amount=st.floats(),
    per_s=st.one_of(st.none(), st.floats()),
    retry_after_s=st.one_of(st.none(), st.floats()),
    server_time=st.one_of(st.none(), st.floats()),
    refusal=st.sampled_from([None, *Refusal]),
    refused=st.booleans(),
)
def test_no_reply_breaks_the_book(
    amount: float,
    per_s: float | None,
    retry_after_s: float | None,
    server_time: float | None,
    refusal: Refusal | None,
    refused: bool,
) -> None:
    """Whatever figures a reply holds, there is an answer that does not wait for ever."""
    book = house()
    answer(book, 3, NOW)
    fact = LimitFact(axis="requests", amount=amount, per_s=per_s)
    rate = RateFacts(refusal=refusal, retry_after_s=retry_after_s, named=fact, facts=(fact,), server_time=server_time)
    observe(book, rate, believe={"requests": 60.0}, refused=refused)
    room = book.room(("run", "account", "model"), ONE, NOW)

    assert not isinstance(room, Busy)
    assert not isinstance(room, Wait) or NOW < room.until < float("inf")


def test_lessons_are_shown_and_survive_in_the_ledger() -> None:
    """What one process learned, another applies; of scopes that it does not have, it takes no note."""
    teacher, pupil = house(), house()
    rate = RateFacts(refusal=Refusal.MINUTE, retry_after_s=30, named=LimitFact(axis="requests", amount=10, per_s=60))
    scopes = ("run", "account", "model")
    lessons = teacher.observe(scopes, rate, sent_at=NOW, received_at=NOW, refused=True)
    for lesson in (*lessons, Lesson("elsewhere", "limit", None, None, "")):
        pupil.learn(lesson)

    assert pupil.view("model", NOW) == teacher.view("model", NOW)
    assert [lesson.kind for lesson in pupil.view("model", NOW).lessons] == ["limit", "closed"]
    pupil.forget("model")
    assert pupil.view("model", NOW) == house().view("model", NOW)


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

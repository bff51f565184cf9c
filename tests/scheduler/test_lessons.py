"""What replies teach about limits, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.quota import DAY_S, Limit, LimitFact, Quota, RateFacts, Refusal
from evalrun.scheduler.quota import Book, Busy, Charge, Go, Lesson, Manner, Wait
from tests.scheduler.test_quota import ONE, rpm

NOW = 1_790_000_000.0


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


def test_the_bare_figure_of_a_group_or_an_account_is_used_evenly_too() -> None:
    """A surprise is put down to the figure that was taken on trust, wherever it stands: silent or named."""
    bare = Quota(limits=(Limit(axis="requests", amount=15, per_s=60, sure=False),))
    day = Quota(limits=(Limit(axis="requests", amount=150, per_s=DAY_S),))
    named = LimitFact(axis="requests", amount=15, per_s=60)
    for account, model, group, rate in (
        (Quota(), Quota(), bare, RateFacts(refusal=Refusal.UNKNOWN)),
        (bare, day, Quota(), RateFacts(refusal=Refusal.UNKNOWN)),
        (Quota(), day, bare, RateFacts(refusal=Refusal.MINUTE, named=named)),
    ):
        book = Book({"run": Quota(), "account": account, "model": model, "group": group})
        scopes = ("run", "account", "model", "group")
        found = book.observe(scopes, rate, sent_at=NOW - 0.2, received_at=NOW, refused=True)
        assert [(lesson.kind, lesson.scope) for lesson in found] == [
            ("pace", "account" if account is bare else "group")
        ]


def test_a_server_out_of_service_for_long_is_left_alone() -> None:
    """A 503 that asks for hours closes the model, so that going on earlier asks nothing; one of seconds does not."""
    book = house()
    assert observe(book, RateFacts(refusal=Refusal.OVERLOAD, retry_after_s=30)) == []
    assert observe(book, RateFacts(refusal=Refusal.OVERLOAD, retry_after_s=7200)) == [
        "model: the server is out of service"
    ]

    room = book.room(("model",), ONE, NOW)
    assert isinstance(room, Wait)
    assert room.until == NOW + 7200


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


def test_two_models_of_an_account_have_one_clock() -> None:
    """What one model's reply tells of the server's clock opens the windows of all at one moment."""
    quota = Quota(limits=(Limit(axis="requests", amount=1, per_s=60, window="fixed"),))
    book = Book({"run": Quota(), "account": Quota(), "one": quota, "two": quota})
    for model, date in (("one", None), ("two", NOW), ("one", None)):
        scopes = ("run", "account", model)
        rate = RateFacts(server_time=date)
        book.observe(scopes, rate, sent_at=NOW, received_at=NOW + 0.1, refused=False)
    for model in ("one", "two"):
        book.settle(book.book((model,), ONE, NOW), ONE, NOW)
    rooms = [book.room((model,), ONE, NOW) for model in ("one", "two")]

    assert isinstance(rooms[0], Wait)
    assert isinstance(rooms[1], Wait)
    assert rooms[0].until == rooms[1].until < NOW + 50

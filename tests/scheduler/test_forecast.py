"""What a run will send, spend and wait for: against what then happens on the simulator, and by itself."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.quota import DAY_S, HOUR_S, MINUTE_S, ROLLING_DAY, Axis, Budget, ChargeRule, Limit, Quota
from evalrun.records.suite import Price
from evalrun.scheduler.forecast import Amounts, Forecast, LaneLoad, LimitState, ScopeState, forecast
from evalrun.scheduler.rooms import Charge, Spent
from evalrun.simulator.rules import Rules
from tests.bench.harness import Ask, Scenario, play, questions, scopes_of
from tests.virtual import START

SHORT_S, LONG_S = (0.05, 0.5), (5.0, 20.0)
SIMULATOR = ("run", "account", "large")
PRICE = Price(input_usd=1.0, output_usd=10.0)


def limit(axis: Axis, amount: float, per_s: float = MINUTE_S, **more: Any) -> Limit:
    """A limit, a minute's by itself."""
    return Limit(axis=axis, amount=amount, per_s=per_s, **more)


def quota(*limits: Limit, at_once: int | None = None, charge: ChargeRule = "max") -> Quota:
    """Limits together."""
    return Quota(limits=limits, concurrency=at_once, charge=charge)


def scope(name: str, of: Quota, *, used: Mapping[int, float] | None = None, **more: Any) -> ScopeState:
    """A scope as it stands, with so much used of the limit in each place."""
    states = [LimitState(limit=each, used=(used or {}).get(place, 0.0)) for place, each in enumerate(of.limits)]
    return ScopeState(id=name, name=name, quota=of, limits=tuple(states), own=name == "run", **more)


def lane(count: int, name: str = "large", **more: Any) -> LaneLoad:
    """A lane of so many small requests in the scope of its name."""
    given = {"scopes": ("run", name), "charges": [Charge(10, 20)] * count, "latencies_s": (0.2, 0.3, 0.4)}
    return LaneLoad(lane=name, **{**given, **more})


def foretell(
    of: Quota, *lanes: LaneLoad, used: Mapping[int, float] | None = None, max_wait_s: float = math.inf, **more: Any
) -> Forecast:
    """The forecast of lanes under limits of their own and 16 at once."""
    scopes = {"run": scope("run", Quota(concurrency=16)), "large": scope("large", of, used=used)}
    return forecast(lanes, scopes, START, max_wait_s=max_wait_s, **more)


# ── what then happens ──────────────────────────────────────────────────────────────────────────────────────────────


def told(scenario: Scenario, latencies_s: Sequence[float]) -> Forecast:
    """The forecast of a scenario."""
    scopes = {key: scope(key, one.quota) for key, one in scopes_of(scenario).items()}
    lanes = [
        LaneLoad(
            lane=name,
            charges=[Charge(ask.input_tokens, ask.max_tokens or 0) for ask in asks],
            scopes=("run", "account", asks[0].model),
            latencies_s=latencies_s,
        )
        for name, asks in scenario.lanes.items()
    ]
    return forecast(lanes, scopes, scenario.start, max_wait_s=scenario.max_wait_s)


def spread(latency_s: tuple[float, float]) -> list[float]:
    """Earlier answers that took from the shorter to the longer time."""
    low, high = latency_s
    return [low + (high - low) * step / 20 for step in range(21)]


def suite(
    account: Quota, lanes: Mapping[str, tuple[Ask, ...]], latency_s: tuple[float, float] = SHORT_S, **models: Quota
) -> Scenario:
    """A simulator with these limits, and what is asked of it."""
    rules = Rules(account=account, models=models, latency_s=latency_s, transit=(0.0, 1.0), clock_offset_s=0.7)
    return Scenario(rules=rules, lanes=lanes)


LARGE, MIXED = questions("large", 330), questions("large", 240, most=400, long=150)
BOTH = {"large": questions("large", 120), "small": questions("small", 150)}
TEN_A_DAY = {"large": questions("large", 45)}

SUITES = {
    "requests a minute, fixed": suite(quota(limit("requests", 50, window="fixed")), {"large": LARGE}),
    "requests a minute, rolling": suite(quota(limit("requests", 50)), {"large": LARGE}),
    "requests a minute, a bucket with a burst": suite(
        quota(limit("requests", 50, window="bucket", burst=10)), {"large": LARGE}
    ),
    "requests a minute, slow answers": suite(quota(limit("requests", 50)), {"large": LARGE}, LONG_S),
    "tokens a minute, the larger of both": suite(quota(limit("tokens", 9000)), {"large": MIXED}),
    "tokens a minute, their sum": suite(
        quota(limit("tokens", 9000, window="fixed"), charge="sum"), {"large": MIXED}
    ),
    "input tokens a minute": suite(quota(limit("input_tokens", 4000, window="bucket")), {"large": MIXED}),
    "requests and tokens": suite(quota(limit("requests", 30), limit("tokens", 9000)), {"large": MIXED}),
    "days in UTC": suite(
        quota(limit("requests", 5), limit("requests", 10, DAY_S, window="fixed", resets="utc")), TEN_A_DAY
    ),
    "any 24 hours": suite(quota(limit("requests", 5), limit("requests", 10, DAY_S, resets=ROLLING_DAY)), TEN_A_DAY),
    "days in Los Angeles": suite(
        quota(limit("requests", 10, DAY_S, window="fixed", resets="America/Los_Angeles")), TEN_A_DAY
    ),
    "two models of one account": suite(
        quota(limit("requests", 24)), BOTH, small=quota(limit("requests", 15)), large=quota(limit("requests", 15))
    ),
    "requests at once": suite(quota(at_once=3), {"large": LARGE}),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SUITES.values(), ids=SUITES)
def test_a_forecast_is_within_a_tenth_of_what_then_happens(scenario: Scenario) -> None:
    """Where a limit binds, a run ends within 10 % of the time that was forecast, and says which limit it was."""
    latency_s = scenario.rules.latency_s
    assert isinstance(latency_s, tuple)
    found = told(scenario, spread(latency_s))
    played = play(scenario)

    assert played.refused == 0
    assert found.timing.binding is not None
    assert found.timing.finishes_at == pytest.approx(START + played.took_s, abs=0.1 * played.took_s)


@pytest.mark.parametrize("name", [name for name in SUITES if "slow" not in name and "at once" not in name])
def test_a_limit_is_forecast_without_knowing_how_long_answers_take(name: str) -> None:
    """Where a limit binds whatever the answers' speed, there is a time although no earlier answer was timed."""
    scenario = SUITES[name]
    found, known = told(scenario, ()), told(scenario, spread(SHORT_S))

    assert found.timing.finishes_at is not None
    assert known.timing.finishes_at is not None
    assert found.timing.finishes_at - START == pytest.approx(known.timing.finishes_at - START, rel=0.1)
    assert found.timing.binding == known.timing.binding


def test_a_first_sitting_is_forecast() -> None:
    """With a wait that is too long for a sitting, what goes today, and how long that takes, is as forecast."""
    scenario = replace(SUITES["days in UTC"], max_wait_s=900.0)
    found = told(scenario, spread(SHORT_S))
    played = play(scenario)

    first = found.sittings[0]
    assert first.requests == len(played.exchanges) == 10
    assert first.ends_at - first.starts_at == pytest.approx(played.took_s, rel=0.1)
    assert [sitting.requests for sitting in found.sittings] == [10, 10, 10, 10, 5]
    assert found.timing.days == 5


# ── when ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_where_no_limit_binds_past_answers_give_a_range() -> None:
    """Without a limit in the way the time follows from how long earlier answers took, from quick to slow."""
    found = foretell(quota(limit("requests", 10_000)), lane(160, latencies_s=(1.0, 2.0, 2.0, 3.0)))

    assert found.timing.binding is None
    assert found.timing.finishes_at == pytest.approx(START + 20)
    assert (found.timing.least_s, found.timing.most_s) == pytest.approx((20.0, 30.0))


def test_an_unknown_time_is_unknown() -> None:
    """Without a limit in the way and without earlier answers there is no time."""
    found = foretell(quota(), lane(160, latencies_s=()))

    assert found.timing.finishes_at is None
    assert found.timing.most_s is None
    assert found.timing.binding is None


def test_nothing_to_send_takes_no_time() -> None:
    """A run with nothing left has no time, no days and nothing that binds."""
    found = foretell(quota(limit("requests", 1)), lane(0, answered=7))

    assert found.amounts == Amounts(answered=7, output_tokens=0)
    assert found.timing.days == 0
    assert found.timing.finishes_at is None


def test_what_is_used_already_counts() -> None:
    """What is left of a day goes today, the rest tomorrow; where nothing is left it begins tomorrow."""
    of = quota(limit("requests", 50, DAY_S, window="fixed", resets="utc"))
    some = foretell(of, lane(60), used={0: 45}, max_wait_s=900.0)
    none = foretell(of, lane(60), used={0: 50}, max_wait_s=900.0)

    assert [sitting.requests for sitting in some.sittings] == [5, 50, 5]
    assert (some.timing.days, some.timing.nights_before) == (3, 0)
    assert [sitting.requests for sitting in none.sittings] == [0, 50, 10]
    assert (none.timing.days, none.timing.nights_before) == (2, 1)
    assert none.timing.starts_at == pytest.approx(math.ceil(START / DAY_S) * DAY_S, abs=1.0)


def test_a_rolling_limit_has_room_again_when_it_was_said() -> None:
    """What is used of a rolling limit leaves at the time that the ledger says."""
    standing = LimitState(limit=limit("requests", 10, HOUR_S), used=10, resets_at=START + 1234)
    scopes = {"run": scope("run", Quota()), "large": ScopeState(id="large", name="large", limits=(standing,))}
    found = forecast([lane(3)], scopes, START)

    assert found.timing.starts_at == pytest.approx(START + 1234)


def test_a_closed_scope_is_waited_for() -> None:
    """What a server closed opens when it said, and is named as what binds."""
    closed = scope("large", Quota(), closed_until=START + 7000, closed_why="large: the day's limit is reached")
    found = forecast([lane(3)], {"run": scope("run", Quota()), "large": closed}, START)

    assert found.timing.starts_at == START + 7000
    assert found.timing.binding is not None
    assert found.timing.binding.words == "large: the day's limit is reached"


def test_a_day_spread_evenly_still_takes_days() -> None:
    """A day's limit that flows in evenly has no nights, and takes as many days as it takes."""
    found = foretell(quota(limit("requests", 150, DAY_S, window="bucket", burst=1)), lane(400))

    assert found.timing.days == 3


def test_the_lane_that_ends_last_decides() -> None:
    """In all it takes as long as the slowest lane, and what binds that lane binds the run."""
    scopes = {
        "run": scope("run", Quota(concurrency=16)),
        "large": scope("large", quota(limit("requests", 10))),
        "small": scope("small", quota(limit("requests", 60))),
    }
    found = forecast([lane(60), lane(60, "small")], scopes, START)

    assert found.timing.binding is not None
    assert (found.timing.binding.lane, found.timing.binding.words) == ("large", "10 requests a minute")
    assert found.timing.finishes_at == found.lanes[0].timing.finishes_at
    assert found.lanes[1].timing.finishes_at == pytest.approx(START + 2, abs=2)


def test_the_concurrency_that_the_user_chose_is_no_quota() -> None:
    """Waiting for the run's own bound of requests at once is not reported as a limit that binds."""
    assert foretell(quota(), lane(1000)).timing.binding is None
    bound = foretell(quota(at_once=2), lane(1000)).timing.binding
    assert bound is not None
    assert bound.words == "2 at once"


# ── how much ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_amounts_are_added_up_over_lanes() -> None:
    """Requests, tokens and cost are sums; a share of the output that earlier answers used makes them estimates."""
    lanes = [lane(10, price=PRICE, output_share=0.5), lane(20, price=PRICE, answered=3, in_error=1)]
    one, other = foretell(quota(), *lanes).lanes
    found = foretell(quota(), *lanes).amounts

    assert one.amounts.output_tokens == 100
    assert one.amounts.cost_usd == pytest.approx((100 * 1 + 100 * 10) / 1e6)
    assert (other.amounts.output_tokens, other.amounts.cost_usd) == (None, None)
    assert (found.requests, found.input_tokens, found.output_tokens_at_most) == (30, 300, 600)
    assert (found.output_tokens, found.cost_usd) == (None, None)
    assert found.cost_usd_at_most == pytest.approx((300 * 1 + 600 * 10) / 1e6)
    assert (found.answered, found.in_error) == (3, 1)


def test_an_unknown_price_makes_no_sum() -> None:
    """What costs nobody knows how much does not make the rest look cheap."""
    assert foretell(quota(), lane(10, price=PRICE), lane(20)).amounts.cost_usd_at_most is None


def test_retries_take_requests_and_no_tokens() -> None:
    """Requests that will be sent again take their part of request limits, and none of the tokens."""
    of = quota(limit("requests", 10, window="fixed"))
    smooth, rough = foretell(of, lane(100)), foretell(of, lane(100, retries=0.5))

    assert rough.amounts.retries == 50
    assert rough.amounts.input_tokens == smooth.amounts.input_tokens
    assert smooth.timing.finishes_at is not None
    assert rough.timing.finishes_at == pytest.approx(smooth.timing.finishes_at + 5 * MINUTE_S, abs=1)


def test_what_can_never_fit_is_counted_by_reason() -> None:
    """Requests larger than a cap or than a whole window are counted with the reason and the largest, and not sent."""
    of = replace(quota(limit("tokens", 100)), max_input_tokens=50, max_output_tokens=60)
    charges = [Charge(10, 20), Charge(51, 20), Charge(70, 20), Charge(10, 61)]
    found = foretell(of, lane(0, charges=charges)).lanes[0]
    wide = foretell(quota(limit("tokens", 100)), lane(0, charges=[Charge(101, 1)])).lanes[0]

    assert found.amounts.requests == 1
    assert [(one.why, one.count, one.largest) for one in found.never_fit] == [
        ("large: at most 50 input tokens a request", 2, 70),
        ("large: at most 60 output tokens a request", 1, 61),
    ]
    assert [one.why for one in wide.never_fit] == ["large: 100 tokens a minute"]


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(max_requests=100), []),
        (Budget(max_requests=99), ["budget: max_requests 99 ends it after 89 of 90 requests"]),
        (Budget(max_tokens=2000), ["budget: max_tokens 2,000 may end it early"]),
        (Budget(max_cost_usd=0.001), ["budget: max_cost_usd 0.001 may end it early"]),
        (Budget(deadline_s=60), ["budget: the deadline of 60 s ends it early"]),
    ],
)
def test_a_budget_that_is_too_small_is_said(budget: Budget, said: list[str]) -> None:
    """What of the run's budget is less than the forecast, with what was spent before, stands in words."""
    of = quota(limit("requests", 10, window="fixed"))
    found = foretell(of, lane(90, price=PRICE), budget=budget, spent=Spent(10, 0, 0.0))

    assert list(found.budget) == said


# ── whatever comes ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.parametrize(
    ("of", "takes_s"),
    [
        (quota(limit("requests", 1)), 100_000 * 60),
        (quota(limit("requests", 600, window="bucket", burst=1)), 10_000),
        (quota(limit("tokens", 3000)), 100_000 * 20 / 3000 * 60),
        (quota(limit("requests", 6000, window="bucket"), limit("requests", 20_000, DAY_S)), 4 * DAY_S),
        (quota(at_once=1), 30_000),
    ],
    ids=["one a minute", "evenly", "tokens", "days", "one at once"],
)
def test_a_huge_plan_is_forecast_at_once(of: Quota, takes_s: float) -> None:
    """A hundred thousand requests are forecast in a moment, and as well as few."""
    begun = time.perf_counter()
    found = foretell(of, lane(100_000))

    assert time.perf_counter() - begun < 5.0
    assert found.timing.finishes_at == pytest.approx(START + takes_s, abs=0.02 * takes_s)


def test_today_is_forecast_well_however_much_is_left() -> None:
    """What goes today, and how long that takes, is the same for a plan of days and for one of years."""
    of = quota(limit("requests", 15), limit("requests", 150, DAY_S, window="fixed", resets="utc"))
    some, many = (foretell(of, lane(count), max_wait_s=900.0) for count in (300, 60_000))

    assert many.sittings[0] == some.sittings[0]
    assert many.timing.days == 400


@pytest.mark.slow
def test_a_walk_that_would_be_too_long_goes_on_at_its_pace() -> None:
    """A small lane beside a huge one in a tight limit is not walked to the end, and ends when its pace says."""
    scopes = {"run": scope("run", Quota()), "large": scope("large", quota(limit("requests", 1)))}
    found = forecast([lane(100_000), lane(500, "beside", scopes=("run", "large"))], scopes, START)

    assert found.timing.finishes_at == pytest.approx(START + 100_500 * MINUTE_S, rel=0.05)


LIMITS = st.builds(
    limit,
    st.sampled_from(["requests", "tokens", "input_tokens"]),
    st.integers(1, 300).map(float),
    st.sampled_from([1.0, MINUTE_S, HOUR_S, DAY_S]),
    window=st.sampled_from(["rolling", "fixed", "bucket"]),
    resets=st.sampled_from(["", "utc", "Europe/Berlin", ROLLING_DAY]),
)


@pytest.mark.slow
@given(
    quotas=st.lists(st.builds(quota, LIMITS, LIMITS, at_once=st.none() | st.integers(1, 5)), min_size=2, max_size=2),
    counts=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    sizes=st.lists(st.builds(Charge, st.integers(0, 400), st.integers(0, 400)), min_size=1, max_size=9),
    used=st.floats(0, 1),
    max_wait_s=st.sampled_from([120.0, 900.0, math.inf]),
    latencies_s=st.sampled_from([(), (0.0,), (0.1, 2.0), (30.0,)]),
    retries=st.floats(0, 2),
)
def test_every_plan_has_a_forecast(
    quotas: list[Quota],
    counts: tuple[int, int],
    sizes: list[Charge],
    used: float,
    max_wait_s: float,
    latencies_s: tuple[float, ...],
    retries: float,
) -> None:
    """Whatever the limits and requests, a forecast comes to an end, sends everything that fits, and keeps order."""
    names = ("account", "large", "small")
    scopes = {
        name: scope(name, of, used={place: used * one.amount for place, one in enumerate(of.limits)})
        for name, of in zip(names, [*quotas, quotas[0]], strict=True)
    } | {"run": scope("run", Quota(concurrency=4))}
    lanes = [
        LaneLoad(
            lane=name,
            charges=[sizes[place % len(sizes)] for place in range(count)],
            scopes=("run", "account", name),
            latencies_s=latencies_s,
            retries=retries,
        )
        for name, count in zip(names[1:], counts, strict=True)
    ]
    found = forecast(lanes, scopes, START, max_wait_s=max_wait_s)

    assert found.amounts.requests + found.amounts.never_fit == sum(counts)
    assert sum(sitting.requests for sitting in found.sittings) >= found.amounts.requests
    for one in found.lanes:
        if one.amounts.requests:
            assert one.timing.starts_at is not None
            assert START <= one.timing.starts_at < math.inf
            assert 0 <= one.timing.least_s < math.inf
            assert one.timing.days >= 1
    for earlier, later in zip(found.sittings, found.sittings[1:], strict=False):
        assert earlier.starts_at <= earlier.ends_at <= later.starts_at

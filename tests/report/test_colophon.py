from __future__ import annotations

from dataclasses import replace

import pytest

from evalrun.records.quota import Limit, Quota
from evalrun.records.suite import Provider
from evalrun.report.colophon import _price, colophon
from evalrun.report.limits_text import limits_text
from tests.report.hostile_run import Run
from tests.report.test_page import made


@pytest.mark.parametrize(
    ("sent", "received", "words"),
    [
        (2.5, 10.0, "$2.50 / $10.00"),
        (0.003, 0.6, "$0.003 / $0.600"),
        (0.02, 0.0, "$0.020 / free"),
        (0.0, 0.0, "free"),
    ],
)
def test_a_small_price_is_not_zero(sent: float, received: float, words: str) -> None:
    """A price is shown with as many digits as it takes to be something."""
    assert _price(sent, received) == words


def test_the_commands_fit_the_state_of_the_run() -> None:
    """A complete run may be blessed, one with errors asked again, a paused one goes on; paths are quoted."""
    run = made()
    folder = "results/my suite/1"
    done = commands(replace(run, comparison=replace(run.comparison, complete=True)), folder=folder)
    paused = commands(replace(run, comparison=replace(run.comparison, complete=False)), go_on="evalrun resume r")

    assert "evalrun bless 'results/my suite/1'" in done
    assert "evalrun resume 'results/my suite/1' --retry-errors" in done
    assert paused[0] == "evalrun resume r"
    assert not any("bless" in command for command in paused)


def commands(run: Run, **facts: str) -> list[str]:
    """The commands at the foot of a run's page."""
    return [command for command, _ in colophon(run.plan, run.comparison, replace(run.facts, **facts))["commands"]]


def test_limits_are_told_with_whom_they_are_shared() -> None:
    """A model's own limits, its provider's and those of the scopes that it shares; recorded answers have none."""
    run = made()
    first, *others = run.plan.suite.models
    own = Quota(
        limits=(Limit(axis="requests", amount=15, per_s=60), Limit(axis="tokens", amount=9000, per_s=10)), concurrency=5
    )
    shared = Quota(limits=(Limit(axis="requests", amount=3000, per_s=86_400),), max_input_tokens=8000)
    suite = replace(
        run.plan.suite,
        models=(replace(first, quota=own, groups=("team",)), *others),
        quotas={"team": shared},
        providers={
            **run.plan.suite.providers,
            "openai": Provider(id="openai", dialect="openai-chat", quota=Quota(max_output_tokens=400)),
        },
    )

    assert limits_text(replace(run.plan, suite=suite), "large") == (
        "15 requests a minute, 9,000 tokens in 10.0 s, 5 at once, at most 400 tokens in a reply at openai, "
        "3,000 requests a day in team, at most 8,000 tokens in a request in team"
    )
    assert limits_text(run.plan, "large") == ""
    assert limits_text(run.plan, "no such model") == ""


def test_the_forecast_stands_beside_the_fact() -> None:
    """What was planned and what was sent; a forecast of another form is passed over."""
    run = made(facts={"forecast": {"large": {"requests": 8}, "mini": {"requests": 8}, "odd": 3}})
    facts = dict(colophon(run.plan, run.comparison, run.facts)["facts"])

    assert facts["Forecast"] == "16 requests planned; 24 sent, $0.00046"
    assert facts["Tolerated"] == "no cell without a verdict"


def test_the_score_names_all_that_goes_into_it() -> None:
    """The suite's scorers with their weights, and that single cases have their own."""
    run = made()
    first, *others = run.plan.suite.cases
    own = replace(run.plan.suite, cases=(replace(first, scorers=run.plan.suite.scorers[:1]), *others))
    plain = dict(colophon(run.plan, run.comparison, run.facts)["reckoned"])["Score"]
    with_own = dict(colophon(replace(run.plan, suite=own), run.comparison, run.facts)["reckoned"])["Score"]

    assert plain == "Weighted mean of the scorers: icontains (1), form (0.5), in 0..1."
    assert "form (0.5), those of single cases" in with_own

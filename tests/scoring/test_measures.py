from __future__ import annotations

import pytest

from evalrun.scoring.marks import score_one
from evalrun.scoring.options import CostOptions, FinishReasonOptions, LatencyOptions, TokensOptions
from tests.scoring.build import reply, row, spec


def _score(name, options, *, cost_usd=0.002, value=None, text="hi", **facts):
    return score_one(spec(name, value, options=options), row(reply(text, **facts), cost_usd=cost_usd))


@pytest.mark.parametrize(
    ("name", "options", "facts", "passes"),
    [
        ("latency", {"max_s": 1}, {"latency_s": 0.5}, True),
        ("latency", {"max_s": 0.5}, {"latency_s": 0.5}, True),
        ("latency", {"max_s": 0.1}, {"latency_s": 0.5}, False),
        ("latency", {"max_s": 1}, {"text": None}, True),
        ("cost", {"max_usd": 0.01}, {}, True),
        ("cost", {"max_usd": 0.001}, {}, False),
        ("cost", {"max_usd": 0}, {"cost_usd": 0.0}, True),
        ("tokens", {"max": 15}, {}, True),
        ("tokens", {"max": 14}, {}, False),
        ("tokens", {"max": 9, "of": "prompt"}, {}, False),
        ("tokens", {"max": 5, "of": "completion"}, {}, True),
        ("tokens", {"max": 5, "of": "completion"}, {"prompt_tokens": None}, True),
        ("finish-reason", {"value": "stop"}, {"finish_reason": "stop"}, True),
        ("finish-reason", {"value": "stop"}, {"finish_reason": "length"}, False),
        ("finish-reason", {"value": ["stop", "length"]}, {"finish_reason": "length"}, True),
        ("finish-reason", {"value": "length"}, {"finish_reason": "length", "text": ""}, True),
    ],
)
def test_a_measure_passes_up_to_its_limit(name, options, facts, passes):
    """latency, cost and tokens pass up to their limit, finish-reason on a reason named, with an empty answer too."""
    score, negated = _score(name, options, **facts), _score(f"not-{name}", options, **facts)

    assert (score.passed, score.error, negated.passed) == (passes, "", not passes)


@pytest.mark.parametrize(
    ("name", "options", "facts", "error"),
    [
        ("latency", {"max_s": 1}, {"latency_s": None}, "the latency is unknown"),
        ("cost", {"max_usd": 1}, {"cost_usd": None}, "the cost is unknown"),
        ("tokens", {"max": 1}, {"prompt_tokens": None}, "the number of total tokens is unknown"),
        ("tokens", {"max": 1, "of": "prompt"}, {"prompt_tokens": None}, "the number of prompt tokens is unknown"),
        ("finish-reason", {"value": "stop"}, {}, "the reply names no finish reason"),
    ],
)
def test_an_unknown_figure_is_no_result(name, options, facts, error):
    """What nobody measured neither passes nor fails."""
    assert _score(name, options, **facts).error == error


@pytest.mark.parametrize(
    ("name", "options", "facts", "reason"),
    [
        ("latency", {"max_s": 2}, {"latency_s": 2.25}, "2.25 s is over 2 s"),
        ("not-latency", {"max_s": 2}, {"latency_s": 1}, "1 s is not over 2 s"),
        ("cost", {"max_usd": 0.001}, {}, "$0.002 is over $0.001"),
        ("tokens", {"max": 14}, {}, "15 is over 14"),
        ("finish-reason", {"value": "stop"}, {"finish_reason": "length"}, 'expected "stop", got "length"'),
    ],
)
def test_a_measure_says_by_what_it_failed(name, options, facts, reason):
    """The figure and its limit are in the reason."""
    assert _score(name, options, **facts).reason == reason


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (LatencyOptions, {}),
        (LatencyOptions, {"max_s": 0}),
        (LatencyOptions, {"max_s": 1, "value": 2}),
        (CostOptions, {"max_usd": -1}),
        (TokensOptions, {"max": 1.5}),
        (TokensOptions, {"max": 1, "of": "input"}),
        (FinishReasonOptions, {}),
        (FinishReasonOptions, {"value": 5}),
    ],
)
def test_options_of_measures_are_checked(model, said):
    """A limit must be said, of the right kind, and nothing else."""
    with pytest.raises(ValueError):
        model.model_validate(said)

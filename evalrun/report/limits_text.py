"""The limits that a run keeps, in words: what a column may send a minute, a day, at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from evalrun.records.plan import Plan
from evalrun.records.quota import DAY_S, HOUR_S, MINUTE_S, Limit, Quota
from evalrun.report import numbers

_SPANS = {1.0: "a second", MINUTE_S: "a minute", HOUR_S: "an hour", DAY_S: "a day"}
_AXES = {
    "requests": "requests",
    "tokens": "tokens",
    "input_tokens": "tokens in",
    "output_tokens": "tokens out",
}


def limits_text(plan: Plan, label: str) -> str:
    """What the model *label* may send: its own limits, those of its provider and of the scopes that it shares."""
    suite = plan.suite
    model = next((one for one in suite.models if one.label == label), None)
    if model is None or model.recorded is not None:
        return ""
    provider = suite.providers.get(model.provider)
    said = list(_quota(model.quota))
    if provider is not None:
        said += [f"{words} at {model.provider}" for words in _quota(provider.quota)]
    for group in model.groups:
        if group in suite.quotas:
            said += [f"{words} in {group}" for words in _quota(suite.quotas[group])]
    return ", ".join(said)


def _quota(quota: Quota) -> Iterator[str]:
    yield from map(_limit, quota.limits)
    if quota.concurrency is not None:
        yield f"{numbers.count(quota.concurrency)} at once"
    if quota.max_input_tokens is not None:
        yield f"at most {numbers.count(quota.max_input_tokens)} tokens in a request"
    if quota.max_output_tokens is not None:
        yield f"at most {numbers.count(quota.max_output_tokens)} tokens in a reply"


def _limit(limit: Limit) -> str:
    span = _SPANS.get(limit.per_s) or f"in {numbers.seconds(limit.per_s)}"
    return f"{numbers.fixed(limit.amount, 0)} {_AXES[limit.axis]} {span}"

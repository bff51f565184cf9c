"""Scorers of what an answer took: time, money, tokens, and how it ended. They do not read its text."""

from __future__ import annotations

from evalrun.records.outcome import Response
from evalrun.scoring.options import CostOptions, FinishReasonOptions, LatencyOptions, TokensOptions
from evalrun.scoring.scorer import Finding, NoResult, Subject, any_of, quote, texts


def latency(subject: Subject, options: LatencyOptions) -> Finding:
    """The scorer ``latency``: the cell took at most ``max_s`` seconds. Raises NoResult where nobody measured it."""
    return _at_most(subject.row.latency_s, options.max_s, "{:.6g} s", "the latency")


def cost(subject: Subject, options: CostOptions) -> Finding:
    """The scorer ``cost``: the cell cost at most ``max_usd``. Raises NoResult where a price is unknown."""
    return _at_most(subject.row.cost_usd, options.max_usd, "${:.6g}", "the cost")


def tokens(subject: Subject, options: TokensOptions) -> Finding:
    """The scorer ``tokens``: the cell used at most ``max`` tokens. Raises NoResult where nobody counted them."""
    sent, received = subject.row.prompt_tokens, subject.row.completion_tokens
    both = None if sent is None or received is None else sent + received
    used = {"prompt": sent, "completion": received, "total": both}[options.of]
    return _at_most(used, options.max, "{:d}", f"the number of {options.of} tokens")


def finish_reason(subject: Subject, options: FinishReasonOptions) -> Finding:
    """The scorer ``finish-reason``: the reply ended for the reason named. Raises NoResult where it names none."""
    outcome = subject.row.outcome
    reason = outcome.finish_reason if isinstance(outcome, Response) else None
    if reason is None:
        raise NoResult("the reply names no finish reason")
    values = texts(subject.value)
    return Finding(
        value=float(reason in values),
        reason=f"expected {any_of(values)}, got {quote(reason)}",
        opposite=f"expected anything but {any_of(values)}, got {quote(reason)}",
    )


def _at_most(figure: float | None, limit: float, form: str, what: str) -> Finding:
    if figure is None:
        raise NoResult(f"{what} is unknown")
    shown, bound = form.format(figure), form.format(limit)
    return Finding(
        value=float(figure <= limit),
        reason=f"{shown} is over {bound}",
        opposite=f"{shown} is not over {bound}",
    )

"""How a simulated endpoint behaves: limits, latencies, faults, its clock, and the words in which it refuses.  (pure)"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from evalrun.records.quota import DAY_S, MINUTE_S, Axis, ChargeRule, Limit, Quota, WindowKind
from evalrun.simulator import faults

Style = Literal["openai", "azure", "github", "groq", "anthropic", "silent"]
"""Whose headers and refusals: ``azure`` names no limit, ``github`` names it while its headers lie, ``groq`` announces
the day's requests and the minute's tokens, ``silent`` refuses without a word on when to come back."""

EVERY_MODEL = "*"
_SHORT: Mapping[str, tuple[Axis, float]] = {
    "rpm": ("requests", MINUTE_S),
    "rpd": ("requests", DAY_S),
    "tpm": ("tokens", MINUTE_S),
    "tpd": ("tokens", DAY_S),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the endpoint behaves. None is no limit.

    *rpm* to *concurrency* are limits of the account, shared by all models and callers; *window* says how they count,
    *resets* in which zone a fixed day begins, *charge* what a request takes of a token limit. *account* adds limits of
    any kind to them, and its charge rule wins. *models* are limits of one model each; under ``*`` those of each model
    that is not named. *latency_s* is a time, or a shortest and a longest time to draw from; None is each model's own.
    *transit* is the share of its latency after which a request arrives and is counted, or a least and a most share to
    draw from. *faults* maps a name of `FAULTS`, or an HTTP status, to a probability; *seed* changes which requests they
    befall. *clock_offset_s* is how far the server's clock is ahead. Raises ValueError with words.
    """

    rpm: float | None = None
    rpd: float | None = None
    tpm: float | None = None
    tpd: float | None = None
    concurrency: int | None = None
    window: WindowKind = "rolling"
    resets: str = "utc"
    charge: ChargeRule = "max"
    account: Quota | None = None
    models: Mapping[str, Quota] = field(default_factory=dict)
    style: Style = "openai"
    latency_s: float | tuple[float, float] | None = None
    transit: float | tuple[float, float] = 0.0
    faults: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    clock_offset_s: float = 0.0

    def __post_init__(self) -> None:
        for name in (*_SHORT, "concurrency"):
            amount = getattr(self, name)
            if amount is not None and not 0 < amount < math.inf:
                raise ValueError(f"{name} must be over 0, not {amount}")
        for what, value, allowed in (
            ("window", self.window, get_args(WindowKind)),
            ("charge rule", self.charge, get_args(ChargeRule)),
            ("style", self.style, get_args(Style)),
        ):
            if value not in allowed:
                raise ValueError(f"unknown {what} {value!r} (allowed: {', '.join(sorted(allowed))})")
        low, high = range_of(self.latency_s) or (0.0, 0.0)
        if not 0 <= low <= high < math.inf:
            raise ValueError(f"latency must be a time, or a shorter and a longer one, not {self.latency_s}")
        least, most = range_of(self.transit) or (0.0, 0.0)
        if not 0 <= least <= most <= 1:
            raise ValueError(f"transit must be a share from 0 to 1, or a smaller and a larger one, not {self.transit}")
        faults.check(self.faults)

    @property
    def account_quota(self) -> Quota:
        """The account's limits, however they were said."""
        said = self.account or Quota(charge=self.charge)
        limits = tuple(
            Limit(axis=axis, amount=amount, per_s=per_s, window=self.window, resets=self._resets(per_s))
            for name, (axis, per_s) in _SHORT.items()
            if (amount := getattr(self, name)) is not None
        )
        at_once = [count for count in (self.concurrency, said.concurrency) if count is not None]
        return Quota(
            concurrency=min(at_once, default=None),
            limits=(*limits, *said.limits),
            max_input_tokens=said.max_input_tokens,
            max_output_tokens=said.max_output_tokens,
            charge=said.charge,
        )

    def model_quota(self, model: str) -> Quota | None:
        """The limits of one model; None where it has none of its own."""
        return self.models.get(model, self.models.get(EVERY_MODEL))

    def _resets(self, per_s: float) -> str:
        return self.resets if self.window == "fixed" and per_s == DAY_S else ""


def range_of(value: float | tuple[float, float] | None) -> tuple[float, float] | None:
    """One figure as a range of itself."""
    return (value, value) if isinstance(value, int | float) else value

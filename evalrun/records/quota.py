"""How much may be sent: limits as a suite, a profile or a vendor states them, and what replies say about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Axis = Literal["requests", "tokens", "input_tokens", "output_tokens"]
WindowKind = Literal["rolling", "fixed", "bucket"]
ChargeRule = Literal["max", "sum", "usage", "input"]
"""What a token window counts of a request.

``max``: max(output limit, input), at sending, for good (OpenAI). ``sum``: input + output limit, at sending, for good
(Azure). ``usage``: input + an estimate of the output at sending, the real usage afterwards. ``input``: the input only.
"""

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0
ROLLING_DAY = "rolling-24h"

SHORT_NAMES: Mapping[str, tuple[Axis, float]] = {
    "rpm": ("requests", MINUTE_S),
    "rph": ("requests", HOUR_S),
    "rpd": ("requests", DAY_S),
    "tpm": ("tokens", MINUTE_S),
    "tph": ("tokens", HOUR_S),
    "tpd": ("tokens", DAY_S),
    "itpm": ("input_tokens", MINUTE_S),
    "otpm": ("output_tokens", MINUTE_S),
}
"""What limits are called for short: what is counted, and over how many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most *amount* of *axis* in *per_s* seconds.

    *window*: ``rolling`` in any such span; ``fixed`` in each span that begins at a multiple of *per_s* on the server's
    clock, or for a day at midnight in the zone *resets* (``utc`` or an IANA name); ``bucket``: *amount* a span flows in
    evenly and at most *burst* (None: *amount*) is kept. *sure* is False for a bare figure whose window nobody stated:
    it is taken as rolling until a 429 says otherwise, then paced evenly.
    """

    axis: Axis
    amount: float
    per_s: float
    window: WindowKind = "rolling"
    resets: str = ""
    burst: float | None = None
    sure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The limits of one scope: how many requests at once, how much per window, how large one request may be.

    *charge* is the vendor's rule for token windows.
    """

    concurrency: int | None = None
    limits: tuple[Limit, ...] = ()
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    charge: ChargeRule = "max"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Where a quota applies. *id* is its identity in the ledger, *name* is for people.

    *shared* scopes are kept in the machine's ledger, others in memory for the run.
    """

    id: str
    name: str
    quota: Quota = Quota()
    shared: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one run may spend in all. None is no limit; *deadline_s* counts from the start of each sitting."""

    max_requests: int | None = None
    max_tokens: int | None = None
    max_cost_usd: float | None = None
    deadline_s: float | None = None


class Refusal(StrEnum):
    """Which limit a server says was reached. Each has an answer of its own in scheduler.retry."""

    MINUTE = "minute"  # or any window short enough to wait for
    DAY = "day"
    REQUEST_SIZE = "request-size"  # this request can never fit
    CONCURRENCY = "concurrency"
    OVERLOAD = "overload"  # the server is short, whoever asks
    MONEY = "money"
    GONE = "gone"
    UNKNOWN = "unknown"  # a 429 that does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFact:
    """What a reply says about one limit, at the moment of the reply; None is what it does not say.

    *reset_s* is the time until the window is whole again; *account* limits count all models of the account together.
    """

    axis: Axis
    amount: float | None = None
    remaining: float | None = None
    per_s: float | None = None
    reset_s: float | None = None
    account: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RateFacts:
    """What a reply says about limits, vendor by vendor made neutral.

    *facts* come from headers and are only as good as the profile's word on them; *named* is the limit that a refusal
    named in its text; *server_time* is the reply's Date, Unix seconds, a whole second. *sunset_at* (Unix seconds) is
    when the service says that it ends, *deprecated* that it says so at all.
    """

    refusal: Refusal | None = None
    retry_after_s: float | None = None
    named: LimitFact | None = None
    facts: tuple[LimitFact, ...] = ()
    server_time: float | None = None
    sunset_at: float | None = None
    deprecated: bool = False

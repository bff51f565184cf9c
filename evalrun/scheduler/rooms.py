"""The nouns of quota: what a request takes, whether there is room for it, what was learned, how a scope stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalrun.records.quota import DAY_S, Axis, ChargeRule, Limit, Scope

_SPANS = {1.0: "a second", 60.0: "a minute", 3600.0: "an hour", DAY_S: "a day"}


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request takes, besides being one: its input, the output that could come, and what that could cost."""

    input_tokens: int
    output_tokens: int = 0
    cost_usd: float = 0.0

    @property
    def tokens(self) -> int:
        """Both together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Go:
    """There is room now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """There is room at *until* (ledger time), *why* there is none before, and in which scope; *day*: a day's limit."""

    until: float
    why: str
    scope: str = ""
    day: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """There is room when something in flight has come back."""

    why: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Never:
    """There will be no room in this run."""

    why: str


Room = Go | Wait | Busy | Never


@dataclass(frozen=True, slots=True)
class Booking:
    """A reservation: give it back to `Book.settle` exactly once. *key* is its identity in the ledger."""

    key: str
    scopes: tuple[str, ...]
    charge: Charge
    booked_at: float


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has used of its budget, in all its sittings."""

    requests: int = 0
    tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """Something that a server taught about a scope, in *words* for people; `Book.learn` applies it.

    ``limit``: *limit* holds, a refusal named it. ``header``: it stood in headers, and may change. ``guess``: so much
    was let through before a refusal without figures. ``pace``: the scope's limit of that axis and span is used evenly.
    ``closed``: nothing goes before *until*, ledger time; its *limit*, if any, is the one that was reached.
    """

    scope: str
    kind: Literal["limit", "header", "guess", "pace", "closed"]
    limit: Limit | None
    until: float | None
    words: str


@dataclass(frozen=True, slots=True)
class LimitView:
    """How one limit stands: *resets_at* is when all that is used now will have left, None where nothing is."""

    limit: Limit
    used: float
    left: float
    resets_at: float | None
    learned: bool


@dataclass(frozen=True, slots=True)
class ScopeView:
    """How a scope stands. *closed_until* is None where its server did not ask for a pause."""

    scope: Scope
    limits: tuple[LimitView, ...]
    in_flight: int
    closed_until: float | None
    closed_why: str
    lessons: tuple[Lesson, ...]


def amount_of(axis: Axis, rule: ChargeRule, charge: Charge, took: Charge | None = None) -> float:
    """What a window on *axis* counts of a request: at its booking, or after it took *took*.

    What a vendor reserved at sending for good stays. A request that took no tokens at all was refused: it only counts
    as a request.
    """
    if axis == "requests":
        return 1.0
    if took is not None and not took.tokens:
        return 0.0
    real = took or charge
    if axis == "input_tokens":
        return float(real.input_tokens)
    if axis == "output_tokens":
        return float((charge if rule in ("max", "sum") else real).output_tokens)
    if rule == "max":
        return float(max(real.input_tokens, charge.output_tokens))
    if rule == "sum":
        return float(real.input_tokens + charge.output_tokens)
    return float(real.input_tokens if rule == "input" else real.tokens)


def words(limit: Limit) -> str:
    """A limit for people: ``15 requests a minute``."""
    span = _SPANS.get(limit.per_s) or f"in {limit.per_s:g} s"
    return f"{limit.amount:.15g} {limit.axis.replace('_', ' ')} {span}"


def worse(one: Room, other: Room) -> Room:
    """The answer that leaves less hope; of two waits the longer."""
    if isinstance(one, Wait) and isinstance(other, Wait):
        return other if other.until > one.until else one
    return other if _HOPELESS[type(other)] > _HOPELESS[type(one)] else one


_HOPELESS: dict[type[Room], int] = {Go: 0, Wait: 1, Busy: 2, Never: 3}

"""The table of bench-quota: what is limited, how a server counts, how long answers take, what the client knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from evalrun.records.quota import DAY_S, MINUTE_S, Axis, Limit, Quota, WindowKind
from evalrun.simulator.rules import Rules, Style
from tests.bench.harness import Ask, Scenario, questions
from tests.virtual import START

WINDOWS: tuple[WindowKind, ...] = ("fixed", "rolling", "bucket")
SHORT_S, LONG_S = (0.05, 0.5), (5.0, 20.0)
OFFSET_S = 7.3
"""How far the server's clock is ahead of the client's."""

STARTS = (START, START + 17.77, START + 36.3)
"""Where in the server's minute a run begins makes a difference: the worst of these is told."""

UNLUCKY = START + 31.3
"""1.4 s before the server's minute ends. A reply's Date is a whole second and may be one second old, so nobody can tell
in which minute the first burst was counted: whoever is never to be over waits for a whole one. No bound."""

LEAST_WINDOWS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One line of the table. *bound* says whether its ratio has a bound to keep."""

    quota: str
    window: WindowKind
    latency_s: tuple[float, float]
    scenarios: tuple[Scenario, ...]

    @property
    def bound(self) -> bool:
        """The ratio is bounded where answers are short against the windows, but for the unlucky start."""
        return self.latency_s == SHORT_S and UNLUCKY not in [scenario.start for scenario in self.scenarios]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """Limits of an account and of each of its models, and what is asked."""

    account: Callable[[WindowKind], Quota]
    lanes: Mapping[str, tuple[Ask, ...]]
    model: Callable[[WindowKind], Quota] | None = None


def _limit(axis: Axis, amount: float, per_s: float, window: WindowKind) -> Limit:
    resets = "utc" if per_s == DAY_S and window == "fixed" else ""
    return Limit(axis=axis, amount=amount, per_s=per_s, window=window, resets=resets)


def _minute(requests: float = 0, tokens: float = 0, day: float = 0, at_once: int | None = None) -> Callable[..., Quota]:
    """Limits a minute, requests a day, and requests at once; 0 is none."""

    def quota(window: WindowKind) -> Quota:
        limits: list[Limit] = []
        if requests:
            limits.append(_limit("requests", requests, MINUTE_S, window))
        if tokens:
            limits.append(_limit("tokens", tokens, MINUTE_S, window))
        if day:
            limits.append(_limit("requests", day, DAY_S, window))
        return Quota(limits=tuple(limits), concurrency=at_once)

    return quota


SHAPES: Mapping[str, _Shape] = {
    "rpm 60": _Shape(account=_minute(requests=60), lanes={"large": questions("large", 390)}),
    "tpm 9000": _Shape(
        account=_minute(tokens=9000), lanes={"large": questions("large", 270, most=400, long=150)}
    ),
    "rpm 40 + tpm 9000": _Shape(
        account=_minute(requests=40, tokens=9000), lanes={"large": questions("large", 250, most=400, long=150)}
    ),
    "rpm 15 + rpd 150": _Shape(account=_minute(requests=15, day=150), lanes={"large": questions("large", 960)}),
    "concurrency 3 + rpm 400": _Shape(
        account=_minute(requests=400, at_once=3), lanes={"large": questions("large", 2500)}
    ),
    "two models: rpm 24 + 15 each": _Shape(
        account=_minute(requests=24),
        model=_minute(requests=15),
        lanes={"large": questions("large", 80), "small": questions("small", 80)},
    ),
}  # fmt: skip


def table() -> Iterator[Cell]:
    """Every cell: limits × windows × latencies, each from several places in the server's minute."""
    for latency_s in (SHORT_S, LONG_S):
        for name, shape in SHAPES.items():
            for window in WINDOWS:
                yield cell(name, shape, window, latency_s)
    yield unlucky()


def unlucky() -> Cell:
    """A fixed window that ends just after the first burst."""
    found = cell("rpm 60", SHAPES["rpm 60"], "fixed", SHORT_S)
    scenario = replace(found.scenarios[0], start=UNLUCKY)
    return replace(found, quota="rpm 60, unlucky start", scenarios=(scenario,))


def cell(name: str, shape: _Shape, window: WindowKind, latency_s: tuple[float, float]) -> Cell:
    """One of them: limits known with their kind of window, the server's clock ahead, requests counted at any moment."""
    rules = Rules(
        account=shape.account(window),
        models={"*": shape.model(window)} if shape.model else {},
        latency_s=latency_s,
        transit=(0.0, 1.0),
        clock_offset_s=OFFSET_S,
    )
    scenarios = tuple(Scenario(rules=rules, lanes=shape.lanes, start=start) for start in STARTS)
    return Cell(quota=name, window=window, latency_s=latency_s, scenarios=scenarios)


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """A server of whose limits the client knows nothing: how it refuses, what share it may refuse, how much later."""

    style: Style
    window: WindowKind
    most_refused: float
    most_later: float
    scenario: Scenario


def unknown() -> Iterator[Blind]:
    """Servers that name their limit when they refuse, and silent ones."""
    for style, most_refused, most_later in (
        ("openai", 0.01, 0.15),
        ("github", 0.01, 0.15),
        ("groq", 0.01, 0.15),
        ("anthropic", 0.01, 0.15),
        ("silent", 0.05, 0.35),
    ):
        for window in WINDOWS:
            limits = (Limit(axis="requests", amount=60, per_s=MINUTE_S, window=window),)
            rules = Rules(
                account=Quota(limits=limits),
                style=style,  # type: ignore[arg-type]
                latency_s=SHORT_S,
                transit=(0.0, 1.0),
                clock_offset_s=OFFSET_S,
            )
            scenario = Scenario(rules=rules, lanes={"large": questions("large", 900)}, known=False)
            yield Blind(
                style=style,  # type: ignore[arg-type]
                window=window,
                most_refused=most_refused,
                most_later=most_later,
                scenario=scenario,
            )

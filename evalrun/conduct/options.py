"""What a user may ask of a run besides the suite."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from evalrun.catalog import PROVIDERS
from evalrun.conduct.interrupts import Interrupts, signals
from evalrun.errors import ExitCode
from evalrun.keys import ENTRA
from evalrun.records.plan import Plan
from evalrun.records.quota import Budget
from evalrun.scheduler.forecast import Forecast

CacheMode = Literal["off", "use", "refresh", "only"]

_MAX_WAIT_S, _CI_WAIT_S = 900.0, 120.0


def usual_max_wait_s(environ: Mapping[str, str]) -> float:
    """The longest single wait for quota where nobody says: shorter in CI, where nobody is watching."""
    return _CI_WAIT_S if environ.get("CI") else _MAX_WAIT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which suite content: overrides of models, parameters and variables, and which cells of it.

    *allow_origins* are pairs of key variable and origin that the user allows; *endpoints* the addresses that the
    environment gives, by provider id. *allow_code*: Python functions that the suite names may be run.
    """

    models: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    allow_origins: frozenset[tuple[str, str]] = frozenset()
    allow_code: bool = False
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limit: int | None = None
    sample: int | None = None
    max_planned: int = 100_000
    fail_under: float | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)

    @property
    def allowed(self) -> frozenset[tuple[str, str]]:
        """Where keys may go: what the user allows, and who has both the key and the address in the environment."""
        pairs = {
            (variable, address)
            for name, address in self.endpoints.items()
            for variable in (PROVIDERS[name].api_key_env, ENTRA)
            if variable
        }
        return self.allow_origins | pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to carry a run out. *environ* is where keys are read from, *state* is the folder of the machine's ledger;
    *command* is what the user typed, for run.json; *interrupts* says who may interrupt it. *formats* are written at the
    end besides what is always written.
    """

    results: Path
    environ: Mapping[str, str]
    state: Path
    selection: Selection = Selection()
    concurrency: int = 16
    budget: Budget = Budget()
    cache: CacheMode = "off"
    cache_file: Path | None = None
    new: bool = False
    retry_errors: bool = False
    fail_fast: bool = False
    max_wait_s: float = 900.0
    grace_s: float = 10.0
    paused_exit_code: int = int(ExitCode.PAUSED)
    command: tuple[str, ...] = ()
    interrupts: Interrupts = signals
    formats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneProgress:
    """One model's progress. *waiting* says what it waits for, *wait_s* for how long still (None: until a reply).

    *today* is what a daily limit has left of it, in words; *kept_back*: it waits for those that it is compared with.
    """

    label: str
    done: int
    total: int
    in_flight: int
    errors: int
    retries: int
    tokens: int
    cost_usd: float | None
    waiting: str
    wait_s: float | None
    today: str
    halted: str
    kept_back: bool = False


class Observer(Protocol):
    """Whoever shows a run to people."""

    def say(self, line: str) -> None:
        """One line that matters before or after the run."""

    def warn(self, line: str) -> None:
        """One line of a danger: shown however quiet it is to be."""

    def start(self, plan: Plan, done: Mapping[str, int], forecast: Forecast) -> None:
        """The requests begin; *done* counts what each model has already, *forecast* says what is to come."""

    def tick(self, lanes: tuple[LaneProgress, ...]) -> None:
        """How far it is, several times a second."""

    def stop(self) -> None:
        """The requests have ended."""

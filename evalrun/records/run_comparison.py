"""Two runs, or one run's columns, side by side: figures, flips and what changed, never texts of answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from evalrun.records.comparison import Interval

Call = Literal["better", "worse", "not distinguishable"]
VERDICTS = frozenset({"pass", "fail"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSide:
    """One of the two runs. *name* is ``A`` or ``B``, *started_at* Unix seconds, *state* as `evalrun runs` says it."""

    name: str
    run: str
    suite: str
    suite_file: str
    folder: str
    started_at: float
    state: str
    cells: int


@dataclass(frozen=True, slots=True)
class CellNumbers:
    """All of a cell that is compared. *word* is its verdict, or why there is none; nan is what nobody knows."""

    word: str
    score: float
    tokens: float
    cost_usd: float
    latency_s: float

    @property
    def judged(self) -> bool:
        """Whether it has a verdict."""
        return self.word in VERDICTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A figure of both sides over the same cells: *a*, *b* and *difference* (b - a) are means.

    *name* is pass_rate, score, tokens (sent and received, a cell), cost_usd (a cell) or latency_s. Intervals are of
    95 %, None where a single case does not tell. Only pass_rate is tested, and score where it says more than verdicts:
    *p_adjusted* allows for the other columns, *call* is what B is called beside A, *more_cases* about how many more
    would tell. *effect_size* is Cohen's h of pass rates and his d_z of scores. Where ``stop_when`` looked at these two
    after every case *watched* says what it found; difference and *call* are then its own, and there are no p-values.
    """

    name: str
    cells: int
    cases: int
    a: float
    b: float
    difference: float
    a_interval: Interval | None = None
    b_interval: Interval | None = None
    difference_interval: Interval | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    call: Call | None = None
    more_cases: int | None = None
    effect_size: float | None = None
    watched: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A cell whose word differs: *before* in A, *after* in B. Words are verdicts, or why there is none.

    *case_b* is the case's id in B where it is another; *changed* says that its variables or expected value are.
    """

    case: str
    column: str
    sample: int
    before: str
    after: str
    score_before: float | None = None
    score_after: float | None = None
    case_b: str = ""
    changed: bool = False

    @property
    def kind(self) -> str:
        """Such as ``pass -> fail``."""
        return f"{self.before} -> {self.after}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedColumn:
    """A column of A and one of B on the cells that both have: the same case, and the same sample.

    *compared* cells have a verdict on both sides; *no_verdict_a* and *no_verdict_b* count words such as error on a
    side of the others. *both*, *only_a*, *only_b* and *neither* say who passed. *case_changed* cells belong to cases
    that changed; *request_changed* ones ask another question of the same case, and *request_changes* says what differs
    (prompt, model, provider, parameters). *scorers_differ* counts verdicts of the same case by different scorers.
    """

    label: str
    label_a: str
    label_b: str
    simulated: bool
    matched: int
    compared: int
    cases: int
    both: int
    only_a: int
    only_b: int
    neither: int
    no_verdict_a: Mapping[str, int] = field(default_factory=dict)
    no_verdict_b: Mapping[str, int] = field(default_factory=dict)
    case_changed: int = 0
    request_changed: int = 0
    request_changes: tuple[str, ...] = ()
    scorers_differ: int = 0
    measures: tuple[Measure, ...] = ()

    def measure(self, name: str) -> Measure | None:
        """The measure of that name; None where the two have no such figure in common."""
        return next((one for one in self.measures if one.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseChange:
    """A case that both have, otherwise: its ids in A and B, and what differs (id, variables, expected)."""

    a: str
    b: str
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunComparison:
    """B beside A. Where both are one run, its columns are compared with each other.

    *cases_added* are ids that only B has, *cases_removed* only A; *columns_added* and *columns_removed* are labels.
    *flips* have a verdict on both sides, pass -> fail first and the largest fall of the score first; *one_sided* on one
    side only. *notes* is what a reader must know, *conclusion* what the comparison showed, in sentences. *folder* is
    where the files are, if they were written.
    """

    a: RunSide
    b: RunSide
    columns: tuple[ComparedColumn, ...]
    matched: int
    cells_added: int
    cells_removed: int
    cases_matched: int
    cases_added: tuple[str, ...] = ()
    cases_removed: tuple[str, ...] = ()
    cases_changed: tuple[CaseChange, ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    flips: tuple[Flip, ...] = ()
    one_sided: tuple[Flip, ...] = ()
    notes: tuple[str, ...] = ()
    conclusion: tuple[str, ...] = ()
    folder: str = ""

    @property
    def one_run(self) -> bool:
        """Whether one run's columns are compared."""
        return self.a.folder == self.b.folder

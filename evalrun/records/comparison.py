"""A run's figures, column by column: numbers and ids, never texts of answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from evalrun.records.plan import Column
from evalrun.records.suite import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with its 95 % interval."""

    mean: float
    low: float
    high: float


LATENCY_BINS_A_DECADE = 20
"""Into how many bins, equally wide on a log scale, latencies from 1 s up to 10 s fall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFigures:
    """One column in figures. Counts add up to *planned*; None means that there is nothing to say, never zero.
    *spared* counts cells that do not count, because what they were for was decided before they were asked or came back.

    *unscored* counts answers without a verdict (a scorer broke); *truncated* answers cut by a length limit, which are
    scored. *cached_tokens* and *reasoning_tokens* are sums as far as replies say. *ttft_p50_s* and *tokens_per_s* are
    medians over answers that were streamed; *tokens_per_cell*, *cost_per_cell_usd* are means over cells with a reply,
    the spared ones left out.

    *intervals* holds the 95 % interval of every other figure that has one, by its name: ``score``, ``scorer.<name>``,
    ``tokens_per_cell``, ``cost_per_cell_usd``, ``latency_p50_s``, ``latency_p95_s``, ``ttft_p50_s``, ``pass@k`` and
    ``pass^k``. Where a case has several samples, *pass_at* and *pass_all* are pass@k and pass^k by k, and *unsteady* is
    the share of cases whose verdict differs between samples.

    *place* counts the columns that compete from the best on, by their figures alone; *rank* is the best and the worst
    rank that the paired tests leave to it. *on_cost_front*: no other column scores higher for as little; likewise
    *on_latency_front*, by the median. None where there is nothing to compare.

    *latency_bins* counts answers by latency: bin k holds those from 10 ** (k / LATENCY_BINS_A_DECADE) seconds up to
    where bin k + 1 begins.
    """

    column: Column
    simulated: bool
    recorded: bool
    planned: int
    scored: int
    passed: int
    answered: int = 0
    no_answer: int = 0
    refused: int = 0
    filtered: int = 0
    errors: int = 0
    skipped: int = 0
    spared: int = 0
    pending: int = 0
    unscored: int = 0
    truncated: int = 0
    from_cache: int = 0
    pass_rate: Interval | None = None
    score: float | None = None
    scorers: Mapping[str, float] = field(default_factory=dict)
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    tokens_methods: tuple[str, ...] = ()
    cost_usd: float | None = None
    latency_p50_s: float | None = None
    latency_p95_s: float | None = None
    ttft_p50_s: float | None = None
    tokens_per_s: float | None = None
    requests: int = 0
    attempts: int = 0
    top_error: str = ""
    tokens_per_cell: float | None = None
    cost_per_cell_usd: float | None = None
    intervals: Mapping[str, Interval] = field(default_factory=dict)
    pass_at: Mapping[int, float] = field(default_factory=dict)
    pass_all: Mapping[int, float] = field(default_factory=dict)
    unsteady: Interval | None = None
    place: int | None = None
    rank: tuple[int, int] | None = None
    on_cost_front: bool | None = None
    on_latency_front: bool | None = None
    latency_bins: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TagFigures:
    """The *cases* that have a tag, in figures: for each column of the comparison its pass rate there, None where it has
    nothing scored, and how many of its cells are *scored*."""

    tag: str
    cases: int
    pass_rates: tuple[Interval | None, ...]
    scored: tuple[int, ...]


Call = Literal["better", "worse", "not distinguishable"]
"""What the first column of a pair is beside the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A cell on which two columns differ: case and sample, and the label of the column that passed."""

    case: str
    sample: int
    passed: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorePair:
    """Two columns' mean scores on the same cells, where scores say more than verdicts.

    *difference* is first minus second, with Student's interval; *p_value* the paired t test's, of few cases the larger
    of that and the permutation test's; *p_permutation* stands beside it. *effect_size* is Cohen's d_z. *decided*,
    *p_adjusted*, *needs* and *watched* are as in Pair, over the pairs that have scores.
    """

    difference: Interval
    standard_error: float | None
    p_value: float
    p_permutation: float
    p_adjusted: float | None
    decided: bool
    effect_size: float | None = None
    more_cases: int | None = None
    needs: str = ""
    watched: str = ""

    @property
    def call(self) -> Call:
        """In words."""
        return _call(self.difference, decided=self.decided)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two columns on the cells (case × sample) that both have scored, of *cases* cases: who passed which.

    *difference* is first minus second, in pass rate, with the interval of this pair alone; *p_value* is the exact
    McNemar test's, with samples the sign-flip test's, and *p_adjusted* allows for the other pairs shown (Holm). The two
    are told apart (*decided*) where *p_adjusted* is below 5 % and the interval does not hold 0; otherwise *needs* says
    what it would take, in words, and *more_cases* in figures. *effect_size* is Cohen's h, *odds_ratio* the odds that
    the first is the right one where they differ. *flips* are the first of the cells on which they differ.
    *stopped_early* says that one of them was asked no more once something was decided (``stop_when``): difference,
    interval and p-value presume a number of cases fixed before. Where it was these two that were looked at after every
    case, *watched* says in words what was found and when; difference, interval and *decided* are then of that, valid
    however often one looks, and there is no *p_adjusted*.
    """

    first: str
    second: str
    both: int
    only_first: int
    only_second: int
    neither: int
    difference: Interval
    p_value: float
    decided: bool
    cases: int = 0
    p_adjusted: float | None = None
    effect_size: float | None = None
    odds_ratio: float | None = None
    more_cases: int | None = None
    needs: str = ""
    score: ScorePair | None = None
    stopped_early: bool = False
    watched: str = ""
    flips: tuple[Flip, ...] = ()

    @property
    def call(self) -> Call:
        """In words."""
        return _call(self.difference, decided=self.decided)

    @property
    def cells(self) -> int:
        """How many cells both have scored."""
        return self.both + self.only_first + self.only_second + self.neither


def _call(difference: Interval, *, decided: bool) -> Call:
    if not decided or not difference.mean:
        return "not distinguishable"
    return "better" if difference.mean > 0 else "worse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Regressed:
    """An answer that passed in the baseline and fails now."""

    column: str
    case: str
    sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate's answer and why, in words. ``not decided`` while the run is incomplete.

    *regressed* are all answers that a gate against the baseline found to fail now, whatever it answers.
    """

    gate: Gate
    verdict: Literal["pass", "fail", "not enough evidence", "not decided"]
    reason: str
    regressed: tuple[Regressed, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether a complete run fails by it: with too little evidence only where the gate is strict."""
        return self.verdict == "fail" or (self.verdict == "not enough evidence" and self.gate.strict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All columns of a run, the pairs shown of *pairs_possible*, the gates, and the conclusion in a few sentences.

    *tags* are the largest of *tags_possible* tags, the one with most cases first.
    """

    columns: tuple[ColumnFigures, ...]
    pairs: tuple[Pair, ...]
    gates: tuple[GateResult, ...]
    conclusion: tuple[str, ...]
    complete: bool
    pairs_possible: int = 0
    tags: tuple[TagFigures, ...] = ()
    tags_possible: int = 0

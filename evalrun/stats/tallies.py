"""What is added up while rows stream past: the only things in stats that change."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence

from evalrun.records.comparison import LATENCY_BINS_A_DECADE, ColumnFigures, Interval
from evalrun.records.outcome import SCORED, Failure, Response, Status
from evalrun.records.plan import Column
from evalrun.records.row import Row
from evalrun.stats.by_cell import ByCell
from evalrun.stats.figures import amount_interval, percentile_interval, score_interval, seed_of, share_interval
from evalrun.stats.intervals import percentile, wilson
from evalrun.stats.pairs import FAILED, PASSED, UNSCORED
from evalrun.stats.samples import Spread, pass_all_k, pass_at_k, spread

ERROR_CHARACTERS = 200
EVERY_K_UP_TO = 5


class Sums:
    """Passes, scores, money and seconds of any set of rows. A figure that one answer lacks is unknown for the set."""

    def __init__(self) -> None:
        self.rows = self.replies = self.scored = self.passed = 0
        self.total_score = 0.0
        self.total_cost_usd = 0.0
        self.unpriced = 0
        self.latencies_s = array("d")

    def add(self, row: Row, *, scored: bool) -> None:
        """Count a row in."""
        self.rows += row.status is not Status.SPARED
        if scored and row.mark is not None:
            self.scored += 1
            self.passed += row.mark.verdict == "pass"
            self.total_score += row.mark.score or 0.0
        replies = row.replies
        if not replies:
            return
        self.replies += 1
        cost_usd = row.cost_usd
        latency_s = row.latency_s if isinstance(row.outcome, Response) else None  # a part of a dialogue tells nothing
        if cost_usd is None:
            self.unpriced += 1
        else:
            self.total_cost_usd += cost_usd
        if latency_s is not None:
            self.latencies_s.append(latency_s)

    @property
    def pass_rate(self) -> float | None:
        """Passed / scored."""
        return self.passed / self.scored if self.scored else None

    @property
    def score(self) -> float | None:
        """The mean score."""
        return self.total_score / self.scored if self.scored else None

    @property
    def cost_usd(self) -> float | None:
        """What all replies cost."""
        return None if self.unpriced or not self.replies else self.total_cost_usd

    @property
    def latency_s(self) -> float | None:
        """The mean latency."""
        return math.fsum(self.latencies_s) / len(self.latencies_s) if self.latencies_s else None

    def latency_percentile_s(self, share: float) -> float | None:
        """The latency that *share* of the replies stay below."""
        return percentile(sorted(self.latencies_s), share) if self.latencies_s else None


class ColumnTally:
    """One column's rows, added up.

    *verdicts* holds a byte a cell, by case, then sample; what intervals are made of holds eight. *graded*: some score
    says more than its verdict. *replied* counts the cells with a reply, without those that came too late to count: they
    are in sums, for they were paid for, and in no figure a cell.
    """

    def __init__(
        self, column: Column, *, simulated: bool, recorded: bool, planned: int, cases: int, samples: int
    ) -> None:
        self.column = column
        self.simulated = simulated
        self.recorded = recorded
        self.planned = planned
        self.cases = cases
        self.samples = samples
        self.graded = False
        self.scores, self.latencies, self.ttfts, self.amounts, self.costs = (ByCell(cases, samples) for _ in range(5))
        self.verdicts = bytearray(cases * samples)
        self.sums = Sums()
        self.statuses: Counter[Status] = Counter()
        self.replied = self.unscored = self.truncated = self.from_cache = self.requests = self.attempts = 0
        self.tokens: list[int | None] = [0, 0]
        self.known_tokens: list[int | None] = [None, None]
        self.speeds = array("d")
        self.tokens_methods: dict[str, None] = {}
        self.scorers: dict[str, ByCell] = {}
        self.faults: Counter[tuple[object, ...]] = Counter()
        self.fault_texts: dict[tuple[object, ...], str] = {}

    def add(self, row: Row, status: Status, *, scored: bool) -> None:
        """Count a row in."""
        self.statuses[status] += 1
        self.sums.add(row, scored=scored)
        self.requests += row.requests
        self.attempts += row.attempts
        self.from_cache += row.from_cache
        outcome, replies = row.outcome, row.replies
        if replies:
            sent, received = row.prompt_tokens, row.completion_tokens
            self._add_tokens(row, replies, sent, received)
            if status is not Status.SPARED:
                self._add_per_cell(row, sent, received)
        if isinstance(outcome, Response):
            self.truncated += outcome.finish_reason == "length"
            self._add_stream(row)
        elif isinstance(outcome, Failure) and status is not Status.SPARED:
            self._add_fault((outcome.kind, outcome.http_status, outcome.code), outcome.message or outcome.kind.value)
        if status in SCORED:
            self._add_mark(row, scored=scored)

    def _add_mark(self, row: Row, *, scored: bool) -> None:
        mark = row.mark
        if scored and mark is not None:
            passed, score = mark.verdict == "pass", mark.score or 0.0
            self.verdicts[row.cell.case * self.samples + row.cell.sample] = PASSED if passed else FAILED
            self.scores.put(row.cell.case, row.cell.sample, score)
            self.graded = self.graded or score != float(passed)
        else:
            self.unscored += 1
            reason = mark.reason if mark else "not scored yet"
            self._add_fault(("mark", reason.split(":")[0]), reason)
        for one in mark.scores if mark else ():
            if one.value is not None and math.isfinite(one.value):
                if one.name not in self.scorers:
                    self.scorers[one.name] = ByCell(self.cases, self.samples)
                self.scorers[one.name].put(row.cell.case, row.cell.sample, one.value)

    def _add_tokens(self, row: Row, replies: tuple[Response, ...], sent: int | None, received: int | None) -> None:
        for reply in replies:
            self.tokens_methods[str(reply.usage.method)] = None
        for place, count in enumerate((sent, received)):
            total = self.tokens[place]
            self.tokens[place] = None if total is None or count is None else total + count
        for place, count in enumerate((row.cached_tokens, row.reasoning_tokens)):
            if count is not None:
                self.known_tokens[place] = (self.known_tokens[place] or 0) + count

    def _add_per_cell(self, row: Row, sent: int | None, received: int | None) -> None:
        self.replied += 1
        cost_usd = row.cost_usd
        if sent is not None and received is not None:
            self.amounts.put(row.cell.case, row.cell.sample, sent + received)
        if cost_usd is not None:
            self.costs.put(row.cell.case, row.cell.sample, cost_usd)

    def _add_stream(self, row: Row) -> None:
        latency_s, ttft_s, tokens_per_s = row.latency_s, row.ttft_s, row.tokens_per_s
        if latency_s is not None:
            self.latencies.put(row.cell.case, row.cell.sample, latency_s)
        if ttft_s is not None:
            self.ttfts.put(row.cell.case, row.cell.sample, ttft_s)
        if tokens_per_s is not None:
            self.speeds.append(tokens_per_s)

    def _add_fault(self, kind: tuple[object, ...], text: str) -> None:
        self.faults[kind] += 1
        if kind not in self.fault_texts:
            self.fault_texts[kind] = " ".join(text.split())[:ERROR_CHARACTERS]

    def figures(self) -> ColumnFigures:
        """The column in figures."""
        sums, statuses = self.sums, self.statuses
        tokens = self.tokens if sums.replies else (None, None)
        varied, spread_intervals = self._spread()
        return ColumnFigures(
            column=self.column,
            simulated=self.simulated,
            recorded=self.recorded,
            planned=self.planned,
            scored=sums.scored,
            passed=sums.passed,
            answered=statuses[Status.ANSWERED],
            no_answer=statuses[Status.NO_ANSWER],
            refused=statuses[Status.REFUSED],
            filtered=statuses[Status.FILTERED],
            errors=statuses[Status.ERROR],
            skipped=statuses[Status.SKIPPED],
            spared=statuses[Status.SPARED],
            pending=self.planned - (statuses.total() - statuses[Status.PENDING]),
            unscored=self.unscored,
            truncated=self.truncated,
            from_cache=self.from_cache,
            pass_rate=self._pass_rate(),
            score=sums.score,
            scorers={name: _mean(by_cell.by_case()) for name, by_cell in self.scorers.items()},
            prompt_tokens=tokens[0],
            completion_tokens=tokens[1],
            cached_tokens=self.known_tokens[0],
            reasoning_tokens=self.known_tokens[1],
            tokens_methods=tuple(self.tokens_methods),
            cost_usd=sums.cost_usd,
            latency_p50_s=sums.latency_percentile_s(0.5),
            latency_p95_s=sums.latency_percentile_s(0.95),
            ttft_p50_s=_median([value for values in self.ttfts.by_case() for value in values]),
            tokens_per_s=_median(self.speeds),
            requests=self.requests,
            attempts=self.attempts,
            top_error=self.fault_texts[self.faults.most_common(1)[0][0]] if self.faults else "",
            tokens_per_cell=self._per_cell(self.amounts),
            cost_per_cell_usd=self._per_cell(self.costs),
            intervals=self._intervals() | spread_intervals,
            pass_at={k: mean.mean for k, mean in varied.pass_at.items()},
            pass_all={k: mean.mean for k, mean in varied.pass_all.items()},
            unsteady=varied.unsteady,
            latency_bins=latency_bins(sums.latencies_s),
        )

    def _pass_rate(self) -> Interval | None:
        scored, passed = self.sums.scored, self.sums.passed
        if not scored:
            return None
        if self.samples == 1:
            return wilson(passed, scored)
        return share_interval([[float(verdict == PASSED) for verdict in cells] for cells in self._scored_by_case()])

    def _intervals(self) -> dict[str, Interval]:
        """The interval of each figure that has one, by the figure's name."""
        scorers = {f"scorer.{name}": score_interval(by_cell.by_case()) for name, by_cell in self.scorers.items()}
        scores = self.scores.by_case()
        found = {"score": score_interval(scores), **scorers}
        if self._per_cell(self.amounts) is not None:
            found["tokens_per_cell"] = amount_interval(self.amounts.by_case(), seed=self._seed("tokens_per_cell"))
        if self._per_cell(self.costs) is not None:
            found["cost_per_cell_usd"] = amount_interval(self.costs.by_case(), seed=self._seed("cost_per_cell_usd"))
        for name, by_cell, share in (
            ("latency_p50_s", self.latencies, 0.5),
            ("latency_p95_s", self.latencies, 0.95),
            ("ttft_p50_s", self.ttfts, 0.5),
        ):
            found[name] = percentile_interval(by_cell.by_case(), share, seed=self._seed(name))
        return {name: interval for name, interval in found.items() if interval is not None}

    def _per_cell(self, amounts: ByCell) -> float | None:
        """The mean over the cells with a reply; None where there is none, or one of which it is not known."""
        values = amounts.by_case()
        return _mean(values) if values and sum(map(len, values)) == self.replied else None

    def _seed(self, figure: str) -> int:
        return seed_of(self.column.id, figure)

    def _spread(self) -> tuple[Spread, dict[str, Interval]]:
        """How verdicts vary over the samples of a case, and the intervals of pass@k and pass^k.

        Nothing where a case has one sample. The intervals are those of scores, so that a figure that is a share has
        Wilson's here as it has elsewhere.
        """
        if self.samples == 1:
            return spread([], ()), {}
        counted = [(cells.count(PASSED), len(cells)) for cells in self._scored_by_case()]
        varied, found = spread(counted, _ks(self.samples)), {}
        for sign, figure, ks in (("@", pass_at_k, varied.pass_at), ("^", pass_all_k, varied.pass_all)):
            for k in ks:
                enough = [(figure(passed, scored, k),) for passed, scored in counted if scored >= k]
                found[f"pass{sign}{k}"] = score_interval(enough)
        return varied, {name: interval for name, interval in found.items() if interval is not None}

    def _scored_by_case(self) -> Iterator[list[int]]:
        """The verdicts of each case that has some."""
        for start in range(0, len(self.verdicts), self.samples):
            cells = [verdict for verdict in self.verdicts[start : start + self.samples] if verdict != UNSCORED]
            if cells:
                yield cells


def latency_bins(latencies_s: Sequence[float]) -> dict[int, int]:
    """How many latencies, in seconds, fall into each bin of ColumnFigures.latency_bins; what took no time is 0.1 ms."""
    bins = Counter(math.floor(LATENCY_BINS_A_DECADE * math.log10(max(seconds, 1e-4))) for seconds in latencies_s)
    return dict(sorted(bins.items()))


def _ks(samples: int) -> list[int]:
    """The k of pass@k that are shown: every one up to 5, of more samples the powers of two and all of them."""
    if samples <= EVERY_K_UP_TO:
        return list(range(1, samples + 1))
    return [*(1 << power for power in range(samples.bit_length()) if 1 << power < samples), samples]


def _mean(values_by_case: Sequence[Sequence[float]]) -> float:
    return math.fsum(map(math.fsum, values_by_case)) / sum(map(len, values_by_case))


def _median(figures: Sequence[float]) -> float | None:
    return percentile(sorted(figures), 0.5) if figures else None

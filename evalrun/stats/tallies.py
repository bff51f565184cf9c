"""What is added up while rows stream past: the only things in stats that change."""

from __future__ import annotations

import math
from array import array
from collections import Counter

from evalrun.records.comparison import ColumnFigures, Interval
from evalrun.records.outcome import SCORED, Failure, Response, Status
from evalrun.records.plan import Column
from evalrun.records.row import Row
from evalrun.stats.intervals import design_effect, percentile, wilson
from evalrun.stats.pairs import FAILED, PASSED

ERROR_CHARACTERS = 200


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
        if not row.replies:
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
    """One column's rows, added up. *verdicts* holds a byte a cell, by case, then sample."""

    def __init__(
        self, column: Column, *, simulated: bool, recorded: bool, planned: int, cases: int, samples: int
    ) -> None:
        self.column = column
        self.simulated = simulated
        self.recorded = recorded
        self.planned = planned
        self.samples = samples
        self.verdicts = bytearray(cases * samples)
        self.sums = Sums()
        self.statuses: Counter[Status] = Counter()
        self.unscored = self.truncated = self.from_cache = self.requests = self.attempts = 0
        self.tokens: list[int | None] = [0, 0]
        self.known_tokens: list[int | None] = [None, None]
        self.ttfts_s, self.speeds = array("d"), array("d")
        self.tokens_methods: dict[str, None] = {}
        self.scorers: dict[str, list[float]] = {}
        self.faults: Counter[tuple[object, ...]] = Counter()
        self.fault_texts: dict[tuple[object, ...], str] = {}

    def add(self, row: Row, status: Status, *, scored: bool) -> None:
        """Count a row in."""
        self.statuses[status] += 1
        self.sums.add(row, scored=scored)
        self.requests += row.requests
        self.attempts += row.attempts
        self.from_cache += row.from_cache
        outcome = row.outcome
        if row.replies:
            self._add_tokens(row)
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
            passed = mark.verdict == "pass"
            self.verdicts[row.cell.case * self.samples + row.cell.sample] = PASSED if passed else FAILED
        else:
            self.unscored += 1
            reason = mark.reason if mark else "not scored yet"
            self._add_fault(("mark", reason.split(":")[0]), reason)
        for one in mark.scores if mark else ():
            if one.value is not None:
                sums = self.scorers.setdefault(one.name, [0.0, 0])
                sums[0] += one.value
                sums[1] += 1

    def _add_tokens(self, row: Row) -> None:
        for reply in row.replies:
            self.tokens_methods[reply.usage.method.value] = None
        for place, count in enumerate((row.prompt_tokens, row.completion_tokens)):
            total = self.tokens[place]
            self.tokens[place] = None if total is None or count is None else total + count
        for place, count in enumerate((row.cached_tokens, row.reasoning_tokens)):
            if count is not None:
                self.known_tokens[place] = (self.known_tokens[place] or 0) + count

    def _add_stream(self, row: Row) -> None:
        if row.ttft_s is not None:
            self.ttfts_s.append(row.ttft_s)
        if row.tokens_per_s is not None:
            self.speeds.append(row.tokens_per_s)

    def _add_fault(self, kind: tuple[object, ...], text: str) -> None:
        self.faults[kind] += 1
        if kind not in self.fault_texts:
            self.fault_texts[kind] = " ".join(text.split())[:ERROR_CHARACTERS]

    def figures(self) -> ColumnFigures:
        """The column in figures."""
        sums, statuses = self.sums, self.statuses
        tokens = self.tokens if sums.replies else (None, None)
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
            pass_rate=self._pass_rate() if sums.scored else None,
            score=sums.score,
            scorers={name: total / count for name, (total, count) in self.scorers.items()},
            prompt_tokens=tokens[0],
            completion_tokens=tokens[1],
            cached_tokens=self.known_tokens[0],
            reasoning_tokens=self.known_tokens[1],
            tokens_methods=tuple(self.tokens_methods),
            cost_usd=sums.cost_usd,
            latency_p50_s=sums.latency_percentile_s(0.5),
            latency_p95_s=sums.latency_percentile_s(0.95),
            ttft_p50_s=_median(self.ttfts_s),
            tokens_per_s=_median(self.speeds),
            requests=self.requests,
            attempts=self.attempts,
            top_error=self.fault_texts[self.faults.most_common(1)[0][0]] if self.faults else "",
        )

    def _pass_rate(self) -> Interval:
        scored, passed = self.sums.scored, self.sums.passed
        if self.samples == 1:
            return wilson(passed, scored)
        passes, sizes = [], []
        for start in range(0, len(self.verdicts), self.samples):
            cells = [verdict for verdict in self.verdicts[start : start + self.samples] if verdict]
            if cells:
                passes.append(cells.count(PASSED))
                sizes.append(len(cells))
        return wilson(passed, scored, effective=scored / design_effect(passes, sizes, passed))


def _median(figures: array[float]) -> float | None:
    return percentile(sorted(figures), 0.5) if figures else None

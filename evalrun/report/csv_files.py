"""results.csv, comparison.csv and summary.csv.

UTF-8, RFC 4180 with ``\\r\\n`` between records. What is unknown is an empty cell. Lists and mappings are JSON, yes and
no are ``true`` and ``false``. Figures have a fixed precision: scores and rates 6 decimals, money 9, seconds 3, mean
tokens and tokens a second 1. The bounds of a figure's 95 % interval stand beside it, as ``_low`` and ``_high``, empty
where the answers do not tell any. Text cells and headers go through safe_text.csv_cell; figures made here do not.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any

from evalrun.records.comparison import ColumnFigures, Comparison, Interval
from evalrun.records.outcome import Failure, Response
from evalrun.records.plan import Column, Plan
from evalrun.records.row import Row
from evalrun.records.suite import Case
from evalrun.report.fields import model_labels, params_text, scorer_names, to_text, variable_names, verdict_of
from evalrun.report.side_by_side import Group
from evalrun.report.standings import rank
from evalrun.safe_text import csv_cell


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_BEFORE = _names("run suite case tags prompt model params sample status verdict score reason")
_AFTER = _names(
    "finish_reason prompt_tokens completion_tokens total_tokens cached_tokens reasoning_tokens tokens_method cost_usd "
    "price_date judge_tokens judge_cost_usd latency_s ttft_s queue_s retry_wait_s requests attempts from_cache "
    "system_fingerprint error_kind error request_key"
)
_COLUMN = _names(
    "column label prompt model params simulated recorded rank on_cost_front on_latency_front planned scored passed "
    "pass_rate pass_rate_low pass_rate_high score score_low score_high"
)
_COUNTS = _names(
    "answered no_answer refused filtered errors skipped spared pending unscored truncated from_cache prompt_tokens "
    "completion_tokens total_tokens cached_tokens reasoning_tokens tokens_methods cost_usd"
)
_BOUNDED = _names("tokens_per_cell cost_per_cell_usd latency_p50_s latency_p95_s ttft_p50_s")
_LAST = _names("tokens_per_s requests attempts top_error")
_COMPARED = ("verdict", "score", "output", "tokens", "cost_usd")


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _whole(value: int | None) -> str:
    return "" if value is None else str(value)


def _score(value: float | None) -> str:
    return _number(value, 6)


def _usd(value: float | None) -> str:
    return _number(value, 9)


def _seconds(value: float | None) -> str:
    return _number(value, 3)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _value(value: Any) -> str:
    """A variable or an expected value: figures as they are, everything else as guarded text."""
    text = to_text(value)
    return text if isinstance(value, bool | int | float) else csv_cell(text)


class _Table:
    """A CSV file under way: a header, then records."""

    def __init__(self, file: IO[str], header: Iterable[str]) -> None:
        self._writer = csv.writer(file, lineterminator="\r\n")
        self._writer.writerow([csv_cell(name) for name in header])

    def record(self, cells: Sequence[str]) -> None:
        self._writer.writerow(cells)


class ResultsCsv(_Table):
    """results.csv: one row a cell, in plan order.

    Mutable state: the cells that rows of the case met last have in common, and those of every column.
    """

    def __init__(self, file: IO[str], plan: Plan, run: str) -> None:
        self._run, self._suite = csv_cell(run), csv_cell(plan.suite.name)
        self._scorers, self._variables = scorer_names(plan), variable_names(plan)
        self._column_cells: dict[str, list[str]] = {}
        self._case_cells: _CaseCells | None = None
        names = [*_BEFORE, *(f"scorer.{name}" for name in self._scorers), "output", "expected"]
        super().__init__(file, [*names, *(f"var.{name}" for name in self._variables), *_AFTER])

    def add(self, row: Row) -> None:
        """Write one row."""
        case = self._case_cells
        if case is None or case.case is not row.case:  # its columns and samples come one behind the other
            case = self._case_cells = _CaseCells.of(row.case, self._variables)
        column = self._column_cells.get(row.column.id)
        if column is None:
            column = self._column_cells[row.column.id] = _column_cells(row.column)
        mark = row.mark
        scores = {score.name: score.value for score in mark.scores} if mark else {}
        self.record(
            [
                self._run,
                self._suite,
                *case.before,
                *column,
                str(row.cell.sample),
                str(row.status),
                mark.verdict or "" if mark else "",
                _score(mark.score) if mark else "",
                csv_cell(mark.reason) if mark else "",
                *[_score(scores.get(name)) for name in self._scorers],
                csv_cell(row.output),
                *case.after,
                *_after(row),
            ]
        )


@dataclass(frozen=True, slots=True)
class _CaseCells:
    """What all rows of a case have in common: its id and tags, then what is expected and its variables."""

    case: Case
    before: tuple[str, ...]
    after: tuple[str, ...]

    @classmethod
    def of(cls, case: Case, variables: Sequence[str]) -> _CaseCells:
        """The cells of a case."""
        after = (_value(case.expected), *(_value(case.vars.get(name)) for name in variables))
        return cls(case, (csv_cell(case.id), csv_cell(to_text(list(case.tags)))), after)


def _column_cells(column: Column) -> list[str]:
    return [csv_cell(column.prompt), csv_cell(column.model), csv_cell(params_text(column))]


def _after(row: Row) -> list[str]:
    outcome, exchanges = row.outcome, row.exchanges
    response = outcome if isinstance(outcome, Response) else None
    failure = outcome if isinstance(outcome, Failure) else None
    asked = bool(exchanges)
    return [
        csv_cell(response.finish_reason or "") if response else "",
        _whole(row.prompt_tokens),
        _whole(row.completion_tokens),
        _whole(row.total_tokens),
        _whole(row.cached_tokens),
        _whole(row.reasoning_tokens),
        str(row.tokens_method or ""),
        _usd(row.cost_usd),
        csv_cell(exchanges[-1].price_date) if asked else "",
        "",  # judge_tokens: no judge was asked
        "",  # judge_cost_usd
        _seconds(row.latency_s),
        _seconds(row.ttft_s),
        _seconds(sum([e.queue_s for e in exchanges])) if asked else "",
        _seconds(sum([e.retry_wait_s for e in exchanges])) if asked else "",
        str(row.requests),
        str(row.attempts),
        _flag(row.from_cache),
        csv_cell(response.system_fingerprint or "") if response else "",
        str(failure.kind) if failure else "",
        csv_cell(failure.message) if failure else "",
        csv_cell(row.cell.request_key),
    ]


class ComparisonCsv(_Table):
    """comparison.csv: one row a case × prompt × parameters, the models side by side."""

    def __init__(self, file: IO[str], plan: Plan) -> None:
        self._models = model_labels(plan)
        own = ["case", "prompt", "params", "tags", "expected", "flip"]
        super().__init__(file, [*own, *(f"{label}.{name}" for label in self._models for name in _COMPARED)])

    def add(self, group: Group) -> None:
        """Write one group: samples averaged, the output of the first one."""
        first = group.rows[0]
        cells = [
            csv_cell(first.case.id),
            csv_cell(first.column.prompt),
            csv_cell(params_text(first.column)),
            csv_cell(to_text(list(first.case.tags))),
            _value(first.case.expected),
            _flag(_is_flip(group)),
        ]
        by_model: dict[str, list[Row]] = {}
        for row in group.rows:
            by_model.setdefault(row.column.model, []).append(row)
        for label in self._models:
            cells += _compared(by_model.get(label, ()))
        self.record(cells)


def _is_flip(group: Group) -> bool:
    """Whether, on the same sample, one model passes and another fails."""
    verdicts = {(row.cell.sample, verdict_of(row)) for row in group.rows}
    return any(verdict == "pass" and (sample, "fail") in verdicts for sample, verdict in verdicts)


def _compared(rows: Sequence[Row]) -> list[str]:
    """One model's rows."""
    if not rows:
        return [""] * len(_COMPARED)
    if len(rows) == 1:  # the means of one sample are its own figures
        row, total = rows[0], rows[0].total_tokens
        score = row.mark.score if row.mark is not None and row.scored else None
        own = _score(score), csv_cell(row.output), "" if total is None else f"{total}.0", _usd(row.cost_usd)
        return [verdict_of(row), *own]
    rows = sorted(rows, key=lambda row: row.cell.sample)
    words = {verdict_of(row) for row in rows}
    scores = [row.mark.score for row in rows if row.mark is not None and row.scored]
    return [
        words.pop() if len(words) == 1 else "mixed",
        _score(_mean(scores)),
        csv_cell(rows[0].output),
        _number(_mean([row.total_tokens for row in rows]), 1),
        _usd(_mean([row.cost_usd for row in rows])),
    ]


def _mean(figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) / len(known) if known else None


def write_summary(file: IO[str], comparison: Comparison) -> None:
    """summary.csv: one row a column of the comparison, with all its figures."""
    columns = comparison.columns
    scorers = tuple(dict.fromkeys(name for figures in columns for name in figures.scorers))
    ks = sorted({k for figures in columns for k in figures.pass_at})
    varied = [*(f"pass@{k}" for k in ks), *(f"pass^{k}" for k in ks), *(["unsteady"] if ks else [])]
    bounded = [*(f"scorer.{name}" for name in scorers), *varied]
    table = _Table(file, [*_COLUMN, *_with_bounds(bounded), *_COUNTS, *_with_bounds(_BOUNDED), *_LAST])
    for figures in columns:
        cells = _identity(figures)
        for name in scorers:
            cells += _bounded(figures.scorers.get(name), figures.intervals.get(f"scorer.{name}"))
        for sign, means in (("@", figures.pass_at), ("^", figures.pass_all)):
            for k in ks:
                cells += _bounded(means.get(k), figures.intervals.get(f"pass{sign}{k}"))
        if ks:
            cells += _bounded(figures.unsteady.mean if figures.unsteady else None, figures.unsteady)
        table.record([*cells, *_figures(figures)])


def _with_bounds(names: Iterable[str]) -> Iterable[str]:
    """Each name, then those of its bounds."""
    return (whole for name in names for whole in (name, f"{name}_low", f"{name}_high"))


def _bounded(figure: float | None, interval: Interval | None, digits: int = 6) -> list[str]:
    bounds = (interval.low, interval.high) if interval else (None, None)
    return [_number(value, digits) for value in (figure, *bounds)]


def _identity(figures: ColumnFigures) -> list[str]:
    column, passed = figures.column, figures.pass_rate
    return [
        csv_cell(column.id),
        csv_cell(column.label),
        csv_cell(column.prompt),
        csv_cell(column.model),
        csv_cell(params_text(column)),
        _flag(figures.simulated),
        _flag(figures.recorded),
        rank(figures),
        *("" if on is None else _flag(on) for on in (figures.on_cost_front, figures.on_latency_front)),
        *map(str, (figures.planned, figures.scored, figures.passed)),
        *_bounded(passed.mean if passed else None, passed),
        *_bounded(figures.score, figures.intervals.get("score")),
    ]


def _figures(figures: ColumnFigures) -> list[str]:
    known = figures.prompt_tokens is not None and figures.completion_tokens is not None
    total = (figures.prompt_tokens or 0) + (figures.completion_tokens or 0) if known else None
    counts = (figures.answered, figures.no_answer, figures.refused, figures.filtered, figures.errors, figures.skipped)
    digits = {"tokens_per_cell": 1, "cost_per_cell_usd": 9}
    bounded = [_bounded(getattr(figures, name), figures.intervals.get(name), digits.get(name, 3)) for name in _BOUNDED]
    return [
        *map(str, (*counts, figures.spared, figures.pending, figures.unscored, figures.truncated, figures.from_cache)),
        *map(_whole, (figures.prompt_tokens, figures.completion_tokens, total)),
        *map(_whole, (figures.cached_tokens, figures.reasoning_tokens)),
        csv_cell(to_text(list(figures.tokens_methods))),
        _usd(figures.cost_usd),
        *(cell for cells in bounded for cell in cells),
        _number(figures.tokens_per_s, 1),
        str(figures.requests),
        str(figures.attempts),
        csv_cell(figures.top_error),
    ]

"""results.parquet: the columns of results.csv with types, for pandas, DuckDB, Polars and the like.

Numbers are numbers and not rounded, yes and no are booleans, tags are a list, and what is unknown is null. Text is as
it was said: nothing reads a formula in a Parquet file. A variable, or what is expected, is a column of its own type
where it has the same in every case, else text as in results.csv. Rows are written in groups, so that few are held.

It needs pyarrow, which the extra ``parquet`` brings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any

from evalrun.errors import UsageError
from evalrun.records.outcome import Failure, Response
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.report.fields import params_text, scorer_names, to_text, variable_names

if TYPE_CHECKING:
    import pyarrow as pa

Read = Callable[[Row], Any]

_ROWS, _BYTES = 10_000, 16_000_000  # of a group, whichever comes first
_LONG = ("output", "reason", "expected", "error")
_EXACT = 2**53  # up to here every whole number is a float
_INT64 = 2**63


def check_parquet() -> None:
    """Raise UsageError, with the command that mends it, where pyarrow is missing."""
    if find_spec("pyarrow") is None:
        raise UsageError(
            "--format parquet needs pyarrow, which is not installed\n"
            "install it with: python -m pip install 'evalrun[parquet]'"
        )


class ResultsParquet:
    """results.parquet under way: one row a cell, in plan order. What changes is the group being filled."""

    def __init__(self, file: IO[bytes], plan: Plan, run: str) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        columns, types = _columns(plan, run), _types(pa)
        self._reads = [read for _, read in columns.values()]
        self._long = [at for at, name in enumerate(columns) if name in _LONG or name.startswith("var.")]
        names = zip(_distinct(columns), columns.values(), strict=True)
        self._schema = pa.schema([(name, types[kind]) for name, (kind, _) in names])
        self._writer = parquet.ParquetWriter(_Sink(file), self._schema, compression="zstd")
        self._group: list[list[Any]] = []
        self._bytes = 0

    def add(self, row: Row) -> None:
        """Take one row."""
        record = [read(row) for read in self._reads]
        self._group.append(record)
        self._bytes += sum([len(record[at]) for at in self._long if isinstance(record[at], str)])
        if len(self._group) >= _ROWS or self._bytes >= _BYTES:
            self._flush()

    def finish(self) -> None:
        """Write what is left, and the file's foot."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._group:
            columns = zip(zip(*self._group, strict=True), self._schema.types, strict=True)
            arrays = [_array(pa, values, kind) for values, kind in columns]
            self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._group, self._bytes = [], 0


class _Sink:
    """The file, for pyarrow: a writer that is given up after a fault writes its foot into a file that is closed."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.closed = False

    def write(self, data: Any) -> int:
        return len(data) if self._file.closed else self._file.write(data)

    def flush(self) -> None:
        """The file is flushed by who opened it."""

    def tell(self) -> int:
        return 0 if self._file.closed else self._file.tell()

    def close(self) -> None:
        self.closed = True


def _array(pa: Any, values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """A column of a group; what is no number is null. Lone surrogates are rare enough to look for them on demand."""
    try:
        return pa.array(values, kind, from_pandas=True)
    except UnicodeEncodeError:
        return pa.array([_clean(value) for value in values], kind, from_pandas=True)


def _types(pa: Any) -> dict[str, pa.DataType]:
    return {
        "text": pa.string(), "texts": pa.list_(pa.string()), "whole": pa.int64(), "real": pa.float64(),
        "flag": pa.bool_(),
    }  # fmt: skip


def _columns(plan: Plan, run: str) -> dict[str, tuple[str, Read]]:
    """Every column, in the order of results.csv: its name, its kind of value, and where a row has it."""
    cases = plan.suite.cases
    expected = _kind(case.expected for case in cases)
    columns: dict[str, tuple[str, Read]] = {
        "run": ("text", lambda row: run),
        "suite": ("text", lambda row: plan.suite.name),
        "case": ("text", lambda row: row.case.id),
        "tags": ("texts", lambda row: list(row.case.tags)),
        "prompt": ("text", lambda row: row.column.prompt),
        "model": ("text", lambda row: row.column.model),
        "params": ("text", lambda row: params_text(row.column)),
        "sample": ("whole", lambda row: row.cell.sample),
        "status": ("text", lambda row: str(row.status)),
        "verdict": ("text", lambda row: row.mark.verdict if row.mark else None),
        "score": ("real", lambda row: row.mark.score if row.mark else None),
        "reason": ("text", lambda row: row.mark.reason if row.mark else None),
    }
    columns |= {f"scorer.{name}": ("real", _scorer(name)) for name in scorer_names(plan)}
    columns["output"] = ("text", lambda row: row.output if isinstance(row.outcome, Response) else None)
    columns["expected"] = (expected, lambda row: _as(expected, row.case.expected))
    for name in variable_names(plan):
        kind = _kind(case.vars.get(name) for case in cases)
        columns[f"var.{name}"] = (kind, _variable(name, kind))
    return columns | _AFTER


def _distinct(names: Iterable[str]) -> list[str]:
    """Names without lone surrogates, still apart."""
    found: dict[str, None] = {}
    for name in map(_clean, names):
        while name in found:
            name += "'"
        found[name] = None
    return list(found)


def _scorer(name: str) -> Read:
    def read(row: Row) -> float | None:
        scores = row.mark.scores if row.mark else ()
        return next((score.value for score in reversed(scores) if score.name == name), None)

    return read


def _variable(name: str, kind: str) -> Read:
    return lambda row: _as(kind, row.case.vars.get(name))


def _kind(values: Iterable[Any]) -> str:
    """What a column of these values holds: text where they are not all of one simple kind."""
    kinds: set[str] = set()
    for value in values:
        if isinstance(value, bool):
            kinds.add("flag")
        elif isinstance(value, int):
            kinds.add("whole" if abs(value) <= _EXACT else "large" if -_INT64 <= value < _INT64 else "text")
        elif isinstance(value, float):
            kinds.add("real")
        elif value is not None:
            kinds.add("text")
    if kinds <= {"whole", "large"} and kinds:
        return "whole"
    if kinds == {"whole", "real"}:
        return "real"
    return kinds.pop() if len(kinds) == 1 else "text"


def _as(kind: str, value: Any) -> Any:
    """A value as one of that kind; null stays null."""
    if value is None:
        return None
    if kind == "text":
        return to_text(value)
    return float(value) if kind == "real" else value


def _clean(value: Any) -> Any:
    """Text without lone surrogates, which UTF-8 does not have."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return [_clean(one) for one in value] if isinstance(value, list) else value


def _of_response(name: str) -> Read:
    return lambda row: getattr(row.outcome, name) if isinstance(row.outcome, Response) else None


def _of_failure(name: str) -> Read:
    return lambda row: str(getattr(row.outcome, name)) if isinstance(row.outcome, Failure) else None


def _own(name: str) -> Read:
    return lambda row: getattr(row, name)


def _waited(name: str) -> Read:
    return lambda row: sum(getattr(one, name) for one in row.exchanges) if row.exchanges else None


_AFTER: dict[str, tuple[str, Read]] = {
    "finish_reason": ("text", _of_response("finish_reason")),
    "prompt_tokens": ("whole", _own("prompt_tokens")),
    "completion_tokens": ("whole", _own("completion_tokens")),
    "total_tokens": ("whole", _own("total_tokens")),
    "cached_tokens": ("whole", _own("cached_tokens")),
    "reasoning_tokens": ("whole", _own("reasoning_tokens")),
    "tokens_method": ("text", lambda row: str(row.tokens_method) if row.tokens_method else None),
    "cost_usd": ("real", _own("cost_usd")),
    "price_date": ("text", lambda row: row.exchanges[-1].price_date or None if row.exchanges else None),
    "judge_tokens": ("whole", lambda row: None),
    "judge_cost_usd": ("real", lambda row: None),
    "latency_s": ("real", _own("latency_s")),
    "ttft_s": ("real", _own("ttft_s")),
    "queue_s": ("real", _waited("queue_s")),
    "retry_wait_s": ("real", _waited("retry_wait_s")),
    "requests": ("whole", _own("requests")),
    "attempts": ("whole", _own("attempts")),
    "from_cache": ("flag", _own("from_cache")),
    "system_fingerprint": ("text", _of_response("system_fingerprint")),
    "error_kind": ("text", _of_failure("kind")),
    "error": ("text", _of_failure("message")),
    "request_key": ("text", lambda row: row.cell.request_key),
}

"""junit.xml: what CI systems read. A test case is a cell, and each gate; failure, error and skipped are kept apart.

A verdict *fail* is a failure with its reason; an error is what has no verdict though it was asked: errors, filtered
answers, scorers that broke; skipped is what was not asked, or a gate that is not decided. The counts of a suite are
those of all its cells. Listed one by one are all cells of up to 10,000; of more, only those that fail or are in error;
and the file ends at 16 MiB. What is left out is counted in the file.
"""

from __future__ import annotations

import tempfile
import weakref
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import IO, Literal

from evalrun.records.comparison import Comparison, GateResult
from evalrun.records.outcome import Failure, Status
from evalrun.records.plan import Plan
from evalrun.records.row import Row
from evalrun.records.run import RunFacts
from evalrun.report.fields import narrowed, to_text, utc, verdict_of
from evalrun.safe_text import visible, xml_text

MOST_LISTED = 10_000
"""Of a run with more cells than this, those that pass or are skipped are only counted."""

MOST_BYTES = 16 * 2**20
_FOR_GATES = 2**20
_FOR_THE_END = 2**16
_MOST_NAME, _MOST_MESSAGE, _MOST_TEXT = 200, 500, 2_000

Result = Literal["pass", "failure", "error", "skipped"]

_RESULTS: dict[str, Result] = {
    "pass": "pass",
    "fail": "failure",
    Status.SKIPPED: "skipped",
    Status.SPARED: "skipped",
    Status.PENDING: "skipped",
}
_ORDER: tuple[Result, ...] = ("pass", "failure", "error", "skipped")
_IN_MEMORY = 1_000_000


class _Names:
    """What the test cases of a plan are called."""

    def __init__(self, plan: Plan) -> None:
        self.suite = xml_text(_cut(plan.suite.name, _MOST_NAME))
        self._columns = [xml_text(_cut(column.label, _MOST_NAME)) for column in plan.columns]
        self._sampled = plan.suite.samples > 1

    def test_case(self, row: Row, result: Result) -> str:
        """A row's test case."""
        sample = f" #{row.cell.sample}" if self._sampled else ""
        name = xml_text(_cut(row.case.id, _MOST_NAME)) + sample
        time = "" if row.latency_s is None else f' time="{row.latency_s:.3f}"'
        head = f'<testcase classname="{self.suite}.{self._columns[row.cell.column]}" name="{name}"{time}'
        return _test_case(head, "" if result == "pass" else _told(row, result))


class TestCases:
    """Rows as the file's test cases, kept on the disk while rows go by: how many there are stands in front of them.

    What changes: what is kept, and how many bytes there is room for.
    """

    __test__ = False  # no test, whatever pytest makes of the name

    def __init__(self, plan: Plan, *, most_listed: int = MOST_LISTED, most_bytes: int = MOST_BYTES) -> None:
        self._names = _Names(plan)
        self._all = len(plan.cells) <= most_listed
        self._room = most_bytes
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # read and closed by read
        self._results = bytearray()
        self._sizes = array("I")
        weakref.finalize(self, self._file.close)

    def add(self, row: Row) -> None:
        """Keep a row's test case, or only its result where there can be no place for it."""
        result = _result_of(row)
        if self._room < 0 or (not self._all and result in {"pass", "skipped"}):
            data = b""
        else:
            data = self._names.test_case(row, result).encode("utf-8", "replace")
            self._file.write(data)
            self._room -= len(data)
        self._results.append(_ORDER.index(result))
        self._sizes.append(len(data))

    def read(self) -> Iterator[tuple[Result, str]]:
        """Every test case with its result, in order; where there is no place for it, without its text. Only once."""
        with self._file as file:
            file.seek(0)
            for result, size in zip(self._results, self._sizes, strict=True):
                yield _ORDER[result], file.read(size).decode() if size else ""


class JunitXml:
    """The file under way. What changes: the bytes left, whether it is full, and what was left out, by result."""

    def __init__(
        self,
        file: IO[str],
        plan: Plan,
        comparison: Comparison,
        facts: RunFacts,
        *,
        most_listed: int = MOST_LISTED,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._file, self._facts = file, facts
        self._gates = comparison.gates
        self._all = len(plan.cells) <= most_listed
        self._left = most_bytes - _FOR_THE_END
        self._full = False
        self._left_out: Counter[Result] = Counter()
        self._names = _Names(plan)
        self._suite = self._names.suite
        self._file_name = xml_text(_cut(plan.suite.file, _MOST_NAME))
        self._begin(comparison)

    def add(self, row: Row) -> None:
        """Write a row's test case, or count it where it has no place."""
        result = _result_of(row)
        listed = not self._full and (self._all or result not in {"pass", "skipped"})
        self.put(result, self._names.test_case(row, result) if listed else "")

    def put(self, result: Result, text: str) -> None:
        """Write a test case, or count it where it has no place."""
        if self._full or not text:
            self._left_out[result] += 1
        else:
            self._write(result, text, keep=_FOR_GATES)

    def finish(self) -> None:
        """Say what was left out, write the gates, and end the file."""
        self._end_suite("see results.csv and report.html beside this file")
        if self._gates:
            counts = Counter(map(_gate_result, self._gates))
            self._file.write(f'<testsuite name="{self._suite} gates" {_counts(counts)}>\n')
            for gate in self._gates:
                self._gate(gate)
            self._end_suite("see run.json beside this file")
        self._file.write("</testsuites>\n")

    def _begin(self, comparison: Comparison) -> None:
        columns = comparison.columns
        cells: Counter[Result] = Counter(
            {
                "pass": sum(c.passed for c in columns),
                "failure": sum(c.scored - c.passed for c in columns),
                "error": sum(c.errors + c.filtered + c.unscored for c in columns),
                "skipped": sum(c.skipped + c.spared + c.pending for c in columns),
            }
        )
        gates = Counter(map(_gate_result, comparison.gates))
        facts = self._facts
        said = {"run": facts.run, "state": facts.state, "reason": facts.reason, "go on": facts.go_on}
        said |= {"resume after": facts.resume_after or "", "conclusion": " ".join(comparison.conclusion)}
        properties = "".join(
            f'<property name="{name}" value="{xml_text(_cut(value, _MOST_TEXT))}"/>\n'
            for name, value in said.items()
            if value
        )
        self._put(
            f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{self._suite}" {_counts(cells + gates)}>\n'
            f'<testsuite name="{self._suite}" {_counts(cells)} timestamp="{utc(facts.started_at)}">\n'
            f"<properties>\n{properties}</properties>\n"
        )

    def _gate(self, gate: GateResult) -> None:
        result = _gate_result(gate)
        only = narrowed(gate.gate)
        name = xml_text(_cut(gate.gate.text + (f" for {only}" if only else ""), _MOST_NAME))
        place = f' file="{self._file_name}"' + (f' line="{gate.gate.line}"' if gate.gate.line else "")
        head = f'<testcase classname="{self._suite}.gates" name="{name}"{place}'
        worse = [f"{one.case} ({one.column}) passed in the baseline" for one in gate.regressed[:20]]
        if len(gate.regressed) > len(worse):
            worse.append(f"and {len(gate.regressed) - len(worse):,} more: run.json has them")
        body = "" if result == "pass" else _element(result, gate.reason, gate.verdict, "\n".join(worse))
        self._write(result, _test_case(head, body), keep=0)

    def _write(self, result: Result, text: str, *, keep: int) -> None:
        """A test case, where *keep* bytes and the end still have room after it."""
        if len(text) > self._left - keep or _bytes(text) > self._left - keep:
            self._left_out[result] += 1
            self._full = True
        else:
            self._put(text)

    def _put(self, text: str) -> None:
        self._file.write(text)
        self._left -= _bytes(text)

    def _end_suite(self, where: str) -> None:
        """Close a suite, after a word on what is not listed in it."""
        if self._left_out:
            words: dict[Result, str] = {
                "pass": "pass",
                "failure": "fail",
                "error": "are in error",
                "skipped": "are skipped",
            }
            said = ", ".join(f"{self._left_out[r]:,} that {words[r]}" for r in words if self._left_out[r])
            self._file.write(f"<system-out>not listed here: {said}; {where}</system-out>\n")
            self._left_out.clear()
        self._file.write("</testsuite>\n")


def _counts(results: Counter[Result]) -> str:
    failures, errors, skipped = results["failure"], results["error"], results["skipped"]
    return f'tests="{results.total()}" failures="{failures}" errors="{errors}" skipped="{skipped}"'


def _gate_result(gate: GateResult) -> Result:
    """A gate that fails a complete run is a failure; one that nobody could decide is skipped."""
    if gate.failed:
        return "failure"
    return "pass" if gate.verdict == "pass" else "skipped"


def _result_of(row: Row) -> Result:
    return _RESULTS.get(verdict_of(row), "error")


def _test_case(head: str, body: str) -> str:
    return f"{head}>{body}</testcase>\n" if body else f"{head}/>\n"


def _told(row: Row, result: Result) -> str:
    """The element that says why a cell did not pass."""
    status, outcome, mark = row.status, row.outcome, row.mark
    if result == "skipped":
        words = {Status.PENDING: "not asked yet", Status.SPARED: "not needed: what it was for was decided before"}
        reason = outcome.message if isinstance(outcome, Failure) and status == Status.SKIPPED else ""
        return _element(result, reason or words.get(status, str(status)), str(status), "")
    if isinstance(outcome, Failure):
        return _element(result, outcome.message, str(outcome.kind), "")
    broken = "; ".join(f"{score.name}: {score.error}" for score in mark.scores if score.error) if mark else ""
    if result == "error":
        return _element(result, broken or (mark.reason if mark else "") or "no verdict", verdict_of(row), row.output)
    expected = to_text(row.case.expected)
    said = [f"expected: {_cut(expected, _MOST_TEXT)}"] if expected else []
    answer = "\n".join([*said, f"answer: {_cut(row.output, _MOST_TEXT)}"])
    return _element(result, (mark.reason if mark else "") or "fail", "fail", answer)


def _element(kind: Result, message: str, what: str, text: str) -> str:
    head = f'<{kind} message="{xml_text(_cut(message, _MOST_MESSAGE))}"'
    if kind == "skipped":
        return f"{head}/>"
    head += f' type="{xml_text(_cut(what, _MOST_NAME))}"'
    return f"{head}>{xml_text(_cut(text, 3 * _MOST_TEXT))}</{kind}>" if text else f"{head}/>"


def _cut(text: str, most: int) -> str:
    """The beginning of a text, as it is shown, and how much is left out."""
    shown = visible(text[: most + 1])
    if len(text) <= most and len(shown) <= most:
        return shown
    head = shown[:most]
    return f"{head}… ({len(text):,} characters)"


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))

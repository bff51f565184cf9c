"""Whether a column of two runs can be compared: what it asked, of which cases, and how that was judged. Pure."""

from __future__ import annotations

import hashlib
from typing import Any

from evalrun.records.plan import Plan
from evalrun.report.fields import flat, to_json

_ALL = 2**256


def column_digests(plan: Plan) -> dict[str, str]:
    """A digest for each column, by its label: of every cell's case, sample and request, in whatever order, and of what
    its mark depends on besides the answer. Recorded answers were asked elsewhere: their columns have no requests."""
    suite, recorded = plan.suite, recorded_columns(plan)
    judged = _digest([[flat(scorer) for scorer in suite.scorers], suite.threshold])
    cases = [
        judged + _digest([case.id, case.expected, case.threshold, [flat(scorer) for scorer in case.scorers]])
        for case in suite.cases
    ]
    sums = [0] * len(plan.columns)
    for cell in plan.cells:
        asked = f"{cell.sample} {'' if cell.column in recorded else cell.request_key}".encode("utf-8", "surrogatepass")
        one = hashlib.sha256(cases[cell.case] + asked).digest()
        sums[cell.column] = (sums[cell.column] + int.from_bytes(one, "big")) % _ALL
    return {column.label: f"{total:064x}" for column, total in zip(plan.columns, sums, strict=True)}


def recorded_columns(plan: Plan) -> frozenset[int]:
    """The numbers of the columns whose answers exist already; what is in their file changes the key of a request."""
    labels = {model.label for model in plan.suite.models if model.recorded is not None}
    return frozenset(at for at, column in enumerate(plan.columns) if column.model in labels)


def _digest(value: Any) -> bytes:
    return hashlib.sha256(to_json(value).encode("utf-8", "surrogatepass")).digest()

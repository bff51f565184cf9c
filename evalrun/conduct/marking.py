"""stored answers -> scoring.score -> stored marks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from evalrun.conduct.dialogues import with_tools
from evalrun.conduct.human import human_score, verdict_tag, verdicts_of
from evalrun.records.plan import Cell, Plan
from evalrun.records.score import Mark
from evalrun.records.suite import Case, Price
from evalrun.scoring import digest, score
from evalrun.store.run import RunStore


def score_rows(store: RunStore, plan: Plan, prices: Mapping[str, Price]) -> int:
    """Score every answer whose mark is missing or was given by other scorers; no request is sent. Returns how many.

    Scorers of cost are others where other *prices* hold. What people said of an answer is a score of it.
    """
    suite = plan.suite
    digests = {case.id: digest(suite.scorers, case, suite.threshold) for case in suite.cases}
    if prices:
        tag = hashlib.sha256(json.dumps({n: asdict(p) for n, p in prices.items()}, sort_keys=True).encode()).hexdigest()
        for case in suite.cases:
            if any(scorer.type == "cost" for scorer in (*suite.scorers, *case.scorers)):
                digests[case.id] += f"-{tag}"

    scorers = (*suite.scorers, *(scorer for case in suite.cases for scorer in case.scorers))
    whole = any(scorer.scope == "conversation" for scorer in scorers)
    verdicts = verdicts_of(store)

    def digest_of(cell: Cell, case: Case) -> str:
        verdict = verdicts.get(cell.key)
        return f"{digests[case.id]}-{verdict_tag(verdict)}" if verdict else digests[case.id]

    def marks() -> Iterator[tuple[str, str, Mark]]:
        by_case = [digests[case.id] for case in suite.cases]
        by_position = None if verdicts else [by_case[cell.case] for cell in plan.cells]
        for row, wanted in store.marks_missing(digest_of, with_messages=whole, by_position=by_position):
            also = human_score(row, verdicts)
            mark = score(with_tools(row, plan), suite.scorers, suite.threshold, also=also)
            if mark is not None:
                yield row.cell.key, wanted, mark

    return store.put_marks(marks())

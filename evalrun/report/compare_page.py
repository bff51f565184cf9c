"""comparison.html: two runs side by side, in one file that loads nothing and trusts no text.

It has the look, the script and the content policy of report.html. Flips come first, so that they have room whatever the
number of cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

from evalrun.records.plan import Column, Plan
from evalrun.records.row import Row
from evalrun.records.run_comparison import ComparedColumn, Measure, RunComparison, RunSide
from evalrun.records.suite import Suite
from evalrun.report import numbers
from evalrun.report.compare_text import FORMS, TITLES, difference, says_nothing, share
from evalrun.report.compare_words import changes, needed, p_value
from evalrun.report.fields import to_text, utc
from evalrun.report.island import Island
from evalrun.report.page import data_elements, policy, style_and_script, template
from evalrun.report.side_by_side import Group
from evalrun.report.slugs import slugs
from evalrun.safe_text import visible

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_ROWS = 10_000
MOST_BYTES = 16_000_000
_MOST_LISTED = 1_000


class PairsIsland:
    """Collects matched cells for the page, the first that are added; the two sides are the columns of its table."""

    def __init__(self, found: RunComparison, suites: tuple[Suite, Suite], *, most_rows: int = MOST_ROWS) -> None:
        self._labels = _side_labels(found)
        self._columns = tuple(Column(id=label, label=label, prompt="", model=label) for label in self._labels)
        pictures = {**suites[0].pictures, **suites[1].pictures}
        suite = replace(suites[0], pictures=pictures, samples=1)
        plan = Plan(suite=suite, columns=self._columns, cells=(), order=())
        self._island = Island(plan, page_limit=MOST_BYTES, real=(True, True))
        self._several = (len(found.columns) > 1, max(suite.samples for suite in suites) > 1)
        self._most_rows, self._added = most_rows, 0

    @property
    def shown(self) -> int:
        """How many cells the page has; none may come after this."""
        return self._island.held.cases

    @property
    def full(self) -> bool:
        """Whether there is no room for more."""
        return self._added >= self._most_rows

    def add(self, label: str, a: Row, b: Row, changed: str) -> None:
        """Take a matched cell: its column's *label*, and what of its case *changed*, in words."""
        of_columns, of_samples = self._several
        said = [label if of_columns else "", f"sample {a.cell.sample}" if of_samples else ""]
        said.append(f"changed: {changed}" if changed else "")
        case = replace(a.case, tags=(*filter(None, said), *a.case.tags))
        if changed and to_text(a.case.expected) != to_text(b.case.expected):
            case = replace(case, expected=f"{to_text(a.case.expected)} (A), {to_text(b.case.expected)} (B)")
        rows = tuple(
            replace(row, case=case, cell=replace(row.cell, case=self._added, sample=0), column=column)
            for row, column in zip((a, b), self._columns, strict=True)
        )
        self._added += 1
        self._island.add(Group(rows))

    def elements(self) -> Iterator[tuple[str, str, Markup]]:
        """The data for the page's script."""
        flags = {"simulated": False, "recorded": False, "best": False, "prompt": "", "params": ""}
        choices = [
            {"label": visible(label), "slug": slug, "model": visible(label), "mark": shape, **flags}
            for label, slug, shape in zip(self._labels, slugs(self._labels), ("square", "disc"), strict=True)
        ]
        ways = [{"key": "models", "choices": choices, "of": [0, 1]}]
        return data_elements(self._island, {"run": "", "columns": choices, "by": ways, "pairs": [], "sides": True})

    def close(self) -> None:
        """Give back what was kept on the disk."""
        self._island.close()


def write_compare_page(file: IO[str], found: RunComparison, island: PairsIsland) -> None:
    """Write the page: *island* holds the cells that it has room for."""
    from markupsafe import Markup

    style, script = style_and_script()
    first, *more = found.conclusion or ("Nothing was compared.",)
    shown = {"rows": found.matched, "shown": island.shown, "left_out": max(0, found.matched - island.shown)}
    for chunk in template("compare.html").generate(
        title=first,
        what=_what(found),
        headline=first.removesuffix("."),
        lede=more,
        notes=found.notes,
        columns=[_column(column, found) for column in found.columns],
        sides=[_side(side, found) for side in ((found.a,) if found.one_run else (found.a, found.b))],
        changes=[(name, _shortened(texts)) for name, texts in changes(found)],
        cases=shown,
        policy=policy(style, script),
        style=Markup(style),  # noqa: S704  # our own file
        script=Markup(script),  # noqa: S704  # our own files
        data=island.elements(),
    ):
        file.write(chunk)
    island.close()


def _side_labels(found: RunComparison) -> tuple[str, str]:
    """What the two sides are called: of one pair of columns their labels, else A and B."""
    if not found.one_run:
        return f"A · {found.a.run}", f"B · {found.b.run}"
    if len(found.columns) == 1 and found.columns[0].label_a != found.columns[0].label_b:
        return found.columns[0].label_a, found.columns[0].label_b
    return "first", "second"


def _what(found: RunComparison) -> str:
    if found.one_run:
        return f"{found.a.suite} · {found.a.run}"
    return f"{found.a.suite} · A {found.a.run} · B {found.b.run}"


def _column(column: ComparedColumn, found: RunComparison) -> dict[str, Any]:
    rate = column.measure("pass_rate")
    why = needed(rate) if rate else ""
    flips = f"{numbers.count(column.only_a)} pass → fail, {numbers.count(column.only_b)} fail → pass"
    pairs = f"{numbers.count(column.both)} both right, {numbers.count(column.neither)} both wrong"
    without = [
        f"{side}: {', '.join(f'{numbers.count(n)} {word}' for word, n in words.items())}"
        for side, words in (("A", column.no_verdict_a), ("B", column.no_verdict_b))
        if words
    ]
    return {
        "label": "" if found.one_run else column.label,
        "simulated": column.simulated,
        "a": column.label_a if found.one_run else "A",
        "b": column.label_b if found.one_run else "B",
        "measures": [_measure(one) for one in column.measures if not says_nothing(one)],
        "call": (rate.call or "") if rate else "nothing scored on both sides",
        "cells": f"{numbers.of(column.compared, column.matched)} cells compared: {flips}, {pairs}",
        "rest": "; ".join(filter(None, (why, *(f"without a verdict in {words}" for words in without)))),
    }


def _measure(measure: Measure) -> dict[str, str]:
    if measure.name in FORMS:
        form = FORMS[measure.name]
        sides, by = (form(measure.a), form(measure.b)), share(measure)
    else:
        sides = (
            numbers.rate(measure.a) + (f" {numbers.bounds(measure.a_interval)}" if measure.a_interval else ""),
            numbers.rate(measure.b) + (f" {numbers.bounds(measure.b_interval)}" if measure.b_interval else ""),
        )
        by = difference(measure) + (" points" if measure.name == "pass_rate" else "")
    return {
        "title": TITLES[measure.name].capitalize(),
        "a": sides[0],
        "b": sides[1],
        "difference": by,
        "p": p_value(measure.p_adjusted) if measure.p_adjusted is not None else "",
        "effect": numbers.fixed(measure.effect_size, 2) if measure.effect_size is not None else "",
    }


def _side(side: RunSide, found: RunComparison) -> dict[str, Any]:
    facts = [
        ("Run", side.run),
        ("Suite", side.suite),
        ("File", side.suite_file),
        ("Begun", utc(side.started_at)),
        ("State", side.state),
        ("Cells", numbers.count(side.cells)),
    ]
    return {"name": "Run" if found.one_run else side.name, "facts": facts}


def _shortened(texts: tuple[str, ...]) -> tuple[str, ...]:
    """A list that a page can hold: what is over a thousand is counted."""
    left = len(texts) - _MOST_LISTED
    return texts if left <= 0 else (*texts[:_MOST_LISTED], f"and {numbers.count(left)} more")

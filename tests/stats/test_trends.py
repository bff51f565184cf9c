from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evalrun.records.outcome import Exchange, Response, TokensMethod, Usage
from evalrun.records.plan import Cell, Column
from evalrun.records.row import Row
from evalrun.records.score import Mark
from evalrun.records.suite import Case, Model
from evalrun.stats.calls import holm
from evalrun.stats.drift import Drift
from evalrun.stats.pairs import mcnemar
from evalrun.stats.trends import ColumnTrack, decide, step

DRIFT = Drift(
    name="tokens", before=100.0, after=103.0, p_value=0.001, p_adjusted=0.001, drifted=True, paired=True, cases=9
)


def row(case: int, *, key: str = "", passed: bool = True, cached: bool = False, tokens: int = 9, **reply: Any) -> Row:
    """An answered, scored row; its key is the case's number unless said."""
    usage = Usage(prompt_tokens=tokens, completion_tokens=1, method=TokensMethod.API)
    outcome = Response(text="x", usage=usage, latency_s=0.5, **reply)
    name = key or str(case)
    return Row(
        cell=Cell(case, name, name, case, 0, 0, 1, 1),
        case=Case(id=name),
        column=Column(id="c", label="c", prompt="p", model="m"),
        model=Model(provider="p", name="m", label="m"),
        exchanges=(Exchange(request_key=name, outcome=outcome, cost_usd=0.1, from_cache=cached),),
        mark=Mark(score=float(passed), verdict="pass" if passed else "fail"),
    )


def track(rows: list[Row], *, judge: str = "j") -> ColumnTrack:
    """A column's track of these rows, a case each."""
    found = ColumnTrack(len(rows), 1)
    for number, one in enumerate(rows):
        found.add(number, one, one.mark.verdict if one.mark and one.mark.verdict else "unscored", judge)
    return found


def test_the_figures_of_a_column() -> None:
    """Rate, score, cost and median latency are those of the cells; one unknown price makes the cost unknown."""
    rows = [row(n, passed=n > 0, system_fingerprint="fp", model="m-1") for n in range(4)]
    found = track(rows)
    free = replace(rows[0], exchanges=(replace(rows[0].exchanges[0], cost_usd=None),))

    assert (found.planned, found.scored, found.score, found.latency_p50_s) == (4, 4, 0.75, 0.5)
    assert found.pass_rate is not None
    assert found.pass_rate.mean == 0.75
    assert found.cost_usd == pytest.approx(0.4)
    assert (found.fingerprints, found.models) == ({"fp": 4}, {"m-1": 4})
    assert track([*rows[1:], free]).cost_usd is None


def test_an_empty_column() -> None:
    """A column without a row has no figures."""
    found = ColumnTrack(3, 2)

    assert (found.scored, found.pass_rate, found.score, found.cost_usd, found.latency_p50_s) == (0, None) + (None,) * 3
    assert step(found, found).drifts == ()


def test_cells_meet_by_their_request() -> None:
    """Cases may come in another order and new ones between: the same request is the same cell."""
    before = track([row(n) for n in range(10)])
    after = track([row(0, key="new"), *(row(n + 1, key=str(9 - n), passed=n > 7, tokens=9) for n in range(10))])
    found = step(before, after)
    (rate,) = [one for one in found.drifts if one.name == "pass_rate"]

    assert (found.same, found.judged, found.cells) == (10, 10, 11)
    assert (rate.before, rate.after, rate.p_value) == (1.0, 0.2, mcnemar(8, 0))


@pytest.mark.parametrize(
    ("after", "same", "judged", "names"),
    [
        (track([row(n) for n in range(5)]), 5, 5, ["pass_rate", "tokens", "latency_s"]),
        (track([row(n) for n in range(5)], judge="other"), 5, 0, ["tokens", "latency_s"]),
        (track([row(n, cached=True) for n in range(5)]), 0, 0, []),
        (track([row(n, key=f"other{n}") for n in range(5)]), 0, 0, []),
    ],
    ids=["the same", "other scorers", "from the cache", "other requests"],
)
def test_what_can_be_compared(after: ColumnTrack, same: int, judged: int, names: list[str]) -> None:
    """Figures are tested on the same requests, verdicts by the same scorers, and nothing on cached answers."""
    found = step(track([row(n) for n in range(5)]), after)

    assert (found.same, found.judged, found.scorers, found.expected) == (same, judged, same - judged, 0)
    assert [one.name for one in found.drifts] == names
    assert all(one.p_value == 1.0 for one in found.drifts)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, True),
        ({"after": 101.0}, False),
        ({"name": "latency_s", "after": 109.0}, False),
        ({"name": "latency_s", "after": 89.0}, True),
        ({"name": "pass_rate", "before": 0.9, "after": 0.891}, True),
        ({"before": 0.0, "after": 5.0}, True),
        ({"before": 5.0, "after": 5.0}, False),
        ({"p_value": 0.2}, False),
    ],
)
def test_what_is_worth_a_word(changes: dict[str, Any], told: bool) -> None:
    """A drift must be sure, and of tokens and seconds large enough to matter."""
    assert [drifted for _, _, drifted in decide([replace(DRIFT, **changes)])] == [told]


def test_many_tests_allow_for_each_other() -> None:
    """What is sure alone may be chance among a hundred."""
    many = [replace(DRIFT, p_value=p) for p in [0.001, *[0.5] * 99]]
    found = decide(many)

    assert [p for _, p, _ in found] == list(holm([one.p_value for one in many]))
    assert not any(drifted for _, _, drifted in found)

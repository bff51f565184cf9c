from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.outcome import Exchange, Failure, FailureKind
from evalrun.records.plan import Column, Plan, pairs_of
from evalrun.records.row import Row
from evalrun.records.score import Mark
from evalrun.records.suite import StopWhen
from evalrun.stats.stopping import Decision, feed, start
from evalrun.stats.watching import Watch
from tests.stats.build import plan, rows

AB = StopWhen(decided=("a", "b"))
LETTERS = st.sampled_from("pppffeu")


def watched(columns: dict[str, str], when: StopWhen = AB, *, samples: int = 1) -> tuple[Plan, list[Row]]:
    """A plan that is asked case by case in an order of its own, and its rows."""
    made = plan(columns, samples=samples, stop_when=when)
    cases = list(range(len(made.suite.cases)))
    random.Random(5).shuffle(cases)
    order = sorted((cases.index(cell.case), cell.sample, cell.column, cell.position) for cell in made.cells)
    made = replace(made, order=tuple(place[-1] for place in order))
    return made, rows(made, columns)


def settled(made: Plan, came: Sequence[Row]) -> Watch:
    """A watch after these rows, as they came."""
    watch = Watch(made)
    for row in came:
        watch.settle(row)
    return watch


def in_order(made: Plan, found: Sequence[Row], samples: int = 1) -> list[float]:
    """The differences of a and b, in the plan's order, of the cases that both have scored."""
    values: dict[tuple[int, int], list[float]] = {}
    for row in found:
        if row.scored and row.mark is not None:
            values.setdefault((row.cell.case, row.cell.column), []).append(float(row.mark.verdict == "pass"))
    ordered = dict.fromkeys(made.cells[position].case for position in made.order)
    both = [(values.get((case, 0)), values.get((case, 1))) for case in ordered]
    return [fmean(one) - fmean(other) for one, other in both if one and other]


@st.composite
def runs(draw: st.DrawFn) -> tuple[dict[str, str], int, list[int]]:
    """Two columns' answers, with samples, and an order in which they come back."""
    samples, cases = draw(st.integers(1, 3)), draw(st.integers(1, 30))
    first, second = (draw(st.text(LETTERS, min_size=cases * samples, max_size=cases * samples)) for _ in range(2))
    return {"a": first, "b": second}, samples, draw(st.permutations(range(2 * cases * samples)))


@given(runs())
def test_what_is_fed_is_the_plans_order_whatever_comes_first(run: tuple[dict[str, str], int, list[int]]) -> None:
    """Differences count in the order of asking, a case's samples together and failed cases passed over, however the
    answers come back."""
    columns, samples, arrival = run
    made, found = watched(columns, samples=samples)
    watch = settled(made, [found[position] for position in arrival])
    expected = in_order(made, found)
    (pair,), (fed,) = watch.pairs(), watch.fed()

    assert list(fed) == pytest.approx(expected[: len(fed)])
    assert len(fed) == len(expected) or pair.decision is not Decision.OPEN


@given(runs(), st.data())
def test_a_part_of_the_answers_feeds_no_case_too_early(
    run: tuple[dict[str, str], int, list[int]], data: st.DataObject
) -> None:
    """While an earlier case is not settled in both columns no later one counts."""
    columns, samples, arrival = run
    made, found = watched(columns, samples=samples)
    came = data.draw(st.integers(0, len(arrival)))
    watch = settled(made, [found[position] for position in arrival[:came]])
    there = {found[position].cell.position for position in arrival[:came]}
    ordered = dict.fromkeys(made.cells[position].case for position in made.order)
    through = 0
    for case in ordered:
        if not all(cell.position in there for cell in made.cells if cell.case == case):
            break
        through += 1
    allowed = set(list(ordered)[:through])
    expected = in_order(made, [row for row in found if row.cell.case in allowed])

    assert list(watch.fed()[0]) == pytest.approx(expected[: len(watch.fed()[0])])
    assert len(watch.fed()[0]) <= len(expected)


def test_a_decision_is_the_rules_own_and_stands() -> None:
    """The first case at which the rule decides is where the watch does, and nothing after it counts."""
    made, found = watched({"a": "p" * 40, "b": "f" * 35 + "p" * 5})
    differences = in_order(made, found)
    state = start(alpha=0.05, min_effect=0.02, cases=40)
    for difference in differences:
        state = feed(state, difference)
    (pair,) = settled(made, found).pairs()

    assert state.decided_after is not None
    assert (pair.decision, pair.cases, pair.planned) == (Decision.FIRST, state.decided_after, 40)
    assert pair.interval is not None
    assert 0 < pair.interval.low < pair.interval.mean


@pytest.mark.slow
@given(runs())
def test_what_counts_is_the_same_in_whatever_order_it_came(run: tuple[dict[str, str], int, list[int]]) -> None:
    """Until a column is decided all its cells count; then those of the cases up to the decision, and no others."""
    columns, samples, arrival = run
    made, found = watched(columns, samples=samples)
    watch = settled(made, [found[position] for position in arrival])
    ordered = list(dict.fromkeys(made.cells[position].case for position in made.order))
    (pair,) = watch.pairs()
    counted = [case for case in ordered if all(watch.is_needed(cell) for cell in made.cells if cell.case == case)]

    assert counted == ordered[: len(counted)]
    assert [watch.is_needed(cell) for cell in made.cells] == [
        settled(made, found).is_needed(cell) for cell in made.cells
    ]
    if pair.decision is Decision.OPEN:
        assert counted == ordered
    else:
        assert len(in_order(made, [row for row in found if row.cell.case in counted])) == pair.cases


def test_a_column_of_two_comparisons_counts_up_to_the_later_one() -> None:
    """a is told from b at once and from c much later: b stops early, a and c go on together."""
    when = StopWhen(decided=("a", "b", "c"))
    cases = 200
    made, found = watched({"a": "p" * cases, "b": "f" * cases, "c": "pppppppf" * (cases // 8)}, when)
    watch = settled(made, found)
    needed = [sum(watch.is_needed(cell) for cell in made.cells if cell.column == column) for column in range(3)]
    cases_of = {(pair.first, pair.second): pair.cases for pair in watch.pairs()}

    assert needed == [
        max(cases_of[0, 1], cases_of[0, 2]),
        max(cases_of[0, 1], cases_of[1, 2]),
        max(cases_of[0, 2], cases_of[1, 2]),
    ]
    assert needed[1] < needed[0] == needed[2] < cases


def test_the_same_cell_counts_once() -> None:
    """To settle a cell again changes nothing."""
    made, found = watched({"a": "pp", "b": "ff"})
    watch = settled(made, [*found, *found])

    assert [len(fed) for fed in watch.fed()] == [2]


def test_cells_without_an_end_are_not_read() -> None:
    """Pending and spared cells leave their case unsettled."""
    made, found = watched({"a": "pp", "b": "f."})
    spared = Failure(kind=FailureKind.SPARED, message="not needed")
    found[0] = replace(found[0], exchanges=(Exchange(request_key="", outcome=spared),), mark=None)
    watch = Watch(made)
    watch.read(found)

    assert watch.fed() == ((),)


def test_scores_are_compared_where_they_are_asked_for() -> None:
    """With ``figure: score`` the difference is one of scores."""
    made, found = watched({"a": "p", "b": "p"}, replace(AB, figure="score"))
    found = [replace(row, mark=Mark(score=0.75 - row.cell.column / 2, verdict="pass")) for row in found]

    assert settled(made, found).fed() == ((0.5,),)


def test_every_pair_has_its_part_of_alpha_and_a_column_stops_with_its_last() -> None:
    """Of three columns all pairs are compared, each with a third of alpha; the clear loser stops before the others."""
    columns = {"a": "p" * 60, "b": "p" * 60, "c": "f" * 60}
    made, found = watched(columns, StopWhen(decided=("a", "b", "c"), alpha=0.06))
    watch = settled(made, found)

    assert [pair.alpha for pair in watch.pairs()] == pytest.approx([0.02] * 3)
    assert [pair.decision for pair in watch.pairs()] == [Decision.OPEN, Decision.FIRST, Decision.FIRST]
    assert [watch.is_decided(column) for column in range(3)] == [False, False, True]


def test_a_column_that_nobody_compares_is_never_decided() -> None:
    """Only the columns that are named are watched."""
    made, found = watched({"a": "p" * 30, "b": "f" * 30, "c": "p" * 30})
    watch = settled(made, found)

    assert [watch.is_decided(column) for column in range(3)] == [True, True, False]
    assert [watch.watches(column) for column in range(3)] == [True, True, False]


@given(st.integers(1, 6), st.lists(st.integers(0, 59), max_size=60))
def test_the_column_behind_never_waits(lead: int, positions: list[int]) -> None:
    """Whatever is settled, the next cell of the column that has settled least may be asked: nothing waits for ever."""
    made, found = watched({"a": "pf" * 10, "b": "pp" * 10, "c": "ff" * 10}, StopWhen(decided=("a", "b", "c")))
    watch = settled(made, [found[position] for position in positions])
    done = {found[position].cell.position for position in positions}
    left = [made.cells[position] for position in made.order if position not in done]
    counts = {column: sum(made.cells[position].column == column for position in done) for column in range(3)}
    behind = min(counts, key=lambda column: counts[column])
    following = next((cell for cell in left if cell.column == behind), None)

    assert following is None or watch.waits_for(following, lead) == ()


def test_a_column_waits_for_the_one_it_is_compared_with() -> None:
    """A cell waits while the other column is further behind than the lead, and not when the pair is decided."""
    made, found = watched({"a": "p" * 30, "b": "f" * 30})
    last = made.cells[made.order[-2]]
    watch = Watch(made)

    assert last.column == 0
    assert watch.waits_for(last, 4) == (1,)
    assert watch.waits_for(made.cells[made.order[6]], 4) == ()
    assert settled(made, found).waits_for(last, 4) == ()


def test_nobody_waits_for_cases_that_the_other_column_lacks() -> None:
    """Of a column without some of the cases (they were the same as another's) only those that it has are awaited."""
    made, found = watched({"a": "pf" * 30, "b": "p" * 60})
    kept = [made.cells[at] for at in made.order if made.cells[at].column == 0 or made.cells[at].case % 2]
    made = replace(
        made, cells=tuple(replace(cell, position=at) for at, cell in enumerate(kept)), order=tuple(range(len(kept)))
    )
    last = next(cell for cell in reversed(made.cells) if cell.column == 0 and cell.case % 2)
    b_whole = settled(made, [row for row in found if row.cell.column == 1 and row.cell.case % 2])

    assert b_whole.waits_for(last, 1) == ()
    assert Watch(made).waits_for(last, 29) == (1,)
    assert Watch(made).waits_for(last, 30) == ()


def _columns(*named: tuple[str, str, dict[str, float]]) -> tuple[Column, ...]:
    return tuple(
        Column(id=str(at), label=f"{model} · {prompt} · {params}", prompt=prompt, model=model, params=params)
        for at, (model, prompt, params) in enumerate(named)
    )


@pytest.mark.parametrize(
    ("names", "pairs"),
    [
        (("a", "b"), ((0, 2), (1, 3))),
        (("b", "a"), ((2, 0), (3, 1))),
        (("a", "c"), ()),
        (("a · p · {}", "a · q · {}"), ((0, 1),)),
        (("a · p · {}", "c · p · {'t': 1}"), ((0, 4),)),
        (("a", "nobody"), ()),
    ],
)
def test_which_columns_are_compared(names: tuple[str, ...], pairs: tuple[tuple[int, int], ...]) -> None:
    """Models prompt by prompt with equal parameters; columns as they are named."""
    columns = _columns(("a", "p", {}), ("a", "q", {}), ("b", "p", {}), ("b", "q", {}), ("c", "p", {"t": 1}))

    assert pairs_of(names, columns) == pairs


def _arrivals(chance: random.Random, cases: int) -> tuple[list[int], list[int], list[int]]:
    """Verdicts of two columns that are equally good, and the order in which cases are whole: a right answer of the
    first is quick, a wrong one slow.
    """
    first, second = ([int(chance.random() < 0.6) for _ in range(cases)] for _ in range(2))
    took = [max(chance.random() * (0.2 if right else 1.0), chance.random() * 0.3) for right in first]
    return first, second, sorted(range(cases), key=lambda case: took[case])


@pytest.mark.slow
def test_quick_answers_do_not_make_winners() -> None:
    """Of 2,000 runs without a difference at most alpha and three standard errors name a winner, although right answers
    come back sooner in one column; fed as they come, the same answers name one far too often."""
    made, found = watched({"a": "p" * 60, "b": "p" * 60})
    marks = {right: Mark(score=float(right), verdict="pass" if right else "fail") for right in (0, 1)}
    at = {(row.cell.column, row.cell.case): row for row in found}
    chance, runs, alpha = random.Random(11), 2000, 0.05
    winners = by_arrival = 0
    for _ in range(runs):
        first, second, arrival = _arrivals(chance, 60)
        watch, state = Watch(made), start(alpha=alpha, min_effect=0.02, cases=60)
        for case in arrival:
            for column, right in ((0, first[case]), (1, second[case])):
                watch.settle(replace(at[column, case], mark=marks[right]))
            state = feed(state, float(first[case] - second[case]))
        winners += watch.pairs()[0].decision in (Decision.FIRST, Decision.SECOND)
        by_arrival += state.decision in (Decision.FIRST, Decision.SECOND)
    bound = alpha + 3 * (alpha * (1 - alpha) / runs) ** 0.5

    assert winners / runs <= bound
    assert by_arrival / runs > 3 * bound

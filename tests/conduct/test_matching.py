from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.conduct.matching import match_cases, match_columns, pair_columns, plan_seen
from evalrun.errors import UsageError
from evalrun.records.plan import Cell, Column
from evalrun.records.suite import Case


def case(text: str) -> Case:
    """``id question=expected``."""
    name, _, rest = text.partition(" ")
    question, _, expected = rest.partition("=")
    return Case(id=name, vars={"q": question}, expected=expected)


def seen(*texts: str):
    """The cases of a run with one cell each."""
    made = [case(text) for text in texts]
    return plan_seen(made, [Cell(n, str(n), str(n), n, 0, 0, 1, 1) for n in range(len(made))]).cases


MATCHES = {
    "the same": (["a 1=2"], ["a 1=2"], ["a a "]),
    "in another order": (["a 1=2", "b 2=3"], ["b 2=3", "a 1=2"], ["a a ", "b b "]),
    "another expected value": (["a 1=2"], ["a 1=3"], ["a a expected"]),
    "other variables": (["a 1=2"], ["a 9=2"], ["a a variables"]),
    "both": (["a 1=2"], ["a 9=8"], ["a a variables,expected"]),
    "renamed": (["a 1=2"], ["z 1=2"], ["a z id"]),
    "renamed and changed is another": (["a 1=2"], ["z 1=3"], []),
    "removed and added": (["a 1=2", "b 2=3"], ["b 2=3", "c 3=4"], ["b b "]),
    "a new case above shifts numbers": (
        ["case-1 1=2", "case-2 2=3"],
        ["case-1 0=0", "case-2 1=2", "case-3 2=3"],
        ["case-1 case-2 id", "case-2 case-3 id"],
    ),
    "numbers with another question are others": (["case-1 1=2"], ["case-1 9=8"], []),
    "numbers with the same question": (["case-1 1=2"], ["case-1 1=3"], ["case-1 case-1 expected"]),
    "rows of a file": (["qa-0001 1=2", "qa-0002 2=3"], ["qa-0001 2=3"], ["qa-0002 qa-0001 id"]),
    "twins one by one": (["case-1 1=2", "case-2 1=2"], ["x 1=2", "y 1=2"], ["case-1 x id", "case-2 y id"]),
    "an id that looks like a number, unchanged": (["case-7 1=2"], ["case-7 1=2"], ["case-7 case-7 "]),
    "a year is no number of order": (["world-war 1=2"], ["world-war 2=2"], ["world-war world-war variables"]),
}


@pytest.mark.parametrize(("a", "b", "expected"), MATCHES.values(), ids=MATCHES)
def test_cases_are_matched(a: list[str], b: list[str], expected: list[str]) -> None:
    """The same id is the same case, but for numbers of order, which give way to what is asked and expected."""
    found = match_cases(seen(*a), seen(*b))

    assert [f"{m.a.id} {m.b.id} {','.join(m.change.what) if m.change else ''}" for m in found] == expected


texts = st.lists(
    st.tuples(st.sampled_from(["a", "b", "case-1", "case-2", "x-0001"]), st.integers(0, 3), st.integers(0, 2)),
    unique_by=lambda one: one[0],
).map(lambda rows: [f"{name} {question}={expected}" for name, question, expected in rows])


@given(texts, texts)
def test_a_case_has_one_counterpart(a: list[str], b: list[str]) -> None:
    """No case is matched twice, whatever the suites; with itself a suite is matched whole and unchanged."""
    found = match_cases(seen(*a), seen(*b))
    itself = match_cases(seen(*a), seen(*a))

    assert len({m.a.id for m in found}) == len({m.b.id for m in found}) == len(found)
    assert [m.a.id for m in itself] == [one.split(" ")[0] for one in a]
    assert all(m.change is None for m in itself)


def test_values_of_any_kind_have_a_hash() -> None:
    """Variables that JSON cannot sort or say still tell cases apart."""
    odd = [Case(id=n, vars={"v": value}) for n, value in (("a", {1: "x", "y": 2}), ("b", {1, 2}), ("c", "\ud800"))]
    found = plan_seen(odd, []).cases

    assert len({one.content for one in found}) == 3


def test_where_cells_stand() -> None:
    """A case knows the positions of its cells, a plan how many cells each column has and the most samples."""
    cells = [Cell(p, str(p), str(p), p // 4, p % 4 // 2, p % 2, 1, 1) for p in range(8)]
    found = plan_seen([case("a 1=2"), case("b 2=3"), case("c 3=4")], cells)

    assert [(one.start, one.stop) for one in found.cases] == [(0, 4), (4, 8), (0, 0)]
    assert (dict(found.cells), found.samples) == ({0: 4, 1: 4}, 2)


def column(label: str, prompt: str = "p", **params: object) -> Column:
    """A column of the model that its label begins with."""
    return Column(id=label, label=label, prompt=prompt, model=label.split(" ")[0], params=params)


A = [column("mini"), column("large t=0", t=0), column("old")]
B = [column("new"), column("large · p t=0", t=0), column("mini", prompt="q")]

COLUMNS = {
    "by identity, then by label": ((), (), [("mini", 0, 2), ("large t=0 → large · p t=0", 1, 1)]),
    "by a map": (
        (),
        ("old=new",),
        [("mini", 0, 2), ("large t=0 → large · p t=0", 1, 1), ("old → new", 2, 0)],
    ),
    "a map wins": ((), ("mini=new",), [("mini → new", 0, 0), ("large t=0 → large · p t=0", 1, 1)]),
    "labels that hold =": ((), ("large t=0=new",), [("mini", 0, 2), ("large t=0 → new", 1, 0)]),
    "only one": (("mini",), (), [("mini", 0, 2)]),
    "only one by its new label": (("new",), ("old=new",), [("old → new", 2, 0)]),
}


@pytest.mark.parametrize(("only", "mapping", "expected"), COLUMNS.values(), ids=COLUMNS)
def test_columns_are_matched(only: tuple[str, ...], mapping: tuple[str, ...], expected: list[object]) -> None:
    """The same prompt, model and parameters, else the same label, unless the user says otherwise."""
    found = match_columns(A, B, only=only, mapping=mapping)

    assert [(m.label, m.a, m.b) for m in found] == expected


@pytest.mark.parametrize(
    ("only", "mapping", "expected"),
    [
        ((), (), [(0, 1), (0, 2), (1, 2)]),
        (("old",), (), [(2, 0), (2, 1)]),
        (("old", "mini"), (), [(0, 2)]),
        ((), ("old=mini", "mini=large t=0"), [(2, 0), (0, 1)]),
    ],
)
def test_one_runs_columns_are_paired(only: tuple[str, ...], mapping: tuple[str, ...], expected: list[object]) -> None:
    """All pairs, or those of one column with the others, those among several, or those that are named."""
    assert [(m.a, m.b) for m in pair_columns(A, only=only, mapping=mapping)] == expected


@pytest.mark.parametrize(
    ("only", "mapping", "complaint"),
    [
        (("minni",), (), "did you mean mini?"),
        (("?",), (), "the columns are mini, large t=0, old, new, large · p t=0"),
        ((), ("mini",), "this is not OLD=NEW"),
        ((), ("olt=new",), "olt: no such column .did you mean old?"),
        ((), ("old=newt",), "newt: no such column .did you mean new?"),
    ],
)
def test_an_unknown_label_is_told(only: tuple[str, ...], mapping: tuple[str, ...], complaint: str) -> None:
    """A label that no column has is answered with the nearest one, or with all."""
    with pytest.raises(UsageError, match=complaint):
        match_columns(A, B, only=only, mapping=mapping)

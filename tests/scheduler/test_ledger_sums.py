"""Old entries become few, and count no less."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.records.quota import Axis, ChargeRule, Quota
from evalrun.scheduler.ledger_care import standings
from evalrun.scheduler.ledger_file import LedgerFile
from evalrun.scheduler.ledger_rows import Row, Sets, changed_since
from evalrun.scheduler.ledger_sums import added, input_leads
from evalrun.scheduler.rooms import Charge, amount_of
from tests.scheduler.ledgers import IDS, MODEL, SMALL, opened, rpd, scopes_with, spend
from tests.virtual import START

TOKENS = st.integers(0, 200_000)
CHARGES = st.builds(Charge, TOKENS, TOKENS)


@st.composite
def settled_rows(draw: st.DrawFn) -> list[Row]:
    """Settled entries of one scope, close together."""
    return [
        Row(
            id=number,
            scopes=(MODEL,),
            suite="nightly",
            requests=1,
            charge=draw(CHARGES),
            booked_at=START,
            settled_at=START + draw(st.floats(0, 10)),
            took=draw(st.one_of(st.none(), st.just(Charge(0, 0)), CHARGES)),
        )
        for number in range(1, draw(st.integers(2, 8)))
    ]


def amounts(rows: list[Row]) -> dict[tuple[str, str], float]:
    """What they count together, request by request, on every axis under every rule."""
    return {
        (axis, rule): sum(amount_of(axis, rule, charge, took) for row in rows for _, charge, took in row.singles())
        for axis in get_args(Axis)
        for rule in get_args(ChargeRule)
    }


@given(settled_rows())
def test_a_sum_counts_what_its_parts_counted(parts: list[Row]) -> None:
    """On every axis and under every charge rule, for as long as the last of them; once and added up twice."""
    kinds = [[row for row in parts if input_leads(row) is kind] for kind in (True, False)]
    sums = [added(kind) for kind in kinds if kind]
    again = [added([added(kind[:1]), *kind[1:]]) for kind in kinds if kind]

    assert amounts(sums) == amounts(parts)
    assert amounts(again) == amounts(parts)
    assert sum(one.requests for one in sums) == len(parts)
    assert max(one.settled_at or 0 for one in sums) == max(row.settled_at or 0 for row in parts)


def rows_in(path: Path) -> list[Row]:
    """All entries of a ledger."""
    file = LedgerFile(path)
    try:
        with file.transaction() as connection:
            return changed_since(connection, Sets(), -1)
    finally:
        file.close()


def test_a_long_day_takes_few_rows(tmp_path: Path) -> None:
    """Hundreds of requests become a row for every ten seconds; the figures of those who run and who come stay true."""
    scopes = scopes_with(model=Quota(limits=(rpd(5000),)))
    one = opened(tmp_path / "quota.db", scopes)
    for second in range(100):
        spend(one, 5, START + second)
    spend(one, 1, START + 300)
    found = rows_in(tmp_path / "quota.db")

    assert sum(row.requests for row in found) == 501
    assert len(found) <= 13
    assert [limit.used for limit in one.views(START + 302)[2].limits] == [501]
    other = opened(tmp_path / "quota.db", scopes, now=START + 303)
    assert [limit.used for limit in other.views(START + 303)[2].limits] == [501]
    one.close()
    other.close()


def test_what_somebody_has_not_read_is_not_added_up(tmp_path: Path) -> None:
    """A process that was silent for long reads the entries themselves, and does not count them twice."""
    scopes = scopes_with(model=Quota(limits=(rpd(5000),)))
    busy, silent = (opened(tmp_path / "quota.db", scopes) for _ in range(2))
    spend(busy, 10, START)
    silent.try_book(IDS, SMALL, START + 1)  # it has read these ten, but has not said so
    spend(busy, 10, START + 2)
    spend(busy, 1, START + 400)

    assert len(rows_in(tmp_path / "quota.db")) == 22
    assert [limit.used for limit in silent.views(START + 401)[2].limits] == [22]
    spend(busy, 1, START + 500)
    assert len(rows_in(tmp_path / "quota.db")) < 22
    assert [limit.used for limit in silent.views(START + 501)[2].limits] == [23]
    busy.close()
    silent.close()


def test_what_no_window_counts_is_removed(tmp_path: Path) -> None:
    """After more than a day the file forgets entries, and it does not grow for ever."""
    scopes = scopes_with(model=Quota(limits=(rpd(5000),)))
    for day in range(4):
        ledger = opened(tmp_path / "quota.db", scopes, now=START + 86_400.0 * day)
        spend(ledger, 50, START + 86_400.0 * day)
        ledger.close()
    opened(tmp_path / "quota.db", scopes, now=START + 86_400.0 * 5).close()

    assert rows_in(tmp_path / "quota.db") == []


@pytest.mark.parametrize("suite", ["nightly", "smoke"])
def test_suites_are_told_apart_after_adding_up(tmp_path: Path, suite: str) -> None:
    """Each suite's share of a day is still known when its entries are sums."""
    scopes = scopes_with(model=Quota(limits=(rpd(5000),)))
    for index, name in enumerate(("nightly", "smoke")):
        ledger = opened(tmp_path / "quota.db", scopes, suite=name, now=START + index)
        spend(ledger, 20 + index, START + index)
        ledger.close()
    opened(tmp_path / "quota.db", scopes, now=START + 500).close()

    assert len(rows_in(tmp_path / "quota.db")) == 2
    (model,) = [one for one in standings(tmp_path / "quota.db", START + 500) if one.view.scope.id == MODEL]
    assert dict(model.suites)[suite] == {"nightly": 20, "smoke": 21}[suite]

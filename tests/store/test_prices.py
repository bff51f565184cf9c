from __future__ import annotations

from pathlib import Path

import pytest

from evalrun.errors import StorageError
from evalrun.records.suite import Price
from evalrun.store.run import RunStore
from tests.store.builders import answer, failure, key, new_run, plan

PRICES = {"simulator/large": Price(input_usd=1000, output_usd=2000, source="prices.yaml")}


async def test_rows_and_plan_are_read_at_the_prices_that_hold(tmp_path: Path) -> None:
    """Rows and models of the named model cost what the new price says; others, failures and what was spent do not."""
    with new_run(tmp_path / "run", 2) as store:
        await store.put(key(0, 0), 0, answer())
        await store.put(key(0, 1), 0, answer())
        await store.put(key(1, 0), 0, failure(cost_usd=None))
        before = list(store.rows())
        store.reprice(PRICES)
        after, spent = list(store.rows()), store.spent()

        assert [row.cost_usd for row in before] == [0.001, 0.001, None, None]
        assert [row.cost_usd for row in after] == [pytest.approx(0.018), 0.001, None, None]
        assert [e.price_date for row in after for e in row.exchanges] == ["prices.yaml", "", ""]
        assert [m.price for m in store.plan().suite.models] == [PRICES["simulator/large"], None]
        assert after[0].model.price == PRICES["simulator/large"]
        assert spent.cost_usd == pytest.approx(0.002)
        assert store.row(1).cost_usd == pytest.approx(0.018)


async def test_prices_outlive_the_process_and_a_new_plan(tmp_path: Path) -> None:
    """They hold for whoever reads the run later, and for a plan that takes the place of the first."""
    with new_run(tmp_path / "run") as store:
        await store.put(key(0, 0), 0, answer())
        store.reprice(PRICES)
        store.replan(plan(4))
    read = RunStore.open(tmp_path / "run")

    assert read.prices() == PRICES
    assert next(read.rows()).cost_usd == pytest.approx(0.018)


async def test_no_prices_bring_back_what_was_paid(tmp_path: Path) -> None:
    """Without any, every cost is what was paid."""
    with new_run(tmp_path / "run") as store:
        await store.put(key(0, 0), 0, answer())
        store.reprice(PRICES)
        store.reprice({})

        assert next(store.rows()).cost_usd == 0.001
        assert store.prices() == {}


def test_a_run_that_is_only_read_keeps_its_prices(tmp_path: Path) -> None:
    """Whoever opened the run for reading cannot price it."""
    new_run(tmp_path / "run").close()

    with pytest.raises(StorageError, match="opened for reading only"):
        RunStore.open(tmp_path / "run").reprice(PRICES)

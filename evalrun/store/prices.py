"""Prices that were put in place of those a run was paid at, and what they change when rows and plan are read."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from evalrun.records.plan import Plan
from evalrun.records.suite import Model, Price
from evalrun.store.plan_tables import read_meta

META_KEY = "prices"


def read_overrides(connection: sqlite3.Connection) -> dict[str, Price]:
    """The prices that hold instead, by provider/model; none for a run that was never priced anew."""
    key = f"run.{META_KEY}"
    if connection.execute("SELECT 1 FROM meta WHERE key = ?", (key,)).fetchone() is None:
        return {}
    said: Mapping[str, Any] = read_meta(connection, key)
    return {name: Price(**price) for name, price in said.items()}


def as_meta(prices: Mapping[str, Price]) -> dict[str, Any]:
    """Prices as the run's notes keep them."""
    return {name: asdict(price) for name, price in prices.items()}


def override_of(model: Model, prices: Mapping[str, Price]) -> Price | None:
    """The price that holds instead of a model's own; recorded answers have none."""
    return None if model.recorded else prices.get(f"{model.provider}/{model.name}")


def with_overrides(plan: Plan, prices: Mapping[str, Price]) -> Plan:
    """The plan with those prices at its models."""
    if not prices:
        return plan
    models = tuple(replace(m, price=override_of(m, prices) or m.price) for m in plan.suite.models)
    return replace(plan, suite=replace(plan.suite, models=models))

"""Ledgers for tests: a file, scopes of a few limits, and processes that book in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from evalrun.records.quota import DAY_S, MINUTE_S, Limit, Quota, Scope
from evalrun.scheduler.ledger import SqliteLedger
from evalrun.scheduler.quota import Book
from evalrun.scheduler.rooms import Booking, Charge
from tests.conftest import ROOT
from tests.virtual import START

RUN, ACCOUNT, MODEL = "run", "lab:1", "lab:1/large"
IDS = (RUN, ACCOUNT, MODEL)
SMALL = Charge(10, 5)


def rpm(amount: float, per_s: float = MINUTE_S) -> Limit:
    """So many requests a minute, rolling."""
    return Limit(axis="requests", amount=amount, per_s=per_s)


def rpd(amount: float) -> Limit:
    """So many requests in 24 hours."""
    return Limit(axis="requests", amount=amount, per_s=DAY_S)


def scopes_with(model: Quota | None = None, account: Quota | None = None) -> dict[str, Scope]:
    """The scopes of a request: the run's own, an account's, a model's."""
    found = (
        Scope(id=RUN, name="this run", quota=Quota(concurrency=99), shared=False),
        Scope(id=ACCOUNT, name="lab", quota=account or Quota()),
        Scope(id=MODEL, name="large", quota=model or Quota()),
    )
    return {scope.id: scope for scope in found}


def opened(path: Path, scopes: dict[str, Scope], *, suite: str = "nightly", now: float = START) -> SqliteLedger:
    """A ledger as one process has it."""
    return SqliteLedger(path, Book(scopes), scopes, suite=suite, now=now)


def booked(ledger: SqliteLedger, now: float, charge: Charge = SMALL, ids: tuple[str, ...] = IDS) -> Booking:
    """A booking that there must be room for."""
    found = ledger.try_book(ids, charge, now)
    assert isinstance(found, Booking), found
    return found


def spend(ledger: SqliteLedger, times: int, now: float, took: Charge = SMALL) -> None:
    """Book and settle so many requests."""
    for _ in range(times):
        ledger.settle(booked(ledger, now), took, now)


def worker(*words: object) -> subprocess.Popen[str]:
    """Start tests/scheduler/ledger_worker.py as a process of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.scheduler.ledger_worker", *(json.dumps(word) for word in words)],
        cwd=ROOT, env={**kept, "PYTHONPATH": str(ROOT)}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip

"""A process that books in a ledger, for tests: `python -m tests.scheduler.ledger_worker MODE …`, words in JSON.

The server is a file that lines are appended to: what is in it was sent, whatever became of the sender.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from evalrun.records.quota import Limit, Quota
from evalrun.scheduler import ledger_rows
from evalrun.scheduler.rooms import Booking, Charge, Wait
from tests.scheduler.ledgers import IDS, SMALL, opened, scopes_with
from tests.virtual import START


def server(path: str) -> int:
    """The server: what is written there was sent."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def race(ledger_path: str, server_path: str, limit: float, per_s: float, until: float, seed: int) -> None:
    """Send as much as there is room for, until a moment; the server counts somewhere between sending and reply."""
    draw = random.Random(seed)
    quota = Quota(limits=(Limit(axis="requests", amount=limit, per_s=per_s),))
    ledger = opened(Path(ledger_path), scopes_with(model=quota), suite=f"worker {seed}", now=time.time())
    handle = server(server_path)
    while time.time() < until:
        found = ledger.try_book(IDS, SMALL, time.time())
        if isinstance(found, Booking):
            time.sleep(draw.uniform(0, 0.01))
            os.write(handle, f"{time.time()!r}\n".encode())
            time.sleep(draw.uniform(0, 0.01))
            ledger.settle(found, SMALL, time.time())
        else:
            wait_s = found.until - time.time() if isinstance(found, Wait) else 0.01
            time.sleep(min(max(wait_s, 0.0), max(until - time.time(), 0.0)))
    ledger.close()


def die(ledger_path: str, server_path: str, limits: list[float], number: int, place: str) -> None:
    """Send until the *number*-th request, and there be killed at *place*."""
    requests, tokens = limits
    quota = Quota(
        limits=(
            Limit(axis="requests", amount=requests, per_s=86400.0),
            Limit(axis="tokens", amount=tokens, per_s=86400.0),
        ),
        charge="usage",
    )
    ledger = opened(Path(ledger_path), scopes_with(model=quota))
    handle = server(server_path)
    advance = ledger_rows.advance

    def fatal(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    sent = 0
    while True:
        sent += 1
        last = sent == number
        if last and place == "reserving":
            ledger_rows.advance = fatal
        found = ledger.try_book(IDS, Charge(100, 50), START)
        if not isinstance(found, Booking):
            break
        if last and place == "reserved":
            fatal()
        os.write(handle, b"120\n")
        if last and place == "sent":
            fatal()
        if last and place == "settling":
            ledger_rows.advance = fatal
        ledger.settle(found, Charge(100, 20), START + 1)
        ledger_rows.advance = advance
        if last and place == "settled":
            fatal()
    print("full")
    ledger.close()


def hold(ledger_path: str, limit: int) -> None:
    """Book one request of a scope that allows *limit* at once, say so, and wait to be killed."""
    ledger = opened(Path(ledger_path), scopes_with(model=Quota(concurrency=limit)))
    assert isinstance(ledger.try_book(IDS, SMALL, START), Booking)
    print("held", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    mode, *words = map(json.loads, sys.argv[1:])
    {"race": race, "die": die, "hold": hold}[mode](*words)

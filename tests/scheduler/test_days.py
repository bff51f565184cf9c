from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from evalrun.catalog.profiles import PROFILES
from evalrun.records.outcome import Exchange, Response
from evalrun.records.quota import DAY_S, Quota, Scope
from evalrun.scheduler.dispatch import Dispatcher
from evalrun.scheduler.jobs import Halt, Job
from evalrun.scheduler.ledger import SqliteLedger
from evalrun.scheduler.pressure import Pressure
from evalrun.scheduler.quota import Book, Charge
from evalrun.scheduler.retry import RetryPolicy
from evalrun.simulator.audit import Received
from evalrun.simulator.engine import Engine
from evalrun.simulator.rules import Rules
from tests.bench.harness import ENDPOINT, Ask, questions, sender, took
from tests.virtual import VirtualClock, run_virtual

MODELS = ("large", "small")
CASES = 400
LOW = PROFILES["github-free-low"]


class Night:
    """One command of a run that goes on over days: a ledger opened anew, and what is not answered yet."""

    def __init__(self, ledger_file: Path, engine: Engine, clock: VirtualClock) -> None:
        self._file, self._engine, self._clock = ledger_file, engine, clock
        self.answered: dict[str, list[int]] = {model: [] for model in MODELS}
        self._asks: Mapping[str, Sequence[Ask]] = {model: questions(model, CASES) for model in MODELS}

    async def sit(self) -> tuple[dict[str, list[int]], float | None]:
        """Ask until everything is parked: the cases that were added for each model, and when it may go on."""
        added: dict[str, list[int]] = {model: [] for model in MODELS}

        async def keep(job: Job, exchange: Exchange) -> Sequence[Job]:
            model, number = job.ticket
            assert isinstance(exchange.outcome, Response), exchange.outcome
            assert number not in self.answered[model], "a cell was asked twice"
            self.answered[model].append(number)
            added[model].append(number)
            return ()

        scopes = self._scopes()
        ledger = SqliteLedger(self._file, Book(scopes), scopes, suite="days", now=self._clock.time())
        dispatcher = Dispatcher(
            {model: self._feed(model) for model in MODELS}, send=sender(self._engine, self._clock), sink=keep,
            ledger=ledger, clock=self._clock, draw=lambda: 0.5, settle=took,
            pressures={ENDPOINT: Pressure(adaptive=False, most=16)}, policy=RetryPolicy(max_wait_s=120),
        )  # fmt: skip
        await dispatcher.run()
        ledger.close()
        parked = [view.parked_until for view in dispatcher.views() if view.halt is Halt.PARKED]
        return added, max((until for until in parked if until is not None), default=None)

    def _feed(self, model: str) -> Iterator[Job]:
        done = set(self.answered[model])
        for number, ask in enumerate(self._asks[model]):
            if number not in done:
                scopes = ("run", "github:me", f"github:me/{model}")
                yield Job(
                    ask.request(f"{model}{number}"), (model, number), scopes, Charge(ask.input_tokens, 64), ENDPOINT
                )

    def _scopes(self) -> dict[str, Scope]:
        return {
            "run": Scope(id="run", name="run", quota=Quota(concurrency=16), shared=False),
            "github:me": Scope(id="github:me", name="github", quota=LOW.account),
            **{f"github:me/{m}": Scope(id=f"github:me/{m}", name=m, quota=LOW.model) for m in MODELS},
        }


def test_a_run_over_three_days_asks_each_cell_once(tmp_path: Path) -> None:
    """400 cases × 2 models under 150 a day each and 24 a minute for both: three days, paused twice, every cell asked
    once without a refusal, and each day adds the same cases for both models; in under two seconds."""
    log: list[Received] = []
    started = time.process_time()

    async def main() -> list[tuple[dict[str, list[int]], float | None, float]]:
        clock = VirtualClock()
        rules = Rules(account=LOW.account, models=dict.fromkeys(MODELS, LOW.model), latency_s=0.3)
        night = Night(tmp_path / "quota.db", Engine(rules, clock, log.append), clock)
        days = []
        while True:
            added, resume_at = await night.sit()
            days.append((added, resume_at, clock.time()))
            if resume_at is None:
                return days
            if len(days) == 1:
                sent = len(log)
                await clock.sleep(3600)
                early, again = await night.sit()
                assert len(log) == sent, "going on too early sends nothing"
                assert again == pytest.approx(resume_at, abs=1), "and says when"
                assert not any(early.values())
            await clock.sleep(resume_at - clock.time())

    days = run_virtual(main)

    assert len(days) == 3
    assert [resume_at is not None for _, resume_at, _ in days] == [True, True, False]
    assert len(log) == 2 * CASES
    assert not any(received.refused for received in log)
    for added, _, _ in days:
        assert sorted(added["large"]) == sorted(added["small"])
    assert [len(added["large"]) for added, _, _ in days] == [150, 150, 100]
    assert days[-1][2] - days[0][2] < 2.1 * DAY_S
    assert time.process_time() - started < 2

"""One sitting of a run: dialogue -> scheduler -> provider -> store, until nothing is left or something says stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace

from evalrun.clock import Clock
from evalrun.conduct.anchor import anchored
from evalrun.conduct.foresight import foresee_sitting
from evalrun.conduct.interrupts import Interrupts
from evalrun.conduct.marking import score_rows
from evalrun.conduct.options import Observer, RunOptions
from evalrun.conduct.sitting import Ending, Sitting
from evalrun.conduct.sitting_quota import budget_of, sitting_quota
from evalrun.conduct.sunset import telling_of_ends
from evalrun.errors import ExitCode
from evalrun.providers.send import open_send
from evalrun.records.plan import Plan
from evalrun.records.suite import Provider
from evalrun.scheduler.dispatch import Dispatcher
from evalrun.scheduler.jobs import Halt
from evalrun.scheduler.rooms import Spent
from evalrun.simulator.engine import Rules
from evalrun.simulator.server import start as start_simulator
from evalrun.store.run import RunStore
from evalrun.tokens import preload

_TICK_S = 0.1


async def carry_out(
    store: RunStore, plan: Plan, options: RunOptions, *, clock: Clock, observer: Observer, spent: Spent
) -> Ending:
    """Ask everything that has no answer yet; every answer is on disk before it counts as done."""
    plan = await anchored(plan, options, clock)
    async with AsyncExitStack() as stack:
        quota = stack.enter_context(sitting_quota(plan, options, spent, clock.time()))
        if plan.suite.stop_when:
            score_rows(store, plan, store.prices())  # a sitting that crashed left answers without marks
        sitting = Sitting(store, plan, options, clock, quota, observer.say)
        stack.callback(sitting.close)
        await sitting.take_up()
        providers = await _endpoints(plan, stack, clock)
        await asyncio.to_thread(preload, [model.name for model in plan.suite.models if model.recorded is None])
        recorded = {model.label: model.recorded for model in plan.suite.models if model.recorded}
        allowed = options.selection.allowed
        send = await stack.enter_async_context(
            open_send(providers, recorded, environ=options.environ, clock=clock, allowed=allowed)
        )
        dispatcher = sitting.dispatcher(telling_of_ends(send, observer.say))
        forecast = foresee_sitting(plan, store, quota, options, clock.time())
        observer.start(plan, {lane.label: lane.done for lane in sitting.progress()}, forecast)
        deadline_s = budget_of(plan, options).deadline_s
        try:
            async with _ticking(sitting, observer):
                interrupted = await _until_done(
                    dispatcher, options.interrupts, deadline_s=deadline_s, grace_s=options.grace_s
                )
        finally:
            observer.tick(sitting.progress())
            observer.stop()
        return sitting.ending(interrupted)


async def _until_done(
    dispatcher: Dispatcher, interrupts: Interrupts, *, deadline_s: float | None, grace_s: float
) -> ExitCode | None:
    """Run it to its end. What is in flight comes back after the first interruption, not after a second or the grace."""
    loop = asyncio.get_running_loop()
    received: list[ExitCode] = []
    running = asyncio.ensure_future(dispatcher.run())

    def on_interrupt(code: ExitCode) -> None:
        received.append(code)
        if len(received) > 1:
            running.cancel()
            return
        dispatcher.stop("interrupted")
        loop.call_later(grace_s, running.cancel)

    timer = None
    if deadline_s is not None:
        timer = loop.call_later(deadline_s, dispatcher.stop, f"deadline: {deadline_s:g} s", Halt.BUDGET)
    try:
        with interrupts(on_interrupt):
            await running
    except asyncio.CancelledError:
        if not received:
            raise
    finally:
        if timer:
            timer.cancel()
    return received[0] if received else None


@asynccontextmanager
async def _ticking(sitting: Sitting, observer: Observer) -> AsyncIterator[None]:
    async def tick() -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            observer.tick(sitting.progress())

    task = asyncio.ensure_future(tick())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _endpoints(plan: Plan, stack: AsyncExitStack, clock: Clock) -> dict[str, Provider]:
    """The providers in use; for simulated ones without an address one simulator is started, on a free loopback port."""
    used = {model.provider for model in plan.suite.models}
    providers = {name: provider for name, provider in plan.suite.providers.items() if name in used}
    at_home = [name for name, provider in providers.items() if provider.simulated and not provider.base_url]
    if at_home:
        server = await start_simulator(Rules(), clock)
        stack.push_async_callback(server.close)
        for name in at_home:
            azure = providers[name].dialect.startswith("azure-")  # whose addresses begin at the root
            base_url = server.url.removesuffix("/v1") if azure else server.url
            providers[name] = replace(providers[name], base_url=base_url)
    return providers

"""`evalrun quota`: how much of every limit is used, by whom, and corrections."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from evalrun.cli.printing import say_json
from evalrun.clock import SystemClock

if TYPE_CHECKING:
    from evalrun.scheduler.ledger_care import Standing
    from evalrun.scheduler.rooms import LimitView

_MOST_WIDTH = 110
_LABEL = 10


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def quota(context: click.Context, *, as_json: bool) -> int:
    """Show every limit: used, left, back when, used by which suites, and what was learned.

    `evalrun quota set` and `evalrun quota forget` correct it.
    """
    if context.invoked_subcommand is not None:
        return 0
    from evalrun.conduct.quota import stand, state_folder

    now = SystemClock().time()
    state = state_folder(os.environ)
    standings = stand(state, now)
    if as_json:
        say_json({"state": str(state), "scopes": [_object(one) for one in standings]})
        return 0
    if not standings:
        click.echo(_fit(f"no limits are known yet: the ledger in {state} is empty", None))
    width = min(_MOST_WIDTH, shutil.get_terminal_size((80, 24)).columns)
    for line in quota_lines(standings, now):
        click.echo(_fit(line, width))
    return 0


@quota.command("set")
@click.argument("scope")
@click.argument("limits", nargs=-1, required=True, metavar="LIMIT=N…")
@click.option("--used", type=click.FloatRange(min=0), metavar="N", help="So much of it is used already.")
def set_(scope: str, limits: tuple[str, ...], used: float | None) -> int:
    """Have limits hold in a scope, such as rpd=100, in place of what was learned.

    LIMIT is rpm, rph, rpd, tpm, tph, tpd, itpm or otpm. A lower figure in a suite still holds.
    """
    from evalrun.conduct.quota import correct, state_folder
    from evalrun.scheduler.rooms import words

    found = correct(state_folder(os.environ), scope, _figures(limits), used, SystemClock().time())
    for one in found:
        said = f"{one.scope.name}: {words(one.limit)}"
        if used is not None:
            said += f", {used:,.0f} used"
        if one.stated is not None:
            said += f"; but {one.stated.amount:,.0f} is stated, and the lower figure holds"
        click.echo(_fit(said, None))
    return 0


@quota.command("forget")
@click.argument("scope", required=False)
def forget(scope: str | None) -> int:
    """Forget what a scope has used and what was learned of it; without SCOPE, of all.

    Requests in flight stay booked. A ledger that is damaged can only be forgotten as a whole.
    """
    from evalrun.conduct.quota import forget_scope, state_folder

    found = forget_scope(state_folder(os.environ), scope, SystemClock().time())
    click.echo(_fit("forgotten: " + ("everything" if found is None else f"{found.name} ({found.id})"), None))
    return 0


def quota_lines(standings: tuple[Standing, ...], now: float) -> Iterator[str]:
    """Every scope in a few lines."""
    for position, one in enumerate(standings):
        if position:
            yield ""
        yield from _scope_lines(one, now)


def _scope_lines(one: Standing, now: float) -> Iterator[str]:
    view = one.view
    yield f"{view.scope.name}  ({view.scope.id})"
    for limit in view.limits:
        yield f"  {_limit_text(limit, now)}"
    at_once = view.scope.quota.concurrency
    if at_once is not None or view.in_flight:
        yield f"  {view.in_flight}" + (f" of {at_once}" if at_once is not None else "") + " at once now"
    elif not view.limits:
        yield "  no limit is known"
    if view.closed_until is not None:
        yield f"  {'closed'.ljust(_LABEL)}{_when(view.closed_until, now)}: {view.closed_why}"
    if one.suites:
        counts = ", ".join(f"{suite or '?'} {count:,}" for suite, count in one.suites)
        yield f"  {'used by'.ljust(_LABEL)}{counts}"
    for at, lesson in one.learned:
        yield f"  {'learned'.ljust(_LABEL)}{_date(at)}  {lesson.words}"


def _limit_text(one: LimitView, now: float) -> str:
    from evalrun.scheduler.rooms import words

    said = f"{words(one.limit)}: {math.ceil(one.used):,} used, {math.floor(one.left):,} left"
    if one.resets_at is not None:
        said += f", all back {_when(one.resets_at, now)}"
    return said + (" (learned)" if one.learned else "")


def _when(at: float, now: float) -> str:
    seconds = max(0, math.ceil(at - now))
    if seconds < 100:
        return f"in {seconds} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 100:
        return f"in {minutes} min"
    return f"in {minutes // 60} h {minutes % 60:02d} min"


def _date(at: float) -> str:
    from evalrun.report.fields import minute

    return f"{minute(at)} UTC"


def _figures(words: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for word in words:
        name, equals, text = word.partition("=")
        try:
            amount = float(text)
        except ValueError:
            amount = math.nan
        if not equals or not math.isfinite(amount):
            raise click.UsageError(f"{word}: say a limit as rpd=100")
        if name in found:
            raise click.UsageError(f"{word}: {name} is there twice")
        found[name] = amount
    return found


def _fit(line: str, width: int | None) -> str:
    """A line for the terminal: nothing in it acts, and it is no wider than that."""
    from evalrun.safe_text import cut, safe_text

    indent = line[: len(line) - len(line.lstrip(" "))]
    text = indent + safe_text(line.strip().replace("\n", " ").replace("\t", " "))
    return text if width is None else cut(text, width)


def _object(one: Standing) -> dict[str, Any]:
    view = one.view
    return {
        "id": view.scope.id,
        "name": view.scope.name,
        "concurrency": view.scope.quota.concurrency,
        "in_flight": view.in_flight,
        "closed_until": view.closed_until,
        "closed_why": view.closed_why,
        "limits": [
            {
                "axis": limit.limit.axis,
                "amount": limit.limit.amount,
                "per_s": limit.limit.per_s,
                "window": limit.limit.window,
                "resets": limit.limit.resets,
                "used": limit.used,
                "left": limit.left,
                "resets_at": limit.resets_at,
                "learned": limit.learned,
            }
            for limit in view.limits
        ],
        "suites": dict(one.suites),
        "learned": [
            {"at": at, "kind": lesson.kind, "until": lesson.until, "words": lesson.words} for at, lesson in one.learned
        ],
    }

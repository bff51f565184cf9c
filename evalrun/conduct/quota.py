"""The machine's ledger: where it is, how a run opens it, and what people ask of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from platformdirs import user_state_path

from evalrun.catalog.profiles import PROFILES
from evalrun.conduct.scopes import Scopes
from evalrun.errors import StorageError, UsageError
from evalrun.records.plan import Plan
from evalrun.records.quota import SHORT_NAMES, Limit, Scope
from evalrun.report.fields import minute
from evalrun.scheduler.ledger import MemoryLedger, SqliteLedger
from evalrun.scheduler.ledger_care import Standing, forget, set_limit, standings
from evalrun.scheduler.ledger_file import FILE_NAME
from evalrun.scheduler.quota import Book, Manner
from evalrun.scheduler.rooms import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What a correction has led to: the scope with its new limit, and the lower one that the suite states, if any."""

    scope: Scope
    limit: Limit
    stated: Limit | None


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where this machine keeps what outlives a run: ``EVALRUN_STATE``, else the user's own place for that."""
    said = environ.get("EVALRUN_STATE", "").strip()
    return Path(said).expanduser().absolute() if said else user_state_path("evalrun")


def open_ledger(plan: Plan, scopes: Scopes, book: Book, *, state: Path, now: float) -> MemoryLedger:
    """The ledger of a run: the machine's where any scope is shared, else one in memory. Close it at the end.

    Raises StorageError where the machine's is out of reach: then nothing may be sent. *now* is ledger time.
    """
    manners = manners_of(plan, scopes)
    if not any(scope.shared for scope in scopes.scopes.values()):
        return MemoryLedger(book, scopes.scopes, manners)
    return SqliteLedger(state / FILE_NAME, book, scopes.scopes, suite=plan.suite.name, now=now, manners=manners)


def manners_of(plan: Plan, scopes: Scopes) -> dict[str, Manner]:
    """How each model's vendor counts what its replies say of limits, by the model's own scope."""
    found = {}
    for model in plan.suite.models:
        profile = PROFILES.get(model.profile or plan.suite.providers[model.provider].profile)
        own = scopes.of_model[model.label][2:3]
        if profile is not None and own:
            found[own[0]] = Manner(profile.believe, profile.window, profile.resets)
    return found


def stand(state: Path, now: float) -> tuple[Standing, ...]:
    """How every scope stands that this machine's ledger knows. Raises StorageError."""
    return standings(state / FILE_NAME, now)


def left_of(state: Path, suite: str, now: float) -> tuple[str, ...]:
    """What is left of each limit that the suite's requests count in, a line each; nothing where that is not known.

    *now* is Unix time.
    """
    try:
        standings = stand(state, now)
    except StorageError:
        return ()  # the run itself has said so, if it had to ask
    return tuple(
        f"{one.view.scope.name}: {words(limit.limit)}, {math.floor(limit.left):,} left{_back(limit.resets_at)}"
        for one in standings
        if any(name == suite for name, _ in one.suites)
        for limit in one.view.limits
    )


def _back(at: float | None) -> str:
    if at is None:
        return ""
    return f", all back {minute(math.ceil(at))} UTC"


def correct(
    state: Path, name: str, figures: Mapping[str, float], used: float | None, now: float
) -> tuple[Corrected, ...]:
    """Have limits hold in a scope, such as ``{"rpd": 100}``; *used* is what is used of the only one.

    Raises UsageError for an unknown scope or figure, StorageError where the ledger is out of reach.
    """
    if used is not None and len(figures) != 1:
        raise UsageError("--used needs exactly one limit that it is used of")
    scope = _find(stand(state, now), name)
    found = [_correction(scope, short, amount) for short, amount in figures.items()]
    for one in found:
        set_limit(state / FILE_NAME, scope, one.limit, used, now)
    return tuple(found)


def forget_scope(state: Path, name: str | None, now: float) -> Scope | None:
    """Forget what a scope has used and learned, or all scopes (None); the scope. Raises UsageError, StorageError."""
    scope = None if name is None else _find(stand(state, now), name)
    forget(state / FILE_NAME, scope.id if scope else None, now)
    return scope


def _correction(scope: Scope, short: str, amount: float) -> Corrected:
    """A limit by its short name, counted like the scope's own of that axis and span."""
    if short not in SHORT_NAMES:
        raise UsageError(f"{short}: no such limit (there are {', '.join(SHORT_NAMES)})")
    if amount <= 0:
        raise UsageError(f"{short}={amount:g}: a limit is more than 0")
    axis, per_s = SHORT_NAMES[short]
    own = [limit for limit in scope.quota.limits if (limit.axis, limit.per_s) == (axis, per_s)]
    lowest = min(own, key=lambda limit: limit.amount, default=None)
    if lowest is None:
        return Corrected(scope=scope, limit=Limit(axis=axis, amount=amount, per_s=per_s), stated=None)
    limit = replace(lowest, amount=amount, burst=None)
    return Corrected(scope=scope, limit=limit, stated=lowest if lowest.amount < amount else None)


def _find(known: Sequence[Standing], name: str) -> Scope:
    """A scope by its identity, or by its name or the beginning of its identity where only one has that."""
    scopes = [standing.view.scope for standing in known]
    for found in (
        [scope for scope in scopes if scope.id == name],
        [scope for scope in scopes if scope.name == name],
        [scope for scope in scopes if scope.id.startswith(name)],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{name}: which one? {', '.join(scope.id for scope in found)}")
    names = [word for scope in scopes for word in (scope.name, scope.id)]
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else "evalrun quota lists them" if scopes else "the ledger is empty"
    raise UsageError(f"{name}: no such scope ({hint})")

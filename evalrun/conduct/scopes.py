"""Which limits a run's requests book in: the run's own, the account's, the model's, the groups that it shares.

A scope's identity in the ledger is the provider's id and the account, then the model or the group. The account is the
name that the suite gives it, or a hash of the API key that only this machine can make: two suites that use one key
share its quota, and nobody who reads the ledger learns the key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evalrun.errors import StorageError
from evalrun.keys import read_key
from evalrun.records.plan import Plan
from evalrun.records.quota import Quota, Scope
from evalrun.records.suite import Model, Provider

RUN = "run"
MACHINE_FILE = "machine.key"
_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """A plan's scopes by identity, the ones that each model books in, and each provider's model-independent one."""

    scopes: Mapping[str, Scope]
    of_model: Mapping[str, tuple[str, ...]]
    adaptive: frozenset[str]


def scopes_of(plan: Plan, *, concurrency: int, environ: Mapping[str, str], state: Path) -> Scopes:
    """The scopes of every model that sends; *state* is the folder with the machine's secret.

    *adaptive* names the providers about whose limits nothing is known.
    """
    scopes = {RUN: Scope(id=RUN, name="this run", quota=Quota(concurrency=concurrency), shared=False)}
    of_model: dict[str, tuple[str, ...]] = {}
    adaptive: set[str] = set()
    for model in plan.suite.models:
        if model.recorded is not None:
            of_model[model.label] = (RUN,)
            continue
        provider = plan.suite.providers[model.provider]
        account = f"{provider.id}:{_account(provider, environ, state)}"
        shared = not provider.simulated
        own = [
            Scope(id=account, name=provider.id, quota=provider.quota, shared=shared),
            Scope(id=f"{account}/{model.name}", name=model.label, quota=model.quota, shared=shared),
            *_groups(plan, model, account, shared=shared),
        ]
        for scope in own:
            known = scopes.get(scope.id)
            scopes[scope.id] = scope if known is None else _both(known, scope)
        of_model[model.label] = (RUN, *(scope.id for scope in own))
        if not provider.simulated and not any(_limited(scope.quota) for scope in own):
            adaptive.add(provider.id)
    return Scopes(scopes=scopes, of_model=of_model, adaptive=frozenset(adaptive))


def _groups(plan: Plan, model: Model, account: str, *, shared: bool) -> list[Scope]:
    """The named scopes of a model. A group of one account's models lies in that account; a wider one stands alone.

    A wide one stays wide in a run of some of its models only: what that spends is spent for all of them.
    """
    found = []
    for name in model.groups:
        providers = {other.provider for other in plan.suite.models if name in other.groups}
        wide = name in plan.suite.wide or len(providers) > 1
        identity = f"#{name}" if wide else f"{account}#{name}"
        found.append(Scope(id=identity, name=name, quota=plan.suite.quotas[name], shared=shared))
    return found


def _both(first: Scope, second: Scope) -> Scope:
    """One scope named twice, such as a model with two labels: all that either of them says holds."""
    one, other = first.quota, second.quota
    limits = (*one.limits, *(limit for limit in other.limits if limit not in one.limits))
    return Scope(
        id=first.id,
        name=first.name,
        quota=Quota(
            concurrency=_least(one.concurrency, other.concurrency),
            limits=limits,
            max_input_tokens=_least(one.max_input_tokens, other.max_input_tokens),
            max_output_tokens=_least(one.max_output_tokens, other.max_output_tokens),
            charge=one.charge,
        ),
        shared=first.shared or second.shared,
    )


def _least(one: int | None, other: int | None) -> int | None:
    said = [figure for figure in (one, other) if figure is not None]
    return min(said, default=None)


def _limited(quota: Quota) -> bool:
    return quota.concurrency is not None or bool(quota.limits)


def _account(provider: Provider, environ: Mapping[str, str], state: Path) -> str:
    if provider.account:
        return provider.account
    if provider.simulated:
        return "-"
    key = read_key(provider, environ)
    if key is None:
        return hashlib.sha256(provider.base_url.encode()).hexdigest()[:10]
    return hmac.new(_machine_secret(state), key.reveal().encode(), hashlib.sha256).hexdigest()[:10]


def _machine_secret(state: Path) -> bytes:
    """This machine's own secret, made the first time that it is asked for. Raises StorageError."""
    path = state / MACHINE_FILE
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make(path)
        secret = path.read_bytes()
    except OSError as error:
        raise StorageError(f"{path}: cannot be read or made ({error.strerror or error})") from error
    if len(secret) != _BYTES:
        raise StorageError(f"{path}: this is no machine's secret; remove it, and quota.db beside it")
    return secret


def _make(path: Path) -> None:
    """Put a new secret in place whole, unless another process was quicker."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        with suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()

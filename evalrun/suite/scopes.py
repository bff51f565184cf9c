"""From statements about quotas to the limits of each account, each model and each group.

The account's limits of a profile are the provider's quota, since they count all its models together. A profile that was
found by a model's name, and holds for some models of the provider only, makes a group of these instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evalrun.catalog.profiles import PROFILES, Profile, profile_for
from evalrun.records.quota import Axis, Limit, Quota
from evalrun.records.suite import Model, Provider
from evalrun.suite.quotas import UTC, Statement, resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class Scoped:
    """Providers, models and groups with the limits that hold for them."""

    providers: Mapping[str, Provider]
    models: tuple[Model, ...]
    groups: Mapping[str, Quota]


@dataclass(frozen=True, slots=True)
class _Followed:
    """The profile of a model. *some*: the provider has models for which it does not hold."""

    profile: Profile | None
    some: bool = False


def with_quotas(
    providers: Mapping[str, tuple[Provider, Statement]],
    models: Sequence[tuple[Model, Statement]],
    groups: Mapping[str, Quota],
) -> Scoped:
    """Settle the quota of every provider and model out of what was said, and the catalog's profiles."""
    followed = [_followed(model, said, providers[model.provider][1]) for model, said in models]
    scoped, made = [], dict(groups)
    for (model, said), follows in zip(models, followed, strict=True):
        account = providers[model.provider][1]
        settled = _model(model, said, account, follows.profile)
        group = _group(follows, account, groups) if follows.some else None
        if group is not None:
            made[group[0]] = group[1]
            settled = replace(settled, groups=tuple(dict.fromkeys((*settled.groups, group[0]))))
        scoped.append(settled)
    settled_providers = {}
    for name, (provider, said) in providers.items():
        whole = [f.profile for (m, _), f in zip(models, followed, strict=True) if m.provider == name and not f.some]
        settled_providers[name] = _provider(provider, said, whole)
    return Scoped(providers=settled_providers, models=tuple(scoped), groups=made)


def _followed(model: Model, said: Statement, account: Statement) -> _Followed:
    """The nearest profile: the model's, the provider's, the one that the catalog knows for it."""
    named = account.profile if said.profile is None else said.profile
    if named is not None:
        return _Followed(PROFILES.get(named))
    found = profile_for(model.provider, model.name)
    if found is None:
        return _Followed(None)
    everywhere = profile_for(model.provider, "")
    return _Followed(found, some=everywhere is None or everywhere.account != found.account)


def _model(model: Model, said: Statement, account: Statement, profile: Profile | None) -> Model:
    usual = profile.model if profile else Quota()
    if said.profile is None:
        charges = [entry.charge for entry in account.own if entry.charge is not None]
        usual = replace(usual, charge=charges[0]) if charges else usual
    return replace(
        model,
        quota=resolve(said.own, usual, profile.resets if profile else UTC),
        groups=tuple(dict.fromkeys((*account.groups, *said.groups))),
        profile=profile.name if profile else "",
    )


def _provider(provider: Provider, said: Statement, whole: Sequence[Profile | None]) -> Provider:
    """The account's limits: its own, and those of its profile, or of all its models' profiles the least."""
    if said.profile is not None:
        whole = [PROFILES[said.profile] if said.profile else None]
    profiles = list({profile.name: profile for profile in whole if profile}.values())
    resets = {profile.resets for profile in profiles}
    quota = resolve(said.own, _least([p.account for p in profiles]), resets.pop() if len(resets) == 1 else UTC)
    one = profiles[0].name if len(profiles) == 1 and None not in whole else ""
    return replace(provider, quota=quota, profile=one)


def _group(follows: _Followed, account: Statement, groups: Mapping[str, Quota]) -> tuple[str, Quota] | None:
    """The account's limits of a profile, but for those that the provider states itself, as a group with a name."""
    profile = follows.profile
    if profile is None:
        return None
    stated = resolve(account.own)
    own = {(limit.axis, limit.per_s) for limit in stated.limits}
    limits = tuple(limit for limit in profile.account.limits if (limit.axis, limit.per_s) not in own)
    at_once = None if stated.concurrency else profile.account.concurrency
    if not limits and at_once is None:
        return None
    # Profiles with the same account share one group, whichever of them a run happens to need.
    name = next(other.name for other in PROFILES.values() if other.account == profile.account)
    name = f"{name} (profile)" if name in groups else name
    return name, replace(profile.account, limits=limits, concurrency=at_once)


def _least(quotas: Sequence[Quota]) -> Quota:
    """The limits that all of these keep to."""
    limits: dict[tuple[Axis, float], Limit] = {}
    for limit in (limit for quota in quotas for limit in quota.limits):
        known = limits.setdefault((limit.axis, limit.per_s), limit)
        if limit.amount < known.amount:
            limits[limit.axis, limit.per_s] = limit
    return Quota(
        concurrency=min((q.concurrency for q in quotas if q.concurrency is not None), default=None),
        limits=tuple(limits.values()),
        max_input_tokens=min((q.max_input_tokens for q in quotas if q.max_input_tokens is not None), default=None),
        max_output_tokens=min((q.max_output_tokens for q in quotas if q.max_output_tokens is not None), default=None),
        charge=next((q.charge for q in quotas if q.limits), quotas[0].charge if quotas else "max"),
    )

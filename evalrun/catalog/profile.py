"""A profile: what is public about how a vendor limits use, apart from the figures of anybody's own account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from evalrun.records.quota import ROLLING_DAY, Axis, Quota, WindowKind

_NOTHING: Mapping[Axis, float] = MappingProxyType({})
"""Believe no header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How a vendor limits one kind of account.

    *account* counts all models together, *model* each model for itself; both may be empty of limits where the vendor
    publishes none, and then still hold the vendor's charge rule. *limits_known*: they hold every limit that binds, so
    that nothing has to be found by trying.

    *believe* says which limits in headers are the account's own: the axis, and the seconds of the window that the
    figure is for where the reply itself does not say. Axes that are missing are not believed. *window* is how limits
    count that a reply names, *resets* when days of such limits begin (``utc``, an IANA zone, or ``rolling-24h``).

    *date* is that of the figures, *source* where they are written, *about* a sentence for people with what is left out.
    """

    name: str
    account: Quota = Quota()
    model: Quota = Quota()
    believe: Mapping[Axis, float] = field(default_factory=lambda: _NOTHING)
    window: WindowKind = "rolling"
    resets: str = ROLLING_DAY
    limits_known: bool = False
    date: str
    source: str
    about: str

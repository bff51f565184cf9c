"""What a suite says about quotas: limits, groups of limits and profiles by name, and what follows for each scope.

A provider or a model states mappings of its own, names of the suite's groups, and at most one profile of the catalog.
Its own figures win over the profile's, axis by axis and span by span; what it does not say is the profile's.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from evalrun.catalog.profiles import PROFILES
from evalrun.errors import Code
from evalrun.records.quota import DAY_S, ROLLING_DAY, SHORT_NAMES, Axis, Limit, Quota
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import hint, near, printable, shown
from evalrun.suite.document import Path
from evalrun.suite.entries import QuotaEntry
from evalrun.suite.kinds import MAX_NAME, seconds_of

_ENTRY: Form[QuotaEntry] = Form(QuotaEntry)

_GENERAL: tuple[Axis, ...] = ("requests", "tokens")
_SINGLE = ("concurrency", "max_input_tokens", "max_output_tokens", "charge")

UTC = "utc"
"""When days begin where neither the suite nor a profile says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What a suite says about one provider's or model's quota.

    *own* are its mappings, *groups* names of the suite's groups. *profile* is the catalog's profile that it names;
    empty where it wants none, None where it does not say.
    """

    own: tuple[QuotaEntry, ...] = ()
    groups: tuple[str, ...] = ()
    profile: str | None = None


SILENT = Statement()
"""What a suite says that says nothing."""


class Groups:
    """The groups of `quotas:`, and the reader of everything that may name one."""

    def __init__(self, border: Border, section: Any) -> None:
        self._border = border
        self._found: dict[str, Quota] = {}
        self._names: list[str] = []
        for name, path, value in border.entries(section, ("quotas",)) if section is not None else ():
            self._names.append(name)
            if not name.isprintable() or len(name) > MAX_NAME or name != name.strip():
                words = f"a group's name is one line of at most {MAX_NAME} characters, without spaces around it"
                border.add(path, Code.BAD_NAME, words, of_key=True)
                continue
            entry = border.take(_ENTRY, value, path)
            if entry is not None and self._is_sound([(path, entry)]):
                self._found[name] = resolve([entry])

    @property
    def found(self) -> dict[str, Quota]:
        """Every group by its name."""
        return dict(self._found)

    def read(self, said: str | QuotaEntry | Sequence[str | QuotaEntry] | None, path: Path) -> Statement:
        """A statement; what is wrong with it is complained about and left out."""
        listed = isinstance(said, Sequence) and not isinstance(said, str)
        items = [((*path, index), item) for index, item in enumerate(said)] if listed else [(path, said)]  # type: ignore[arg-type]
        own = [(place, item) for place, item in items if isinstance(item, QuotaEntry)]
        named = [(place, item) for place, item in items if isinstance(item, str)]
        groups = [name for _, name in named if name in self._names]
        profiles = [name for _, name in named if name in PROFILES and name not in self._names]
        for place, name in named:
            if name in groups or name == next(iter(profiles), None):
                continue
            if name in profiles:
                words = f"one profile is followed, and {printable(profiles[0])} is named already"
                self._border.add(place, Code.BAD_QUOTA, words)
            else:
                words = f"{shown(name)} is no group of `quotas` and no profile{hint(name, [*self._names, *PROFILES])}"
                self._border.add(place, Code.UNKNOWN_QUOTA, words)
        if not self._is_sound(own):
            return SILENT
        return Statement(
            own=tuple(entry for _, entry in own),
            groups=tuple(dict.fromkeys(groups)),
            profile=profiles[0] if profiles else None,
        )

    def _is_sound(self, entries: Sequence[tuple[Path, QuotaEntry]]) -> bool:
        faults = [fault for path, entry in entries for fault in _faults(path, entry)] or list(_repeated(entries))
        for place, code, words in faults:
            self._border.add(place, code, words, of_key=code in (Code.BAD_QUOTA, Code.DUPLICATE_LIMIT))
        return not faults


def resolve(own: Iterable[QuotaEntry], usual: Quota | None = None, resets: str = UTC) -> Quota:
    """The quota of a scope: its *own* figures, and where they are silent the *usual* ones, which are a profile's.

    *resets* is when days begin of which nothing else is known.
    """
    quota = usual or Quota()
    known = {(limit.axis, limit.per_s): limit for limit in quota.limits}
    stated: dict[tuple[Axis, float], Limit] = {}
    for entry in own:
        for _, axis, per_s, amount in _amounts(entry):
            stated[axis, per_s] = _limit(entry, axis, per_s, amount, known.get((axis, per_s)), resets)
        quota = replace(quota, **{key: getattr(entry, key) for key in _SINGLE if key in entry.model_fields_set})
    return replace(quota, limits=tuple({**known, **stated}.values()))


def zone_of(text: str) -> str:
    """The rule when days begin: ``utc``, ``rolling-24h`` or an IANA zone. Raises ValueError."""
    plain = text.lower()
    if plain in (UTC, ROLLING_DAY):
        return plain
    zones = _zones()
    if text in zones:
        return text
    city = plain.replace(" ", "_")
    meant = next((zone for zone in zones if zone.lower().endswith(f"/{city}")), None)
    meant = meant or near(text, [UTC, ROLLING_DAY, *zones])
    cure = f"did you mean {meant}?" if meant else f"allowed: {UTC}, {ROLLING_DAY}, or one such as America/Los_Angeles"
    raise ValueError(f"{shown(text)} is no time zone ({cure})")


@cache
def _zones() -> dict[str, None]:
    """The zones of this machine's database, but for the one that is different on every machine."""
    return dict.fromkeys(sorted(zoneinfo.available_timezones() - {"localtime", "Factory"}))


def span_of(said: float | str) -> float:
    """The seconds of a window: from 1 s to a day. Raises ValueError."""
    form = "a window is a number of seconds, or like 10s, 1m, 2h or 1d, from 1 s to 1 day"
    if isinstance(said, str) and re.fullmatch(r"\s*1\s*d\s*", said):
        return DAY_S
    try:
        span_s = seconds_of(said)
    except ValueError:
        raise ValueError(form) from None
    if not 1 <= span_s <= DAY_S:
        raise ValueError(form)
    return span_s


def _amounts(entry: QuotaEntry) -> Iterator[tuple[str, Axis, float, float]]:
    """Every limit that a mapping states: its key, its axis, the seconds of its window, its amount."""
    said = entry.model_fields_set
    for key, (axis, per_s) in SHORT_NAMES.items():
        if key in said:
            yield key, axis, per_s, float(getattr(entry, key))
    for axis in _GENERAL:
        if axis in said and "per" in said:
            yield axis, axis, span_of(entry.per), float(getattr(entry, axis))


def _limit(entry: QuotaEntry, axis: Axis, per_s: float, amount: float, usual: Limit | None, resets: str) -> Limit:
    """One limit, its window as the mapping states it, else as the profile does, else as is safe or common."""
    said, of_a_day = entry.model_fields_set, per_s == DAY_S
    limit = Limit(axis=axis, amount=amount, per_s=per_s)
    if of_a_day and "resets" in said:
        return _day(limit, entry.resets)
    if "window" in said and (not of_a_day or _only_days(entry)):
        if of_a_day and entry.window == "fixed":
            return _day(limit, UTC if resets == ROLLING_DAY else resets)
        return replace(limit, window=entry.window, burst=entry.burst)
    if usual is not None:
        burst = None if usual.burst is None else min(usual.burst, amount)
        return replace(usual, amount=amount, burst=burst)
    return _day(limit, resets) if of_a_day else replace(limit, sure=False)


def _day(limit: Limit, resets: str) -> Limit:
    rule = zone_of(resets)
    return limit if rule == ROLLING_DAY else replace(limit, window="fixed", resets=rule)


def _only_days(entry: QuotaEntry) -> bool:
    """Whether a mapping's window is that of days, because it states nothing shorter."""
    return all(per_s == DAY_S for _, _, per_s, _ in _amounts(entry))


def _faults(path: Path, entry: QuotaEntry) -> Iterator[tuple[Path, Code, str]]:
    """What in one mapping does not go together."""
    said = entry.model_fields_set
    if not said:
        yield path, Code.EMPTY, "the mapping is empty: it limits nothing (as rpm: 15 would)"
    if "resets" in said:
        try:
            zone_of(entry.resets)
        except ValueError as error:
            yield (*path, "resets"), Code.UNKNOWN_ZONE, str(error)
    general = [axis for axis in _GENERAL if axis in said]
    if "per" in said:
        try:
            span_of(entry.per)
        except ValueError as error:
            yield (*path, "per"), Code.BAD_DURATION, str(error)
            return
        if not general:
            yield (*path, "per"), Code.BAD_QUOTA, "`per` is the time of `requests` or `tokens`, which are missing"
    elif general:
        yield (*path, general[0]), Code.BAD_QUOTA, f"`{general[0]}` needs `per`, as 10s, 1m or 2h"
        return
    yield from _window_faults(path, entry)


def _window_faults(path: Path, entry: QuotaEntry) -> Iterator[tuple[Path, Code, str]]:
    said = entry.model_fields_set
    spans = [per_s for _, _, per_s, _ in _amounts(entry)]
    shorter = [span for span in spans if span < DAY_S]
    if "resets" in said and len(shorter) == len(spans):
        words = "`resets` is for the limits of a day, and there is none: rpd, tpd, or per: 1d"
        yield (*path, "resets"), Code.BAD_QUOTA, words
    if "window" in said and not spans:
        yield (*path, "window"), Code.BAD_QUOTA, "`window` is how a limit counts, and there is none, as rpm: 15"
    elif {"window", "resets"} <= said and not shorter:
        yield (*path, "window"), Code.BAD_QUOTA, "`resets` says already how a day counts"
    if "burst" in said:
        if entry.window != "bucket":
            yield (*path, "burst"), Code.BAD_QUOTA, "only a bucket has a burst: add `window: bucket`"
        elif len(shorter or spans) > 1:
            yield (*path, "burst"), Code.BAD_QUOTA, "a burst is of one limit: give that a mapping of its own"


def _repeated(entries: Sequence[tuple[Path, QuotaEntry]]) -> Iterator[tuple[Path, Code, str]]:
    """What mappings of one quota say twice."""
    seen: dict[object, str] = {}
    for path, entry in entries:
        said: list[tuple[object, str]] = [((axis, per_s), key) for key, axis, per_s, _ in _amounts(entry)]
        said += [(key, key) for key in _SINGLE if key in entry.model_fields_set]
        for what, key in said:
            if what in seen:
                words = f"`{seen[what]}` limits the same already" if seen[what] != key else f"`{key}` is said already"
                yield (*path, key), Code.DUPLICATE_LIMIT, words
            seen.setdefault(what, key)

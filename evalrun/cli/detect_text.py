"""What people see of `evalrun plan --detect`: a small table, and what is assumed in it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from evalrun.cli.plan_text import cost_text, span, timing_json, wrapped
from evalrun.conduct.detect import Detection, Needed
from evalrun.report.numbers import count, fixed, plural
from evalrun.safe_text import cells_wide, pad, safe_line
from evalrun.scheduler.forecast import Forecast

_HEADINGS = ("differ", "cases", "requests", "cost", "takes", "at 95 %", "stop_when")


def detect_lines(found: Detection) -> Iterator[str]:
    """How many cases show the difference, and what they cost, by the share of cases on which two columns differ."""
    yield ""
    yield from wrapped(
        f"To show a difference of {100 * found.difference:g} points in pass rate ({100 * found.power:g} % power, alpha "
        f"{found.alpha:g}), by the share of cases on which two columns differ:",
        "",
    )
    yield from _table([_HEADINGS, *(_row(one) for one in found.needed)])
    for one in found.needed:
        if one.measured is not None:
            told = one.measured
            words = f"* as {told.first} and {told.second} did on {plural(told.cases, 'case')} of {told.run}"
            yield from wrapped(safe_line(words), "    ", first="  ")
    yield from wrapped(_enough(found), "")
    yield from wrapped(_stopping(found), "")


def detect_json(found: Detection) -> dict[str, Any]:
    """The same as one JSON object."""
    return {
        "difference": found.difference,
        "power": found.power,
        "alpha": found.alpha,
        "cases_planned": found.planned,
        "stop_when": {"alpha": found.when.alpha, "min_effect": found.when.min_effect},
        "needed": [
            {
                "discordance": one.discordance,
                "measured": None
                if one.measured is None
                else {
                    "first": one.measured.first,
                    "second": one.measured.second,
                    "cases": one.measured.cases,
                    "run": one.measured.run,
                },
                "cases": one.cases,
                "cases_at_95_power": one.sure_cases,
                "requests": one.requests,
                "cost_usd": one.forecast.amounts.cost_usd if one.forecast else None,
                "cost_usd_at_most": one.forecast.amounts.cost_usd_at_most if one.forecast else None,
                "time": timing_json(one.forecast.timing) if one.forecast else None,
                "median_cases_with_stop_when": one.stops_after,
            }
            for one in found.needed
        ],
    }


def _row(one: Needed) -> tuple[str, ...]:
    star = "*" if one.measured is not None else " "
    return (
        f"{fixed(one.discordance, 0, 2)} %{star}",
        _many(one.cases),
        _many(one.requests),
        cost_text(one.forecast.amounts) if one.forecast else "–",
        _takes(one.forecast),
        _many(one.sure_cases),
        "–" if one.stops_after is None else count(one.stops_after),
    )


def _many(number: int) -> str:
    """A number of cases; from a million on three digits of it are enough: ``235 M``, ``1.57 bn``, ``2,355 bn``."""
    if number < 1_000_000:
        return count(number)
    exponent, unit = (6, "M") if number < 999_500_000 else (9, "bn")
    whole = len(str(number)) - exponent
    return f"{fixed(number, max(0, 3 - whole), -exponent)} {unit}"


def _takes(forecast: Forecast | None) -> str:
    """Days where there are several, else the time."""
    if forecast is None:
        return "–"
    timing = forecast.timing
    if timing.days > 1:
        return plural(timing.days, "day")
    return "time ?" if timing.most_s is None or not math.isfinite(timing.most_s) else span(timing.most_s)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(cells_wide(row[field]) for row in rows) for field in range(len(_HEADINGS))]
    for row in rows:
        yield "  " + "  ".join(pad(text, width, right=True) for text, width in zip(row, widths, strict=True))


def _enough(found: Detection) -> str:
    """Whether the suite has as many cases."""
    has = f"The suite has {plural(found.planned, 'case')}"
    enough = [one for one in found.needed if one.cases <= found.planned]
    if not enough:
        return f"{has}: too few for any of these."
    if len(enough) == len(found.needed):
        return f"{has}: enough for all of these."
    return f"{has}: enough where columns differ on {fixed(max(one.discordance for one in enough), 0, 2)} %."


def _stopping(found: Detection) -> str:
    """What the last two columns say."""
    return (
        f'A fixed number of cases finds it in 95 % of runs from "at 95 %" on. With stop_when (min_effect '
        f"{found.when.min_effect:g}), half of the runs with such a difference have found the winner by then, looking "
        "after every case."
    )

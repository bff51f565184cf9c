"""What people see of a plan: a line that says what it is, one a model, and a sentence on how long it takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalrun.conduct.baselines import gate_notes
from evalrun.conduct.foresight import Foreseen
from evalrun.conduct.notes import model_notes, stopping_notes, warnings_of
from evalrun.conduct.plan import ColumnForecast, shown_requests
from evalrun.conduct.plan import forecast as column_forecasts
from evalrun.records.plan import Plan
from evalrun.records.quota import DAY_S, HOUR_S, MINUTE_S
from evalrun.records.request import Request
from evalrun.report.fields import minute, utc
from evalrun.report.numbers import count, money, plural, tokens
from evalrun.report.talk import called_tools, message_json, message_lines, tool_text, who
from evalrun.safe_text import cells_wide, cut, pad, safe_line, safe_text
from evalrun.scheduler.forecast import Amounts, Binding, Forecast, LaneForecast, LimitState, ScopeState, Timing

WIDTH = 80
_LEAST_LABEL = 6
_PER = {1.0: "s", MINUTE_S: "min", HOUR_S: "h"}
_UNITS = {"requests": "", "tokens": " tokens", "input_tokens": " input", "output_tokens": " output"}
_NEAR = 1.15  # a range so narrow is one figure
_NAPS_S = 2 * 3600.0  # a span so long is told in hours


def head_line(plan: Plan) -> str:
    """What is multiplied to how many cells."""
    suite = plan.suite
    factors = [plural(len(plan.columns), "column"), plural(len(suite.cases), "case")]
    if suite.samples > 1:
        factors.append(plural(suite.samples, "sample"))
    merged = f" ({plan.merged} merged as identical)" if plan.merged else ""
    return safe_line(f"{suite.name}: {' × '.join(factors)} = {plural(len(plan.cells), 'cell')}{merged}")


def model_lines(plan: Plan, forecast: Forecast) -> Iterator[str]:
    """A line a model, and what more is to be said of it below."""
    models = {model.label: model for model in plan.suite.models}
    rows = []
    for lane in forecast.lanes:
        model = models[lane.lane]
        simulated = plan.suite.providers[model.provider].simulated
        figures = () if model.recorded else _figures(lane.amounts)
        tail = "recorded answers, nothing is sent" if model.recorded else _limits_text(lane, simulated=simulated)
        rows.append((safe_line(lane.lane), figures, tail, tuple(_remarks(lane))))
    if len(rows) > 1:
        rows.append(("in all", _figures(forecast.amounts), "", ()))
    widths = [max((cells_wide(row[1][field]) for row in rows if row[1]), default=0) for field in range(4)]
    room = WIDTH - 2 - sum(2 + width for width in widths)
    label_width = max(_LEAST_LABEL, min(room, max(cells_wide(row[0]) for row in rows)))
    lines = []
    for label, figures, *_ in rows:
        fields = [pad(text, width, right=True) for text, width in zip(figures, widths, strict=False)]
        lines.append("  ".join([f"  {pad(safe_line(label, label_width), label_width)}", *fields]))
    beside = all(cells_wide(line) + 3 + cells_wide(row[2]) <= WIDTH for line, row in zip(lines, rows, strict=True))
    for line, (_, _, tail, remarks) in zip(lines, rows, strict=True):
        yield f"{line}   {tail}".rstrip() if beside else line.rstrip()
        for remark in remarks:
            yield from wrapped(remark, "    ")
    if not beside:
        yield from _limit_lines([(label, tail) for label, _, tail, _ in rows])


def _limit_lines(tails: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What paces the run, where it has no room beside: each text once, with its models where they differ."""
    labels: dict[str, list[str]] = {}
    for label, tail in tails:
        if tail:
            labels.setdefault(tail, []).append(label)
    for tail, mine in labels.items():
        whose = f"{', '.join(mine)}: " if len(labels) > 1 else ""
        yield from wrapped(f"{whose}{tail}", " " * 10, first="  limits  ")


def closing_lines(forecast: Forecast, after: str = "") -> Iterator[str]:
    """How long it takes in a sentence, with *after* behind it where there is room, and what the budget does to it."""
    said = safe_line(time_text(forecast))
    if after and cells_wide(said) + 1 + cells_wide(after) <= WIDTH:
        said, after = f"{said} {after}", ""
    yield from wrapped(said, "")
    for line in forecast.budget:
        yield from wrapped(line, "")
    if after:
        yield after


def plan_lines(plan: Plan, foreseen: Foreseen) -> Iterator[str]:
    """The whole of `evalrun plan`."""
    yield head_line(plan)
    yield from model_lines(plan, foreseen.forecast)
    yield from closing_lines(foreseen.forecast)
    if foreseen.forecast.timing.finishes_at is not None:
        condition = ", if it is gone on with whenever quota is back" if len(foreseen.forecast.sittings) > 1 else ""
        yield f"done about {_moment(foreseen.forecast.timing.finishes_at)}{condition}"
    if foreseen.run:
        words = f"evalrun {safe_line(Path(plan.suite.file).name)} goes on with {foreseen.run}; --new starts anew"
        yield from wrapped(words, "")
    for at, gate in enumerate(gate_notes(plan.suite)):
        yield from wrapped(safe_line(gate), " " * 8, first=" " * 8 if at else "gates   ")
    for note in (*stopping_notes(plan), *warnings_of(plan), *model_notes(plan), *foreseen.notes):
        yield from wrapped(f"note: {safe_line(note)}", "")


def request_lines(place: str, request: Request) -> Iterator[str]:
    """One request as it would be sent: its parameters, tools, and messages with their pictures and calls."""
    yield ""
    yield safe_line(f"── {place}")
    params = ", ".join(f"{name}={value!r}" for name, value in request.params.items())
    yield safe_line(f"{request.provider}/{request.model}  {params}  ~{request.input_tokens} tokens")
    if request.tools:
        yield "[tools]"
        yield from (f"  {safe_line(tool_text(tool))}" for tool in request.tools)
    called = called_tools(request.messages)
    for message in request.messages:
        yield f"[{safe_line(who(message, called))}]"
        yield from (f"  {line}" for line in safe_text(message_lines(message, request.pictures)).split("\n"))


# -- sentences --------------------------------------------------------------------------------------------------------


def time_text(forecast: Forecast) -> str:
    """When it will be done, in a sentence."""
    timing, amounts = forecast.timing, forecast.amounts
    if not amounts.requests:
        left = f", {amounts.never_fit:,} can never fit" if amounts.never_fit else ""
        return f"nothing is left to send: {amounts.answered:,} answered already{left}."
    if timing.finishes_at is None or timing.most_s is None:
        least = f"at least {span(timing.least_s)}; " if timing.least_s >= MINUTE_S else ""
        return f"{least}how long it takes is unknown: no earlier answers were timed."
    why = f" ({_binding_text(timing.binding)})" if timing.binding else ""
    first, day = forecast.sittings[0], _moment(timing.finishes_at)
    if not first.requests and len(forecast.sittings) > 1:
        days = f", over {plural(timing.days, 'day')}" if timing.days > 1 else ""
        return f"nothing can go before {_moment(forecast.sittings[1].starts_at)}{why}{days}."
    now_s = first.ends_at - first.starts_at
    if len(forecast.sittings) == 1:
        over = f", on {timing.days} days" if timing.days > 1 else ""
        return f"about {_range(timing.least_s, timing.most_s)}{over}{why}."
    if timing.days > 1:
        return f"about {span(now_s)} today, then {plural(timing.days - 1, 'more day')}{why}."
    pauses = plural(len(forecast.sittings) - 1, "pause")
    return f"about {span(now_s)}, then {pauses} until about {day}{why}."


def _binding_text(binding: Binding) -> str:
    whose = binding.lane if binding.scope == binding.lane else f"{binding.lane}, {binding.scope}"
    return safe_line(f"{whose}: {binding.words}")


def _figures(amounts: Amounts) -> tuple[str, str, str, str]:
    """Requests, input, output, cost. ``~`` is an estimate, ``≤`` the most that it can be."""
    if amounts.output_tokens is None:
        output, cost = f"≤{tokens(amounts.output_tokens_at_most)} out", _cost("≤", amounts.cost_usd_at_most)
    else:
        output, cost = f"~{tokens(amounts.output_tokens)} out", _cost("~", amounts.cost_usd)
    return plural(amounts.requests, "request"), f"~{tokens(amounts.input_tokens)} in", output, cost


def cost_text(amounts: Amounts) -> str:
    """What it costs: about, or at most where no earlier answer says."""
    return _figures(amounts)[3]


def _cost(sign: str, usd: float | None) -> str:
    if usd is None:
        return "price ?"
    return sign + money(usd) if usd else money(usd)


def _limits_text(lane: LaneForecast, *, simulated: bool) -> str:
    """The limits that matter: the tightest of a short window, what is left of a day, and how many days that makes."""
    said = ["simulated"] if simulated else []
    standings = [(scope, standing) for scope in lane.scopes for standing in scope.limits]
    short = [standing for _, standing in standings if standing.limit.per_s < DAY_S]
    for axis in dict.fromkeys(standing.limit.axis for standing in short):
        tightest = min((s for s in short if s.limit.axis == axis), key=lambda s: s.limit.amount / s.limit.per_s)
        said.append(_rate(tightest))
    days = [standing for _, standing in standings if standing.limit.per_s >= DAY_S]
    for axis in dict.fromkeys(standing.limit.axis for standing in days):
        least = min((s for s in days if s.limit.axis == axis), key=lambda s: s.left)
        said.append(f"{tokens(math.floor(least.left))}{_UNITS[axis]} left today")
    at_once = [scope.quota.concurrency for scope in lane.scopes if scope.quota.concurrency is not None]
    if at_once:
        said.append(f"{min(at_once)} at once")
    said += [f"closed until {_moment(scope.closed_until)}" for scope in lane.scopes if scope.closed_until is not None]
    many = f"  ← {lane.timing.days} days" if lane.timing.days > 1 else ""
    return ", ".join(said) + many


def _rate(standing: LimitState) -> str:
    limit = standing.limit
    amount = tokens(limit.amount) if limit.axis != "requests" else f"{limit.amount:g}"
    return f"{amount}{_UNITS[limit.axis]}/{_PER.get(limit.per_s) or f'{limit.per_s:g} s'}"


def _remarks(lane: LaneForecast) -> Iterator[str]:
    """What there is besides: what is done already, retries to expect, what can never fit."""
    amounts = lane.amounts
    said = [f"{count(amounts.answered)} answered already"] if amounts.answered else []
    said += [f"{count(amounts.in_error)} in error"] if amounts.in_error else []
    said += [f"~{count(amounts.retries)} sent again"] if amounts.retries else []
    if said:
        yield ", ".join(said)
    for misfit in lane.never_fit:
        yield safe_line(f"{count(misfit.count)} can never fit: {misfit.why} (largest: {misfit.largest:,.0f})")


def wrapped(text: str, indent: str, first: str | None = None) -> list[str]:
    """*text* in lines of at most `WIDTH`, all behind *indent* but the first, which may begin otherwise."""
    width = WIDTH - 2 if "::" in text or "##" in text else WIDTH  # room for the mark that safe_text puts in front
    lines, line = [], indent if first is None else first
    for word in filter(None, text.split(" ")):
        space = " " if line.strip() and not line.endswith(" ") else ""
        if space and cells_wide(line) + 1 + cells_wide(word) > width:
            lines.append(line)
            line, space = indent, ""
        line += space + cut(word, width - cells_wide(line + space))
    return [safe_text(line) for line in [*lines, line]]


def _range(least_s: float, most_s: float) -> str:
    if most_s <= _NEAR * least_s or span(least_s) == span(most_s):
        return span(most_s)
    return f"{span(least_s)} to {span(most_s)}"


def span(seconds: float) -> str:
    """A length of time in one or two units."""
    if seconds < 100:
        return f"{max(1, math.ceil(seconds))} s"
    minutes = math.ceil(seconds / 60)
    if seconds < _NAPS_S:
        return f"{minutes} min"
    if seconds < 2 * DAY_S:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest:02d} min" if hours < 10 else f"{round(minutes / 60)} h"
    return f"{seconds / DAY_S:.1f} days"


def _moment(at: float) -> str:
    return f"{minute(at)} UTC"


# -- for programs -----------------------------------------------------------------------------------------------------


def plan_json(plan: Plan, foreseen: Foreseen, show: int) -> dict[str, Any]:
    """A plan and its forecast as one JSON object; *show* requests with their messages."""
    found = foreseen.forecast
    return {
        "suite": plan.suite.name,
        "file": plan.suite.file,
        "cells": len(plan.cells),
        "merged": plan.merged,
        "tokens_method": plan.tokens_method,
        "run": foreseen.run or None,
        "columns": [_column_json(one) for one in column_forecasts(plan)],
        "models": [_lane_json(lane) for lane in found.lanes],
        "in_all": asdict(found.amounts) | timing_json(found.timing),
        "sittings": [
            {"starts_at": _iso(one.starts_at), "ends_at": _iso(one.ends_at), "requests": one.requests}
            for one in found.sittings
        ],
        "sentence": time_text(found),
        "budget": list(found.budget),
        "gates": gate_notes(plan.suite),
        "notes": [*stopping_notes(plan), *warnings_of(plan), *model_notes(plan), *foreseen.notes],
        "requests": [
            {"cell": place, "key": request.key, "model": request.model, "params": dict(request.params),
             "messages": [message_json(message) for message in request.messages],
             **({"tools": [asdict(tool) for tool in request.tools]} if request.tools else {})}
            for place, request in shown_requests(plan, show)
        ],
    }  # fmt: skip


def _column_json(one: ColumnForecast) -> dict[str, Any]:
    return {
        "column": one.column.label,
        "model": one.column.model,
        "prompt": one.column.prompt,
        "params": dict(one.column.params),
        "requests": one.requests,
        "input_tokens": one.input_tokens,
        "output_tokens_at_most": one.output_tokens,
        "cost_usd_at_most": one.cost_usd,
        "simulated": one.simulated,
        "recorded": one.recorded,
    }


def _lane_json(lane: LaneForecast) -> dict[str, Any]:
    return {
        "model": lane.lane,
        **asdict(lane.amounts),
        **timing_json(lane.timing),
        "never_fit_because": [asdict(misfit) for misfit in lane.never_fit],
        "limits": [_limit_json(scope, standing) for scope in lane.scopes for standing in scope.limits],
        "concurrency": [
            {"scope": scope.name, "at_once": scope.quota.concurrency}
            for scope in lane.scopes
            if scope.quota.concurrency is not None
        ],
    }


def _limit_json(scope: ScopeState, standing: LimitState) -> dict[str, Any]:
    limit = standing.limit
    return {
        "scope": scope.name,
        "axis": limit.axis,
        "amount": limit.amount,
        "per_s": limit.per_s,
        "window": limit.window,
        "used": standing.used,
        "left": standing.left,
        "resets_at": _iso(standing.resets_at),
    }


def timing_json(timing: Timing) -> dict[str, Any]:
    """When it will happen, and which limit decides that."""
    binding = timing.binding
    return {
        "binding": None if binding is None else {"model": binding.lane, "scope": binding.scope, "limit": binding.words},
        "starts_at": _iso(timing.starts_at),
        "finishes_at": _iso(timing.finishes_at),
        "least_s": timing.least_s,
        "most_s": timing.most_s,
        "days": timing.days,
    }


def _iso(at: float | None) -> str | None:
    if at is None or not math.isfinite(at):
        return None
    return utc(at)

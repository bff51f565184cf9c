"""The simulator by hand: words into rules, then serve until told to stop."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import click

from evalrun.records.quota import Axis, ChargeRule, Limit, Quota, WindowKind
from evalrun.simulator.rules import Rules
from evalrun.simulator.server import serve

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def serve_simulator(host: str, port: int, log: Path | None, said: dict[str, Any]) -> None:
    """Serve with the rules that the command line says. Raises click.UsageError for a word that is none."""
    plain = ("rpm", "rpd", "tpm", "tpd", "concurrency", "window", "charge", "style", "seed")
    quotas = _quotas(said["limits"], said["window"], said["charge"])
    latency_s, faults = _latency_s(said["latency"]), _faults(said["faults"])
    try:
        rules = Rules(
            latency_s=latency_s,
            faults=faults,
            resets=_zone(said["resets"]),
            account=quotas.pop("", None),
            models=quotas,
            **{name: said[name] for name in plain},
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        asyncio.run(serve(rules, host=host, port=port, log=log, announce=click.echo))
    except OSError as error:
        raise click.UsageError(f"{host}:{port}: cannot listen there ({error.strerror or error})") from error


def _latency_s(text: str | None) -> float | tuple[float, float] | None:
    """``200ms`` or ``1.5s`` in seconds, ``50ms-2s`` as a range; None leaves it to the model."""
    if text is None:
        return None
    low, dash, high = text.partition("-")
    return (_time_s("--latency", low), _time_s("--latency", high)) if dash else _time_s("--latency", text)


def _time_s(option: str, text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|[smhd])?", text.strip())
    if not match:
        raise click.UsageError(f"{option} {text}: this is no time (200ms, 1.5s)")
    return float(match[1]) * _UNITS_S[match[2] or "s"]


def _faults(words: tuple[str, ...]) -> dict[str, float]:
    """``500=0.05`` words as shares by kind."""
    found = {}
    for word in words:
        kind, _, share = word.partition("=")
        try:
            found[kind] = float(share)
        except ValueError:
            raise click.UsageError(f"--fault {word}: this is not KIND=SHARE, such as 500=0.05") from None
    return found


def _quotas(words: tuple[str, ...], window: WindowKind, charge: ChargeRule) -> dict[str, Quota]:
    """``requests=20/2s`` and ``large:tokens=9000/1m`` words as quotas by model, the account's under no name."""
    found: dict[str, list[Limit]] = defaultdict(list)
    for word in words:
        match = re.fullmatch(r"(?:([^:=]+):)?(\w+)=(\d+)/(.+)", word.strip())
        axis = next((axis for axis in get_args(Axis) if match and axis == match[2]), None)
        per_s = _time_s("--limit", match[4]) if match else 0.0
        if match is None or axis is None or int(match[3]) == 0 or per_s == 0.0:
            raise click.UsageError(f"--limit {word}: this is not [MODEL:]WHAT=N/TIME, such as requests=20/2s")
        found[match[1] or ""].append(Limit(axis=axis, amount=int(match[3]), per_s=per_s, window=window))
    return {model: Quota(limits=tuple(limits), charge=charge) for model, limits in found.items()}


def _zone(text: str) -> str:
    try:
        return text if text.lower() == "utc" else ZoneInfo(text).key
    except (KeyError, ValueError, OSError):
        raise click.UsageError(f"--resets {text}: no such zone (utc, America/Los_Angeles)") from None

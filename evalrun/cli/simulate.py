"""The simulator by hand: words into rules, then serve until told to stop."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import click

from evalrun.simulator.engine import FAULTS, Rules
from evalrun.simulator.server import serve


def serve_simulator(host: str, port: int, log: Path | None, said: dict[str, Any]) -> None:
    """Serve with the rules that the command line says. Raises click.UsageError for a word that is none."""
    rules = Rules(
        rpm=said["rpm"],
        rpd=said["rpd"],
        tpm=said["tpm"],
        tpd=said["tpd"],
        concurrency=said["concurrency"],
        window=said["window"],
        latency_s=_latency_s(said["latency"]),
        faults=_faults(said["faults"]),
        seed=said["seed"],
    )
    try:
        asyncio.run(serve(rules, host=host, port=port, log=log, announce=click.echo))
    except OSError as error:
        raise click.UsageError(f"{host}:{port}: cannot listen there ({error.strerror or error})") from error


def _latency_s(text: str | None) -> tuple[float, float] | None:
    """``200ms`` or ``50ms-2s`` as a range in seconds; None leaves it to the model."""
    if text is None:
        return None
    low, _, high = text.partition("-")
    first = _time_s(low)
    return first, _time_s(high) if high else first


def _time_s(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)?", text.strip())
    if not match:
        raise click.UsageError(f"--latency {text}: this is no time (200ms, 1.5s, 50ms-2s)")
    return float(match[1]) * (0.001 if match[2] == "ms" else 1.0)


def _faults(words: tuple[str, ...]) -> dict[str, float]:
    """``500=0.05`` words as shares by kind."""
    found = {}
    for word in words:
        kind, _, share = word.partition("=")
        if kind not in FAULTS or not re.fullmatch(r"0?\.\d+|[01](?:\.0*)?", share):
            raise click.UsageError(
                f"--fault {word}: this is not KIND=SHARE (kinds: {', '.join(FAULTS)}; shares: 0 to 1)"
            )
        found[kind] = float(share)
    return found

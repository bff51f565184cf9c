"""The simulator by hand: words into rules, then serve until told to stop."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import click

from evalrun.simulator.engine import Rules
from evalrun.simulator.server import serve


def serve_simulator(host: str, port: int, log: Path | None, said: dict[str, Any]) -> None:
    """Serve with the rules that the command line says. Raises click.UsageError for a word that is none."""
    limits = {name: said[name] for name in ("rpm", "rpd", "tpm", "tpd", "concurrency", "window", "seed")}
    latency_s, faults = _latency_s(said["latency"]), _faults(said["faults"])
    try:
        rules = Rules(latency_s=latency_s, faults=faults, **limits)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    try:
        asyncio.run(serve(rules, host=host, port=port, log=log, announce=click.echo))
    except OSError as error:
        raise click.UsageError(f"{host}:{port}: cannot listen there ({error.strerror or error})") from error


def _latency_s(text: str | None) -> float | None:
    """``200ms`` or ``1.5s`` in seconds; None leaves it to the model."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)?", text.strip())
    if not match:
        raise click.UsageError(f"--latency {text}: this is no time (200ms, 1.5s)")
    return float(match[1]) * (0.001 if match[2] == "ms" else 1.0)


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

"""`evalrun models`: the providers that need no entry in a suite, and the models that one of them lists."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalrun.cli import options as o
from evalrun.cli.printing import say_json

if TYPE_CHECKING:
    from evalrun.conduct.models import Known

_WIDTH = 80


@click.command()
@click.argument("provider", required=False)
@click.option("--base-url", metavar="URL", default="", help="Ask here instead: a gateway, a server of your own.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--env-file", type=click.Path(dir_okay=False, exists=True, readable=True, path_type=Path),
              help="Read key variables from this file too.")  # fmt: skip
@o.allowing_origins
def models(
    provider: str | None, base_url: str, *, as_json: bool, env_file: Path | None, allow_origins: tuple[str, ...]
) -> int:
    """List the providers, or the models that PROVIDER says it has."""
    environ = o.environment(env_file)
    if provider is None:
        _list_providers(environ, as_json=as_json)
        return 0
    from evalrun.catalog import endpoints_in
    from evalrun.clock import SystemClock
    from evalrun.conduct.models import models_of
    from evalrun.conduct.options import Selection
    from evalrun.errors import ExitCode
    from evalrun.records.outcome import Failure
    from evalrun.safe_text import safe_line

    allowed = Selection(allow_origins=o.origins(allow_origins), endpoints=endpoints_in(environ)).allowed
    found = models_of(provider, base_url=base_url, environ=environ, allowed=allowed, clock=SystemClock())
    if isinstance(found, Failure):
        click.echo(safe_line(f"{provider}: {found.message}"), err=True)
        return ExitCode.INCOMPLETE
    if as_json:
        say_json({"provider": provider, "models": found})
        return 0
    for name in found:
        click.echo(safe_line(f"{provider}/{name}"))
    if not found:
        click.echo(f"{provider}: the list is empty", err=True)
    return 0


def _list_providers(environ: Any, *, as_json: bool) -> None:
    from evalrun.conduct.models import known_providers

    known = known_providers(environ)
    if as_json:
        say_json({"providers": [_object(one) for one in known]})
        return
    for line in provider_lines(known):
        click.echo(line)


def provider_lines(known: tuple[Known, ...]) -> Iterator[str]:
    """A few lines a provider: what it is, how it is spoken to, and which variables it wants."""
    for one in known:
        entry = one.entry
        yield from textwrap.wrap(f"{entry.id}: {entry.about}", _WIDTH, subsequent_indent="  ")
        said = [entry.dialect]
        if entry.profile:
            said.append(f"profile {entry.profile}")
        if entry.api_key_env:
            said.append(f"key {entry.api_key_env} ({'set' if one.key_is_set else 'not set'})")
        if entry.endpoint_env:
            said.append(f"address {entry.endpoint_env} ({'set' if one.address else 'not set'})")
        yield from textwrap.wrap(", ".join(said), _WIDTH, initial_indent="    ", subsequent_indent="    ")


def _object(one: Known) -> dict[str, Any]:
    entry = one.entry
    return {
        "id": entry.id,
        "dialect": entry.dialect,
        "base_url": entry.base_url or None,
        "api_key_env": entry.api_key_env,
        "key_is_set": one.key_is_set,
        "endpoint_env": entry.endpoint_env or None,
        "profile": entry.profile or None,
        "about": entry.about,
        "retired": entry.gone or None,
        "source": entry.source or None,
        "date": entry.date or None,
    }

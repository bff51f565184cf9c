"""Options that verbs share, and how their words become values."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

Verb = TypeVar("Verb", bound=Callable[..., Any])

_SELECTORS = ("model", "prompt", "case", "tag")


class Figure(click.FloatRange):
    """A number in a range; `nan`, which no comparison keeps out, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """See click.ParamType."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


def selecting(verb: Verb) -> Verb:
    """Which cells: the options that `run`, `plan` and `score --suite` share."""
    for option in (
        click.option("--max-planned", type=click.IntRange(min=1), default=100_000, show_default=True,
                     help="Refuse a plan of more cells than this."),
        click.option("--var", "variables", multiple=True, metavar="NAME=VALUE",
                     help="Set a variable in every case."),
        click.option("--set", "params", multiple=True, metavar="NAME=VALUE",
                     help="Set a parameter, whatever the suite says."),
        click.option("--sample", type=click.IntRange(min=1), metavar="N",
                     help="A random N cases, the same every time."),
        click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N cases."),
        click.option("--only", multiple=True, metavar="KEY=VALUE",
                     help="Only these: model=, prompt=, case= or tag=; several times or with commas."),
        click.option("--model", "models", multiple=True, metavar="PROVIDER/MODEL",
                     help="Use this model instead of the suite's; several times for several."),
    ):  # fmt: skip
        verb = option(verb)
    return allowing(verb)


def allowing(verb: Verb) -> Verb:
    """Which key may go where, and whether code of the suite may run."""
    code = click.option("--allow-code", is_flag=True, help="Let Python functions that the suite names run.")
    return allowing_origins(code(verb))


def allowing_origins(verb: Verb) -> Verb:
    """Which key may go where."""
    return click.option(
        "--allow-origin", "allow_origins", multiple=True, metavar="VAR=https://host",
        help="Let this key variable go to this origin.",
    )(verb)  # fmt: skip


def placed(verb: Verb) -> Verb:
    """Where runs are written."""
    return click.option(
        "--results", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True,
        help="Where runs are written.",
    )(verb)  # fmt: skip


def formatted(text: str) -> Callable[[Verb], Verb]:
    """Which kinds of report, with *text* as the option's help."""
    return click.option("--format", "formats", multiple=True, metavar="KIND", help=text)


def formats(words: tuple[str, ...]) -> tuple[str, ...]:
    """Kinds of report, repeated ones and those after commas together, each once."""
    found = tuple(dict.fromkeys(part.strip() for word in words for part in word.split(",") if part.strip()))
    if words and not found:
        raise click.UsageError("--format: no kind is given")
    return found


def sending(verb: Verb) -> Verb:
    """How requests go out: the options that `run` and `resume` share."""
    for option in (
        click.option("-v", "verbose", is_flag=True, help="Say more; show where an internal error came from."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output at the end."),
        click.option("--quiet", is_flag=True, help="Only the conclusion, the gates and the report's path."),
        click.option("--paused-exit-code", type=click.IntRange(0, 255), default=75, show_default=True,
                     help="What to end with when paused."),
        click.option("--wait", is_flag=True, help="Wait for quota for ever, rather than pause (75) after 15 minutes."),
        click.option("--deadline", metavar="TIME", help="Stop starting requests after this long: 90s, 30m, 2h."),
        click.option("--max-cost-usd", type=Figure(min=0), metavar="USD",
                     help="Spend at most this in a run."),
        click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Use at most N tokens in a run."),
        click.option("--max-requests", type=click.IntRange(min=1), metavar="N",
                     help="Send at most N requests in a run."),
        click.option("--fail-fast", is_flag=True, help="Stop at the first case that does not pass."),
        click.option("--retry-errors", is_flag=True, help="Ask the cells in error again too."),
        click.option("--cache", type=click.Choice(["off", "use", "refresh", "only"]), default="off",
                     show_default=True, help="Answers of earlier runs: use them, renew them, or use nothing else."),
        click.option("--env-file", type=click.Path(dir_okay=False, exists=True, readable=True, path_type=Path),
                     help="Read key variables from this file too."),
        click.option("-j", "--concurrency", type=click.IntRange(1, 1000), default=16, show_default=True,
                     help="Requests under way at once."),
    ):  # fmt: skip
        verb = option(verb)
    return placed(formatted("Write this kind of report besides: parquet; several times or with commas.")(verb))


def pairs(words: tuple[str, ...], option: str) -> dict[str, str]:
    """``name=value`` words as a mapping. Raises click.UsageError for a word without ``=`` or a name."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not (name.strip() and equals):
            raise click.UsageError(f"{option} {word}: this is not NAME=VALUE")
        found[name.strip()] = value
    return found


def typed(words: tuple[str, ...], option: str) -> dict[str, Any]:
    """Likewise, with each value as JSON where it is JSON and text otherwise."""
    return {name: _value(text) for name, text in pairs(words, option).items()}


def only(words: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Selectors, with repeated and comma-separated values together."""
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        for name, text in pairs((word,), "--only").items():
            values = tuple(part.strip() for part in text.split(",") if part.strip())
            if not values:
                raise click.UsageError(f"--only {word}: no value is given (an empty one would select everything)")
            found[name] = found.get(name, ()) + values
    return found


def split_selectors(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Words after ``--only a=1 b=2`` that click took for suites: (suites, selectors)."""
    selectors = tuple(w for w in words if w.partition("=")[0] in _SELECTORS and "=" in w and not Path(w).exists())
    return tuple(word for word in words if word not in selectors), selectors


def origins(words: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """``VAR=https://host`` words as pairs of variable and origin."""
    from evalrun.keys import origin_of

    found = set()
    for variable, url in pairs(words, "--allow-origin").items():
        try:
            found.add((variable, origin_of(url)))
        except ValueError as error:
            raise click.UsageError(f"--allow-origin {variable}={url}: {error}") from error
    return frozenset(found)


def duration_s(text: str | None, option: str) -> float | None:
    """Seconds of ``90``, ``90s``, ``30m``, ``2h`` or ``1h30m``; None for None."""
    if text is None:
        return None
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip())
    if not match or not any(match.groups()):
        raise click.UsageError(f"{option} {text}: this is no time (90s, 30m, 2h, 1h30m)")
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600.0 + int(minutes or 0) * 60.0 + float(seconds or 0)


def environment(env_file: Path | None) -> Mapping[str, str]:
    """The process's environment, over what *env_file* says."""
    if env_file is None:
        return dict(os.environ)
    from dotenv import dotenv_values

    said = {name: value for name, value in dotenv_values(env_file).items() if value is not None}
    return {**said, **os.environ}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text

"""`evalrun tokens`: which encodings are at hand, their download, and the tokens of a text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from evalrun.cli import options as o
from evalrun.cli.printing import say_json
from evalrun.errors import UsageError

_TODAY = ("cl100k_base", "o200k_base")
_FOR = {
    "o200k_base": "gpt-4o, gpt-4.1, gpt-5, o1, o3, o4-mini",
    "cl100k_base": "gpt-4, gpt-3.5-turbo, text-embedding-3, davinci-002",
    "o200k_harmony": "gpt-oss",
    "p50k_base": "text-davinci-003, code-davinci-002",
    "r50k_base": "davinci, text-ada-001",
}


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.pass_context
def tokens(context: click.Context, *, as_json: bool) -> int:
    """Show which encodings are at hand: with one, tokens are counted exactly, without it they are estimated."""
    return _show(as_json) if context.invoked_subcommand is None else 0


@tokens.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def list_(*, as_json: bool) -> int:
    """Show which encodings are at hand, and where."""
    return _show(as_json)


@tokens.command()
@click.argument("encodings", nargs=-1, metavar="[ENCODING…]")
@click.option("--timeout", "timeout_s", type=o.Figure(min=0.001, max=3600), default=60.0, show_default=True,
              metavar="S", help="Seconds for each file.")  # fmt: skip
@click.option("--mirror", metavar="URL", help="The folder that the files are under, if not the publisher's.")
def fetch(encodings: tuple[str, ...], timeout_s: float, mirror: str | None) -> int:
    """Download rank files into evalrun's cache folder: cl100k_base and o200k_base, or those named.

    Only what has the published hash is kept. Nothing else in evalrun ever downloads them.
    """
    from evalrun.conduct.ranks import PUBLISHED_AT
    from evalrun.conduct.ranks import fetch as download
    from evalrun.safe_text import safe_line
    from evalrun.tokens.encodings import RANK_FILES

    for name in encodings:
        if name not in RANK_FILES:
            raise UsageError(f"{name}: no such encoding{_near(name, RANK_FILES)}")
    if mirror is not None and not mirror.startswith(("https://", "http://")):
        raise UsageError(f"--mirror {mirror}: this is no address (https://…)")
    download(
        dict.fromkeys(encodings or _TODAY),
        timeout_s=timeout_s,
        source=mirror or PUBLISHED_AT,
        say=lambda line: click.echo(safe_line(line)),
    )
    return 0


@tokens.command("count")
@click.argument("file", default="-")
@click.option("--model", required=True, metavar="MODEL", help="Whose tokens: gpt-4o, or openai/gpt-4o.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def count_(file: str, model: str, *, as_json: bool) -> int:
    """Count the tokens of a text: of FILE, or of standard input."""
    from evalrun.tokens import count, encoding_name

    number, method = count(_text(file), model)
    encoding = encoding_name(model)
    if as_json:
        say_json({"tokens": number, "method": method, "model": model, "encoding": encoding}, indent=None)
        return 0
    if method == "exact":
        click.echo(f"{number:,} tokens (exact: {encoding})")
    else:
        click.echo(f"~{number:,} tokens (an estimate: {_why_estimated(encoding)})")
    return 0


def _why_estimated(encoding: str | None) -> str:
    from evalrun.tokens.encodings import copies

    if encoding is None:
        return "no encoding is published for this model"
    if any(whole for _, whole in copies(encoding)):
        return "the text has a run of blanks that is too long to count"
    return f"{encoding} is not at hand; evalrun tokens fetch {encoding}"


def _text(file: str) -> str:
    """A file's text, or standard input's."""
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: not UTF-8 text (byte {error.start:,})") from error


def _show(as_json: bool) -> int:
    from evalrun.safe_text import safe_line

    found = [_standing(name) for name in _FOR]
    if as_json:
        say_json({"encodings": found})
        return 0
    width = max(map(len, _FOR))
    for one in found:
        said = one["path"] or f"not at hand: evalrun tokens fetch {one['encoding']}"
        click.echo(f"{one['encoding']:<{width}}  {safe_line(said)}")
        click.echo(f"{'':<{width}}  for {one['models']}")
        for path in one["damaged"]:
            click.echo(f"{'':<{width}}  not used, for its hash is another: {safe_line(path)}")
    return 0


def _standing(name: str) -> dict[str, Any]:
    from evalrun.tokens.encodings import copies

    found = list(copies(name))
    return {
        "encoding": name,
        "path": next((str(path) for path, whole in found if whole), None),
        "damaged": [str(path) for path, whole in found if not whole],
        "models": _FOR[name],
    }


def _near(word: str, known: Any) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, n=1)
    return f" (did you mean {near[0]}?)" if near else f" (they are {', '.join(known)})"

"""`evalrun show`: one answer of a run, as a conversation, as JSON, or as code that asks for it again."""

from __future__ import annotations

from pathlib import Path

import click

from evalrun.cli import options as o
from evalrun.cli.printing import colored, screen_width

FORMS = ("chat", "raw", "curl", "python", "javascript")


@click.command()
@click.argument("run")
@click.argument("row")
@click.option("--as", "form", type=click.Choice(FORMS), default="chat", show_default=True,
              help="As a conversation, as JSON, or as code that sends the request again.")  # fmt: skip
@o.placed
def show(run: str, row: str, form: str, results: Path) -> int:
    """Show one answer of a run. Sends nothing.

    ROW is a case, with its column and sample where there are several: capital-fr, capital-fr:large,
    capital-fr:large#1. A number is that of a row of results.csv, from 1.

    Code reads the key from the environment variable that the suite names; the key itself is in no output.
    """
    from evalrun.conduct.showing import find_answer
    from evalrun.errors import UsageError
    from evalrun.report.answer_text import chat_text, raw_text
    from evalrun.report.snippets import LANGUAGES, filled, snippet

    found = find_answer(results, run, row)
    if form == "chat":
        click.echo(chat_text(found.plan, found.row, width=screen_width(), color=colored()), color=colored())
    elif form == "raw":
        click.echo(raw_text(found.row, found.wire))
    else:
        if isinstance(found.wire, str):
            raise UsageError(f"{row}: no code repeats it: {found.wire}")
        language = next(one for one in LANGUAGES if one == form)
        click.echo(filled(snippet(found.wire.request, language), found.wire), nl=False)
    return 0

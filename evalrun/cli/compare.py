"""`evalrun compare` and `evalrun history`: stored runs beside each other. Nothing is sent."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from evalrun.cli import options as o
from evalrun.cli.printing import colored, say_json, screen_width


@click.command()
@click.argument("a")
@click.argument("b", required=False)
@click.option(
    "--column", "columns", multiple=True, metavar="LABEL", help="Only this column; several times for several."
)
@click.option("--map", "mapping", multiple=True, metavar="OLD=NEW",
              help="Column OLD of A and column NEW of B belong together; several times.")  # fmt: skip
@click.option("--unchanged", is_flag=True, help="Leave out cases whose variables or expected value changed.")
@click.option("--no-files", is_flag=True, help="Only print: write neither page nor table.")
@o.placed
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def compare(
    a: str,
    b: str | None,
    *,
    columns: tuple[str, ...],
    mapping: tuple[str, ...],
    unchanged: bool,
    no_files: bool,
    results: Path,
    as_json: bool,
) -> int:
    """Compare run B with run A, or the columns of run A with each other.

    Cells are matched by case, column and sample, in runs of changed suites too. Whatever comes out, the exit code is 0.
    """
    from evalrun.conduct.compare import compare_runs
    from evalrun.report.compare_text import comparison_text

    found = compare_runs(results, a, b, columns=columns, mapping=mapping, unchanged=unchanged, write=not no_files)
    if as_json:
        say_json(asdict(found))
    else:
        click.echo(comparison_text(found, width=screen_width(), color=colored()), color=colored())
    return 0


@click.command()
@click.argument("suite")
@click.option("--last", type=click.IntRange(min=1), default=10, show_default=True, metavar="N", help="The last N runs.")
@o.placed
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def history(suite: str, *, last: int, results: Path, as_json: bool) -> int:
    """Show a suite's runs over time, by its name or file, and what drifted although it was asked the same."""
    from evalrun.conduct.history import suite_history
    from evalrun.report.history_text import history_text

    found = suite_history(results, suite, last=last)
    if as_json:
        say_json(asdict(found))
    else:
        click.echo(history_text(found, width=screen_width(), color=colored()), color=colored())
    return 0

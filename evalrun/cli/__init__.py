"""The command line: verbs and options in, text and an exit code out.

Nothing here imports pandas, aiohttp, tiktoken or jinja2 before a verb needs them: `evalrun --help` is quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from evalrun import __version__
from evalrun.errors import EXIT_CODES, EvalrunError, ExitCode, SuiteInvalid

_EPILOG = "Exit codes: " + " · ".join(f"{int(code)} {text}" for code, text in EXIT_CODES.items())


class PathFirst(click.Group):
    """A group in which the first word may be a suite: ``evalrun suites/basic.yaml`` means ``evalrun run …``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See click.Group."""
        first = args[0] if args else ""
        own = {"--help", "-h", "--version"}
        if first and first not in own and first not in self.commands and (first.startswith("-") or _is_path(first)):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """See click.Group: an unknown verb is answered with the nearest one."""
        name = args[0] if args else ""
        if name not in self.commands:
            from difflib import get_close_matches

            near = get_close_matches(name, self.commands, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the verbs are {', '.join(sorted(self.commands))}"
            raise click.UsageError(f"{name}: no such verb and no such file ({hint})")
        return super().resolve_command(ctx, args)


def _is_path(word: str) -> bool:
    return word.endswith((".yaml", ".yml")) or os.sep in word or Path(word).is_file()


@click.group(
    cls=PathFirst,
    epilog=_EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="evalrun")
def evalrun() -> None:
    """Evaluate prompts × models × parameters within your quota, and compare them.

    `evalrun SUITE.yaml` runs a suite, or goes on with its unfinished run.
    """


def main(args: list[str] | None = None) -> NoReturn:
    """The program: run the command line and end the process."""
    sys.exit(execute(args))


def execute(args: list[str] | None = None) -> int:
    """Run the command line; its exit code. Every exception becomes one here and nowhere else."""
    from evalrun.cli import verbs

    verbs.add_to(evalrun)
    verbose = "-v" in (sys.argv[1:] if args is None else args)
    try:
        return int(evalrun.main(args, standalone_mode=False) or 0)
    except SuiteInvalid as error:
        count = len(error.complaints)
        _say(*map(str, error.complaints), f"{count} problem{'s' * (count != 1)}, nothing was sent.")
        return _told(error, error.exit_code)
    except EvalrunError as error:
        _say(*str(error).splitlines())
        return _told(error, error.exit_code)
    except click.MissingParameter as error:
        _say(error.format_message(), *(error.ctx.get_usage().splitlines() if error.ctx else ()))
        return _told(error, ExitCode.USAGE)
    except click.ClickException as error:
        _say(*error.format_message().splitlines())
        return _told(error, ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): nothing more can be said, and nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.COMPLETE
    except Exception as error:  # the last line of defence: a bug is told in one line
        if verbose:
            raise
        _say(f"internal error: {type(error).__name__}: {error}", "see where with -v, and please report it")
        return _told(error, ExitCode.STORAGE)


def _told(error: Exception, code: ExitCode) -> ExitCode:
    """The exit code, after a job of GitHub Actions was told as well."""
    from evalrun.cli.github import Actions

    Actions(os.environ).failed(error, code)
    return code


def _say(*lines: str) -> None:
    from evalrun.safe_text import safe_line

    for line in lines:
        click.echo(safe_line(line), err=True)

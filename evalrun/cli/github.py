"""What GitHub Actions is told of runs: annotations in the log, the step's summary, and the step's outputs.

Each goes where the environment says: ``GITHUB_ACTIONS``, ``GITHUB_STEP_SUMMARY``, ``GITHUB_OUTPUT``. A file there that
cannot be written is a warning: the run is what counts.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evalrun.errors import EXIT_CODES, ExitCode, SuiteInvalid
from evalrun.safe_text import cut, safe_line

if TYPE_CHECKING:
    from evalrun.conduct.finish import Finished

_MOST_CONCLUSION = 1_000
_STATES = ("interrupted", "paused", "incomplete", "complete")


class Actions:
    """A job's step. What changes: the runs that ended in it so far."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._on = environ.get("GITHUB_ACTIONS") == "true"
        self._workspace = environ.get("GITHUB_WORKSPACE", "")
        self._summary = environ.get("GITHUB_STEP_SUMMARY", "")
        self._output = environ.get("GITHUB_OUTPUT", "") if self._on else ""
        self._finished: list[Finished] = []

    def finished(self, one: Finished) -> None:
        """Take note of a run, and append its summary.md to the step's summary."""
        self._finished.append(one)
        if self._summary:
            try:
                self._append_summary((one.folder / "summary.md").read_text("utf-8"))
            except OSError as error:
                _warn(f"the step's summary cannot be written ({error.strerror or error})")

    def close(self, exit_code: int) -> None:
        """Print the annotations of all runs, and write the step's outputs. *exit_code* is that of all of them."""
        if not self._on or not self._finished:
            return
        from evalrun.conduct.baselines import suite_path
        from evalrun.report.annotations import commands, of_run

        remarks = []
        for one in self._finished:
            suite = one.plan.suite
            place = self._place(str(suite_path(suite)), suite.file)
            remarks += of_run(one.comparison, one.facts, suite.name, place)
        _print(commands(remarks))
        states = [one.facts.state for one in self._finished]
        conclusions = [
            (f"{one.facts.suite}: " if len(self._finished) > 1 else "") + " ".join(one.comparison.conclusion)
            for one in self._finished
        ]
        times = [one.facts.resume_after for one in self._finished if one.facts.resume_after]
        self._write(
            {
                "exit-code": str(int(exit_code)),
                "state": next(state for state in _STATES if state in states),
                "conclusion": cut(safe_line(" ".join(conclusions)), _MOST_CONCLUSION),
                "resume-after": min(times, default=""),
                "folder": "\n".join(str(one.folder.absolute()) for one in self._finished),
            }
        )

    def failed(self, error: BaseException, exit_code: int) -> None:
        """Annotate what went wrong: complaints at their places in the suite, anything else at none."""
        if not self._on:
            return
        from evalrun.report.annotations import Annotation, commands, of_complaints

        if isinstance(error, SuiteInvalid):
            remarks = of_complaints(error, [self._place(one.file, one.file) for one in error.complaints])
        else:
            message = error.format_message() if isinstance(error, click.ClickException) else str(error)
            title = f"evalrun: {EXIT_CODES[ExitCode(exit_code)]}"
            remarks = [Annotation(level="error", title=title, message=message)]
        _print(commands(remarks))
        self._write({"exit-code": str(int(exit_code)), "state": "failed"})

    def _place(self, file: str, typed: str) -> str:
        """A file's path from the repository's root; as it was typed, where it lies outside."""
        if not self._workspace:
            return typed
        try:
            return Path(file).resolve().relative_to(Path(self._workspace).resolve()).as_posix()
        except (OSError, ValueError):
            return typed

    def _append_summary(self, text: str) -> None:
        from evalrun.report.summary_md import MOST_BYTES, fitted

        path = Path(self._summary)
        taken = path.stat().st_size if path.exists() else 0
        said = fitted(text, MOST_BYTES - taken - len("\n\n"))
        if not said:
            _warn("the step's summary is full (1 MiB): this run's is in its summary.md alone")
            return
        with path.open("a", encoding="utf-8", errors="replace", newline="") as file:
            file.write(f"\n{said}\n" if taken else f"{said}\n")

    def _write(self, outputs: Mapping[str, str]) -> None:
        """The step's outputs, each between marks that nobody can foresee."""
        if not self._output:
            return
        mark = f"end-{secrets.token_hex(16)}"
        try:
            with Path(self._output).open("a", encoding="utf-8", errors="replace", newline="") as file:
                file.writelines(f"{name}<<{mark}\n{value}\n{mark}\n" for name, value in outputs.items())
        except OSError as error:
            _warn(f"the step's outputs cannot be written ({error.strerror or error})")


def _print(lines: Sequence[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


def _warn(line: str) -> None:
    click.echo(safe_line(f"WARNING: {line}"), err=True)

"""dialogue.follows -> suite.rendering, sandbox -> the next request of a cell: what one reply leads to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from evalrun import sandbox
from evalrun.conduct.log import LOGGER
from evalrun.dialogue.script import Answer, Round, Script, Turn, answered, failed, follows, next_request, said
from evalrun.records.message import Message
from evalrun.records.outcome import Outcome, Response
from evalrun.records.plan import Cell, Plan
from evalrun.records.request import Request
from evalrun.records.row import Row
from evalrun.suite.plan import first_request, has_script, prompt_of
from evalrun.suite.rendering import render_turns, results_of, tools_of


@dataclass(frozen=True, slots=True)
class Following:
    """What comes next in a dialogue: a turn or answers to calls, after these *messages*; *first* is how it began."""

    first: Request
    messages: tuple[Message, ...]
    what: Turn | Round


class Dialogues:
    """The dialogues of a plan's cells. *environ* is where tool functions find programs and the home folder."""

    def __init__(self, plan: Plan, environ: Mapping[str, str]) -> None:
        self._plan = plan
        self._environ = environ

    def after(self, cell: Cell, messages: tuple[Message, ...], outcome: Outcome) -> Following | None:
        """What follows when *outcome* has come back to *messages*; None where the cell has its last reply."""
        if not isinstance(outcome, Response) or not has_script(self._plan, cell):
            return None
        first = first_request(self._plan, cell)
        what = follows(self._script(cell, first), messages, outcome)
        return None if what is None else Following(first, (*messages, said(outcome)), what)

    async def request(self, following: Following) -> Request:
        """The request that says it. Tool functions are called here, each in a process of its own."""
        if isinstance(following.what, Turn):
            return next_request(following.first, (*following.messages, following.what.message))
        results = [answered(answer, await self._result(answer)) for answer in following.what.answers]
        return next_request(following.first, (*following.messages, *results))

    def _script(self, cell: Cell, first: Request) -> Script:
        suite, prompt = self._plan.suite, prompt_of(self._plan, cell)
        case = suite.cases[cell.case]
        return Script(
            opening=len(first.messages),
            turns=render_turns(prompt, case, suite),
            results=results_of(prompt, case),
            max_tool_rounds=prompt.max_tool_rounds,
        )

    async def _result(self, answer: Answer) -> str:
        if not answer.function:
            return answer.text
        file, _, function = answer.function.rpartition(":")
        try:
            path = Path(self._plan.suite.folder) / file
            return await sandbox.call(path, function, answer.arguments or {}, environ=self._environ)
        except (sandbox.ToolFault, OSError) as fault:
            LOGGER.warning("tool %s: %s", answer.call.name, fault)
            return failed(str(fault))


def with_tools(row: Row, plan: Plan) -> Row:
    """The row with the tools that its model could call, for scorers that look at calls."""
    prompt = prompt_of(plan, row.cell)
    return replace(row, tools=tools_of(prompt, row.case)) if prompt.tools or prompt.tools_from else row

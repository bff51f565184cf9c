"""Several answers to one request, and prompts that go on after a reply: which of them would it be that goes on?"""

from __future__ import annotations

from collections.abc import Iterator

from evalrun.errors import Code
from evalrun.records.suite import Prompt, Suite
from evalrun.suite.border import Border


def check_answers(suite: Suite, border: Border) -> None:
    """Complain about prompts with turns or tool results that would be sent with ``n`` above 1."""
    for prompt in suite.prompts:
        goes_on = "turns" if prompt.turns else "tool_results" if prompt.tool_results else ""
        where = next(_many(prompt, suite), "") if goes_on else ""
        if where:
            words = f"`n` is above 1 in {where}, and a conversation goes on with one answer: use `samples` instead"
            border.add(("prompts", prompt.name, goes_on), Code.NOT_ALLOWED, words, of_key=True)


def _many(prompt: Prompt, suite: Suite) -> Iterator[str]:
    """Where an ``n`` above 1 comes from that would reach this prompt; the nearest says what holds."""
    if any(case.params.get("n", 1) > 1 for case in suite.cases):
        yield "the params of a case"
    if "n" in prompt.params:
        if prompt.params["n"] > 1:
            yield "the prompt's params"
        return
    if any(model.params.get("n", 1) > 1 for model in suite.models):
        yield "the params of a model"
    if all("n" in model.params or model.recorded for model in suite.models):
        return
    if any(n > 1 for n in suite.matrix.get("n", ())):
        yield "the matrix"
    if "n" not in suite.matrix and suite.params.get("n", 1) > 1:
        yield "the suite's params"

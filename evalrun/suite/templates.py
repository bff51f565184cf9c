"""Templates with their places, and whether every case has what they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evalrun import template
from evalrun.errors import Code
from evalrun.records.suite import Case
from evalrun.suite.complaints import Complaints, Spot, hint, listed, printable
from evalrun.suite.document import Document, Path, texts_in

# A case with more text than this is rendered while it is checked: what is rendered has a limit.
_LARGE_CASE = 1 << 19


@dataclass(frozen=True, slots=True)
class Written:
    """A template, and where it is written.

    *kind* is what it stands for: a text; a value, in which ``{{ x }}`` alone keeps x's type; the name of a picture; or
    the definitions of tools.
    """

    text: str
    document: Document
    path: Path
    kind: Literal["text", "value", "image", "tools"] = "text"

    def spot(self, line: int = 0) -> Spot:
        """The template's place, or that of one of its lines."""
        return self.document.line_of(self.path, line)


def written_in(value: Any, document: Document, path: Path) -> Iterator[Written]:
    """The templates in a value."""
    return (Written(text, document, at, "value") for at, text in texts_in(value, path))


def is_readable(written: Written, complaints: Complaints) -> bool:
    """Whether a template can be read; else a complaint."""
    try:
        template.variables(written.text)
    except template.TemplateFault as fault:
        words = f"not a template: {printable(str(fault))}"
        complaints.add(written.spot(fault.line), Code.BAD_TEMPLATE, words)
        return False
    return True


def names_are_known(written: Written, cases: Sequence[Case], complaints: Complaints) -> bool:
    """Whether every case has the variables that a template needs; else complaints."""
    needed = template.variables(written.text) - template.optional_variables(written.text)
    if "expected" in needed:
        words = "`expected` is not visible to prompts: it would tell the model the answer"
        complaints.add(_where(written, "expected"), Code.RESERVED_VARIABLE, words)
    needed -= {"expected"}
    good = True
    for name in sorted(needed):
        lacking = [case for case in cases if name not in case.vars]
        if lacking:
            words = (
                f"`{printable(name)}` is no variable of {listed([case.id for case in lacking])}"
                f"{hint(name, list(lacking[0].vars))}"
            )
            complaints.add(_where(written, name), Code.UNKNOWN_VARIABLE, words)
            good = False
    return good


def large(cases: Sequence[Case]) -> list[Case]:
    """The cases with so much text that a template may grow too long by it."""
    return [case for case in cases if sum(len(v) for v in case.vars.values() if isinstance(v, str)) > _LARGE_CASE]


def check_rendering(
    written: Written, cases: Sequence[Case], large_cases: Sequence[Case], complaints: Complaints
) -> None:
    """Complain where a template cannot be rendered for a case; bare variables can only make a text too long."""
    plain = template.is_plain(written.text)
    render = template.render_value if written.kind == "value" else template.render
    faults: dict[str, list[str]] = {}
    for case in large_cases if plain else cases:
        try:
            render(written.text, case.vars)
        except template.TemplateFault as fault:
            faults.setdefault(str(fault), []).append(case.id)
    for fault_words, ids in faults.items():
        words = f"cannot be rendered for {listed(ids)}: {printable(fault_words)}"
        complaints.add(written.spot(), Code.BAD_TEMPLATE, words)


def _where(written: Written, name: str) -> Spot:
    """The first line of the template that holds the name."""
    lines = written.text.split("\n")
    return written.spot(next((number for number, line in enumerate(lines, 1) if name in line), 0))

"""The prompts of a suite, in all their forms, and whether every case has what they ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import Field

from evalrun import template
from evalrun.errors import Code
from evalrun.records.message import Message
from evalrun.records.suite import Case, Prompt
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Complaints, Spot, hint, listed, printable
from evalrun.suite.datasets import parse_json
from evalrun.suite.document import Document, Path, read_yaml
from evalrun.suite.entries import (
    MAX_NAME,
    FilePrompt,
    MessageEntry,
    MessagesPrompt,
    PromptForm,
    TersePrompt,
)
from evalrun.suite.overrides import params_of
from evalrun.suite.sources import MAX_PROMPT_BYTES, Sources

_TEXT_FILES = (".md", ".txt")
_LIST_FILES = (".yaml", ".yml", ".json")

# A case with more text than this is rendered while it is checked: what is rendered has a limit.
_LARGE_CASE = 1 << 19

_FORM: Form[str | TersePrompt | FilePrompt | MessagesPrompt] = Form(PromptForm)
_MESSAGES: Form[list[MessageEntry]] = Form(Annotated[list[MessageEntry], Field(min_length=1, max_length=1000)])


@dataclass(frozen=True, slots=True)
class Written:
    """One message's template, and where it is written."""

    message: Message
    document: Document
    path: Path

    def spot(self, line: int = 0) -> Spot:
        """The template's place, or that of one of its lines."""
        return self.document.line_of(self.path, line)


@dataclass(frozen=True, slots=True)
class PromptDraft:
    """A prompt and where its templates are written."""

    prompt: Prompt
    written: tuple[Written, ...]


RECORDED_PROMPT = Prompt(name="recorded", messages=())
"""What recorded answers answer where a suite has no prompts."""


def read_prompts(border: Border, section: Any, sources: Sources) -> list[PromptDraft]:
    """The suite's prompts; what is wrong is complained about and left out."""
    found = []
    for name, path, value in border.entries(section, ("prompts",)):
        if not name.isprintable() or len(name) > MAX_NAME or name != name.strip():
            words = f"a prompt's name is one line of at most {MAX_NAME} characters, without spaces around it"
            border.add(path, Code.BAD_NAME, words, of_key=True)
            continue
        entry = border.take(_FORM, value, path)
        if entry is None:
            continue
        written = _written(entry, path, border, sources)
        readable = [_is_readable(w, border.complaints) for w in written or ()]
        if written and all(readable):
            params = {} if isinstance(entry, str) else params_of(entry.params)
            messages = tuple(w.message for w in written)
            found.append(PromptDraft(Prompt(name=name, messages=messages, params=params), tuple(written)))
    return found


def check_prompts(drafts: Sequence[PromptDraft], cases: Sequence[tuple[Case, Spot]], complaints: Complaints) -> None:
    """Complain about templates that need a variable which a case does not have, or that cannot be rendered for one."""
    large = [case for case, _ in cases if sum(len(v) for v in case.vars.values() if isinstance(v, str)) > _LARGE_CASE]
    everyone = [case for case, _ in cases]
    for draft in drafts:
        for written in draft.written:
            if _names_are_known(written, everyone, complaints):
                plain = template.is_plain(written.message.text)
                _check_rendering(written, large if plain else everyone, complaints)


def _written(
    entry: str | TersePrompt | FilePrompt | MessagesPrompt, path: Path, border: Border, sources: Sources
) -> list[Written] | None:
    document = border.document
    if isinstance(entry, str):
        return [Written(Message(role="user", content=entry), document, path)]
    if isinstance(entry, TersePrompt):
        said = [("system", entry.system), ("user", entry.user)]
        return [Written(Message(role=r, content=text), document, (*path, r)) for r, text in said if text is not None]
    if isinstance(entry, MessagesPrompt):
        return _listed_messages(entry.messages, document, (*path, "messages"))
    return _from_file(entry.file, document.spot((*path, "file")), border.complaints, sources)


def _listed_messages(entries: Sequence[MessageEntry], document: Document, path: Path) -> list[Written]:
    return [
        Written(Message(role=entry.role, content=entry.content), document, (*path, index, "content"))
        for index, entry in enumerate(entries)
    ]


def _from_file(name: str, spot: Spot, complaints: Complaints, sources: Sources) -> list[Written] | None:
    kind = PurePath(name).suffix.lower()
    if kind not in _TEXT_FILES + _LIST_FILES:
        allowed = ", ".join(_TEXT_FILES + _LIST_FILES)
        words = f"`{printable(name)}` is not a kind of prompt file that is read (allowed: {allowed})"
        complaints.add(spot, Code.FILE_KIND, words)
        return None
    found = sources.find(name, spot)
    text = sources.read(found, spot, MAX_PROMPT_BYTES) if found else None
    if found is None or text is None:
        return None
    if kind in _TEXT_FILES:
        content = text.replace("\r\n", "\n")
        return [Written(Message(role="user", content=content), _TextFile(found.shown, content), ())]
    document = _json_document(found.shown, text, complaints) if kind == ".json" else None
    document = document if kind == ".json" else read_yaml(found.shown, text, complaints)
    if document is None:
        return None
    entries = Border(document, complaints).take(_MESSAGES, document.value, ())
    return _listed_messages(entries, document, ()) if entries else None


class _TextFile(Document):
    """A text file, in which every line of the template is a line of the file."""

    __slots__ = ()

    def line_of(self, path: Path, line: int) -> Spot:
        """See Document."""
        return Spot(self.file, line)


def _json_document(file: str, text: str, complaints: Complaints) -> Document | None:
    """A JSON file's values, with places where YAML can read the same text."""
    value, fault = parse_json(text)
    if fault is not None:
        complaints.add(Spot(file, fault.line, fault.column), fault.code, fault.message)
        return None
    places = read_yaml(file, text, Complaints())
    return Document(file, value, places.node if places else None)


def _is_readable(written: Written, complaints: Complaints) -> bool:
    try:
        template.variables(written.message.text)
    except template.TemplateFault as fault:
        words = f"not a template: {printable(str(fault))}"
        complaints.add(written.spot(fault.line), Code.BAD_TEMPLATE, words)
        return False
    return True


def _names_are_known(written: Written, cases: Sequence[Case], complaints: Complaints) -> bool:
    content = written.message.text
    needed = template.variables(content) - template.optional_variables(content)
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


def _where(written: Written, name: str) -> Spot:
    """The first line of the template that holds the name."""
    lines = written.message.text.split("\n")
    return written.spot(next((number for number, line in enumerate(lines, 1) if name in line), 0))


def _check_rendering(written: Written, cases: Sequence[Case], complaints: Complaints) -> None:
    faults: dict[str, list[str]] = {}
    for case in cases:
        values: Mapping[str, Any] = case.vars
        try:
            template.render(written.message.text, values)
        except template.TemplateFault as fault:
            faults.setdefault(str(fault), []).append(case.id)
    for fault_words, ids in faults.items():
        words = f"cannot be rendered for {listed(ids)}: {printable(fault_words)}"
        complaints.add(written.spot(), Code.BAD_TEMPLATE, words)

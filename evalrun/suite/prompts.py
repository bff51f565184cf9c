"""The prompts of a suite, in all their forms, and whether every case has what they ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import Field

from evalrun.errors import Code
from evalrun.records.message import Message
from evalrun.records.suite import Case, Prompt
from evalrun.suite.border import Border, Form
from evalrun.suite.complaints import Complaints, Spot, hint, printable
from evalrun.suite.document import Document, Path
from evalrun.suite.kinds import MAX_NAME
from evalrun.suite.messages import read_content, read_messages
from evalrun.suite.params import read_params
from evalrun.suite.prompt_entries import (
    Conversation,
    FilePrompt,
    MessageEntry,
    MessagesPrompt,
    PromptForm,
    TersePrompt,
    WrittenPrompt,
)
from evalrun.suite.sources import MAX_PROMPT_BYTES, Sources
from evalrun.suite.templates import Written, check_rendering, is_readable, large, names_are_known
from evalrun.suite.tools import check_tools, read_results, read_tools
from evalrun.suite.value_files import VALUE_FILES, parse_value_file

_TEXT_FILES = (".md", ".txt")

_FORM: Form[str | TersePrompt | FilePrompt | MessagesPrompt] = Form(PromptForm)
_IN_FILE: Form[TersePrompt | MessagesPrompt] = Form(WrittenPrompt)
_MESSAGES: Form[list[MessageEntry]] = Form(Annotated[list[MessageEntry], Field(min_length=1, max_length=1000)])


@dataclass(frozen=True, slots=True)
class PromptDraft:
    """A prompt and where its templates are written."""

    prompt: Prompt
    written: tuple[Written, ...]

    @property
    def images(self) -> tuple[Written, ...]:
        """The names of its pictures."""
        return tuple(written for written in self.written if written.kind == "image")


@dataclass(frozen=True, slots=True)
class _Parts:
    """Some of a prompt: fields of `Prompt`, and by the key that says them the templates and the place of each."""

    values: Mapping[str, Any] = field(default_factory=dict)
    written: Mapping[str, tuple[Written, ...]] = field(default_factory=dict)
    places: Mapping[str, tuple[Border, Path]] = field(default_factory=dict)

    def under(self, nearer: _Parts) -> _Parts:
        """These parts where *nearer* does not say otherwise; parameters are taken together."""
        params = {**self.values.get("params", {}), **nearer.values.get("params", {})}
        return _Parts(
            {**self.values, **nearer.values, **({"params": params} if params else {})},
            {**self.written, **nearer.written},
            {**self.places, **nearer.places},
        )


RECORDED_PROMPT = Prompt(name="recorded", messages=())
"""What recorded answers answer where a suite has no prompts."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """Prompts of one document being read: where they are let in, and what they may lean on."""

    border: Border
    sources: Sources
    allow_code: bool

    @property
    def document(self) -> Document:
        return self.border.document


def read_prompts(border: Border, section: Any, sources: Sources, *, allow_code: bool = False) -> list[PromptDraft]:
    """The suite's prompts; what is wrong is complained about and left out."""
    reading = _Reading(border, sources, allow_code)
    found = []
    for name, path, value in border.entries(section, ("prompts",)):
        if not name.isprintable() or len(name) > MAX_NAME or name != name.strip():
            words = f"a prompt's name is one line of at most {MAX_NAME} characters, without spaces around it"
            border.add(path, Code.BAD_NAME, words, of_key=True)
            continue
        entry = border.take(_FORM, value, path)
        parts = _parts(entry, path, reading) if entry is not None else None
        if parts is None:
            continue
        written = tuple(w for section in parts.written.values() for w in section)
        readable = [is_readable(w, border.complaints) for w in written]
        if all(readable):
            prompt = Prompt(name=name, **parts.values)
            _check_tool_names(prompt, parts.places)
            found.append(PromptDraft(prompt, written))
    return found


def check_prompts(drafts: Sequence[PromptDraft], cases: Sequence[tuple[Case, Spot]], complaints: Complaints) -> None:
    """Complain about templates that need a variable which a case does not have, or that cannot be rendered for one."""
    everyone = [case for case, _ in cases]
    large_cases = large(everyone)
    for draft in drafts:
        for written in draft.written:
            if not names_are_known(written, everyone, complaints):
                continue
            if written.kind == "tools":
                check_tools(draft.prompt, written, everyone, complaints)
            else:
                check_rendering(written, everyone, large_cases, complaints)


def _parts(entry: str | TersePrompt | FilePrompt | MessagesPrompt, path: Path, reading: _Reading) -> _Parts | None:
    if isinstance(entry, str):
        return _user_message(entry, reading.document, path)
    if not isinstance(entry, FilePrompt):
        return _written_prompt(entry, path, reading)
    inside = _from_file(entry.file, reading.document.spot((*path, "file")), reading)
    own = _settings(entry, path, reading)
    return None if inside is None else inside.under(own)


def _user_message(text: str, document: Document, path: Path) -> _Parts:
    messages = (Message(role="user", content=text),)
    return _Parts({"messages": messages}, {"messages": (Written(text, document, path),)})


def _written_prompt(entry: TersePrompt | MessagesPrompt, path: Path, reading: _Reading) -> _Parts:
    settings = _settings(entry, path, reading)
    if isinstance(entry, MessagesPrompt):
        said = read_messages(entry.messages, reading.border, (*path, "messages"))
        return _Parts({"messages": said.messages}, {"messages": said.written}).under(settings)
    messages: list[Message] = []
    written: list[Written] = []
    for role, content in (("system", entry.system), ("user", entry.user)):
        if content is not None:
            rendered, templates = read_content(content, reading.document, (*path, role))
            messages.append(Message(role=role, content=rendered))
            written += templates
    if "user" not in entry.model_fields_set:
        first, *rest = settings.values["turns"]
        messages.append(Message(role="user", content=first))
        settings = settings.under(_Parts({"turns": tuple(rest)}))
    return _Parts({"messages": tuple(messages)}, {"messages": tuple(written)}).under(settings)


def _settings(entry: Conversation, path: Path, reading: _Reading) -> _Parts:
    """What a prompt says besides its messages."""
    values: dict[str, Any] = {}
    written: dict[str, tuple[Written, ...]] = {}
    if entry.params is not None:
        values["params"] = read_params(entry.params, (*path, "params"), reading.border, reading.sources)
    if entry.turns is not None:
        read = [read_content(turn, reading.document, (*path, "turns", i)) for i, turn in enumerate(entry.turns)]
        values["turns"] = tuple(content for content, _ in read)
        written["turns"] = tuple(w for _, templates in read for w in templates)
    if entry.tools is not None:
        tools = read_tools(entry.tools, reading.border, (*path, "tools"), reading.sources)
        values |= {"tools": tools.tools, "tools_from": tools.template}
        written["tools"] = tools.written
    if entry.tool_results is not None:
        values["tool_results"], written["tool_results"] = read_results(
            entry.tool_results, reading.border, (*path, "tool_results"), reading.sources, allow_code=reading.allow_code
        )
    if entry.max_tool_rounds is not None:
        values["max_tool_rounds"] = entry.max_tool_rounds
    return _Parts(values, written, {key: (reading.border, (*path, key)) for key in values})


def _check_tool_names(prompt: Prompt, places: Mapping[str, tuple[Border, Path]]) -> None:
    """Complain about tools that are named and that the prompt does not have."""
    names = [tool.name for tool in prompt.tools]
    if prompt.tools_from:
        return
    for index, result in enumerate(prompt.tool_results):
        if result.tool not in names:
            border, path = places["tool_results"]
            words = f"the prompt has no tool `{printable(result.tool)}`{hint(result.tool, names)}"
            border.add((*path, index, "tool"), Code.UNKNOWN_TOOL, words)
    choice = prompt.params.get("tool_choice")
    if isinstance(choice, dict) and (name := choice["function"]["name"]) not in names:
        border, path = places["params"]
        words = f"the prompt has no tool `{printable(name)}`{hint(name, names)}"
        border.add((*path, "tool_choice"), Code.UNKNOWN_TOOL, words)


def _from_file(name: str, spot: Spot, reading: _Reading) -> _Parts | None:
    complaints = reading.border.complaints
    kind = PurePath(name).suffix.lower()
    if kind not in _TEXT_FILES + VALUE_FILES:
        allowed = ", ".join(_TEXT_FILES + VALUE_FILES)
        words = f"`{printable(name)}` is not a kind of prompt file that is read (allowed: {allowed})"
        complaints.add(spot, Code.FILE_KIND, words)
        return None
    found = reading.sources.find(name, spot)
    text = reading.sources.read(found, spot, MAX_PROMPT_BYTES) if found else None
    if found is None or text is None:
        return None
    if kind in _TEXT_FILES:
        content = text.replace("\r\n", "\n")
        return _user_message(content, _TextFile(found.shown, content), ())
    document = parse_value_file(found.shown, text, complaints)
    if document is None:
        return None
    inside = _Reading(Border(document, complaints), reading.sources, reading.allow_code)
    if isinstance(document.value, dict):
        whole = inside.border.take(_IN_FILE, document.value, ())
        return None if whole is None else _written_prompt(whole, (), inside)
    entries = inside.border.take(_MESSAGES, document.value, ())
    if entries is None:
        return None
    said = read_messages(entries, inside.border, ())
    return _Parts({"messages": said.messages}, {"messages": said.written})


class _TextFile(Document):
    """A text file, in which every line of the template is a line of the file."""

    __slots__ = ()

    def line_of(self, path: Path, line: int) -> Spot:
        """See Document."""
        return Spot(self.file, line)

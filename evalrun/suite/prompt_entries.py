"""Prompts as a suite may say them: messages, pictures in them, turns, and tools with what these answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from evalrun.errors import Code
from evalrun.suite.kinds import Entry, FileName, Text, ToolName, complaint, optional
from evalrun.suite.param_entries import ParamsEntry

MAX_TOOLS = 1000
MAX_TURNS = 1000
MAX_ROUNDS = 100


def _no_data(text: str) -> str:
    if text.lstrip()[:5].lower() == "data:":
        raise complaint(Code.BAD_IMAGE, "a picture's bytes do not go into a suite: save them as a file, and name it")
    return text


def _message_name(text: str) -> str:
    if not text.isprintable() or any(c.isspace() or c in "<|\\/>" for c in text):
        raise complaint(Code.BAD_NAME, r"the name of who speaks has no spaces and none of `< | \ / >`")
    return text


class ImagePart(Entry):
    """A picture in a message."""

    image: Annotated[Text, AfterValidator(_no_data)] = Field(
        description="A file (png, jpeg, gif or webp) or a URL; a template: {{ name }} is a variable of the case."
    )
    detail: Literal["auto", "low", "high", "original"] = Field("auto", description="How closely the model looks.")


class CallEntry(Entry):
    """A tool that the assistant called."""

    id: Text = Field(description="The call's id; the tool's message repeats it.")
    name: ToolName = Field(description="The tool.")
    arguments: str | dict[str, Any] = Field(description="A mapping, or the JSON text as the model wrote it.")


class CalledFunction(Entry):
    """The function of a call, as the OpenAI API has it."""

    name: ToolName = Field(description="The tool.")
    arguments: str = Field(description="The JSON text as the model wrote it.")


class FunctionCall(Entry):
    """The same as the OpenAI API has it."""

    id: Text = Field(description="The call's id; the tool's message repeats it.")
    type: Literal["function"] = Field(description="function.")
    function: CalledFunction = Field(description="The function and its arguments.")


def _call_form(value: Any) -> str:
    return "OpenAI form" if isinstance(value, dict) and "function" in value else "short form"


CallForm = Annotated[
    Annotated[CallEntry, Tag("short form")] | Annotated[FunctionCall, Tag("OpenAI form")], Discriminator(_call_form)
]
Content = Text | Annotated[list[Text | ImagePart], Field(min_length=1, max_length=1000)]


class MessageEntry(Entry):
    """One message of a prompt."""

    role: Literal["system", "developer", "user", "assistant", "tool"] = Field(description="Who says it.")
    content: Content | None = Field(
        default=None,
        description="A template: {{ name }} is a variable of the case. Or a list of texts and {image: photo.jpg}. "
        "May be left out of an assistant's message with tool_calls.",
    )
    name: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_message_name)] = optional(
        "Who of several that play the same role."
    )
    tool_calls: Annotated[list[CallForm], Field(min_length=1, max_length=128)] = optional(
        "The tools that the assistant called."
    )
    tool_call_id: Text = optional("Which call a tool's message answers.")


class ToolEntry(Entry):
    """A function that a model may call."""

    type: Literal["function"] = optional("What kind of tool it is; it goes without saying.")
    name: ToolName = Field(description="What the model calls it by: letters, digits, _ and -.")
    description: str = optional("What it does and when to call it.")
    parameters: dict[str, Any] = optional("A JSON Schema of type object. Default: it takes none.")
    strict: bool = optional("Whether the vendor holds the model to the schema. Default: as the vendor likes.")


class FunctionTool(Entry):
    """The same as the OpenAI API has it."""

    type: Literal["function"] = Field(description="What kind of tool it is.")
    function: ToolEntry = Field(description="The function.")


class ToolsFile(Entry):
    """Tools out of a file."""

    file: FileName = Field(description="JSON or YAML: a list of definitions, or one.")


def _tool_form(value: Any) -> str:
    if isinstance(value, dict):
        return next((f"{key} form" for key in ("function", "file") if key in value), "flat form")
    return "flat form"


ToolForm = Annotated[
    Annotated[ToolEntry, Tag("flat form")] | Annotated[FunctionTool, Tag("function form")], Discriminator(_tool_form)
]
ListedTool = Annotated[
    Annotated[ToolEntry, Tag("flat form")]
    | Annotated[FunctionTool, Tag("function form")]
    | Annotated[ToolsFile, Tag("file form")],
    Discriminator(_tool_form),
]
Tools = Text | ToolsFile | Annotated[list[ListedTool], Field(min_length=1, max_length=MAX_TOOLS)]


class ToolResultEntry(Entry):
    """What a tool answers."""

    tool: ToolName = Field(description="The tool.")
    arguments: dict[str, Any] = optional("Only for calls with these arguments, among others; templates.")
    result: Any = optional("The answer: a text or any value; texts in it are templates.")
    function: Text = optional("file.py:name, a function that is called with the arguments (needs --allow-code).")

    @model_validator(mode="after")
    def _one_answer(self) -> ToolResultEntry:
        said = {"result", "function"} & self.model_fields_set
        if not said:
            raise complaint(Code.MISSING_KEY, "`result` is missing (or `function`: file.py:name)")
        if len(said) > 1:
            raise complaint(Code.NOT_ALLOWED, "a tool answers by its `result` or by its `function`, not by both")
        return self


class Conversation(Entry):
    """What every prompt may say besides its messages."""

    params: ParamsEntry = optional("Request parameters for this prompt.")
    turns: Annotated[list[Content], Field(min_length=1, max_length=MAX_TURNS)] = optional(
        "What the user says next, each after the model's reply; templates."
    )
    tools: Tools = optional(
        "Functions that the model may call: a list of definitions, {file: tools.json}, or a template that stands for "
        "a case's own: '{{ functions }}'."
    )
    tool_results: Annotated[list[ToolResultEntry], Field(min_length=1, max_length=1000)] = optional(
        "What the tools answer; of each call the first that fits."
    )
    max_tool_rounds: Annotated[int, Field(ge=1, le=MAX_ROUNDS)] = optional(
        "How many rounds of calls a turn may take, 1 to 100 (default 8); then the last reply stands."
    )


class TersePrompt(Conversation):
    """A prompt of one user message, and a system message where there is one."""

    system: Text = optional("What the model is to be; a template.")
    user: Content = optional(
        "The question; a template: {{ name }} is a variable of the case. Or a list of texts and {image: photo.jpg}. "
        "Default: the first of the turns."
    )

    @model_validator(mode="after")
    def _somebody_asks(self) -> TersePrompt:
        if not {"user", "turns"} & self.model_fields_set:
            raise complaint(Code.MISSING_KEY, "`user` is missing")
        return self


class FilePrompt(Conversation):
    """A prompt out of a file: text is one user message, YAML or JSON a list of messages or a whole prompt."""

    file: FileName = Field(
        description=".md or .txt: one user message; .yaml or .json: a list of messages, or a mapping with `messages` "
        "or `user` and the rest."
    )


class MessagesPrompt(Conversation):
    """A prompt of any messages."""

    messages: Annotated[list[MessageEntry], Field(min_length=1, max_length=1000)] = Field(description="In order.")


def _prompt_form(value: Any) -> str:
    if isinstance(value, dict):
        return next((f"{key} form" for key in ("file", "messages") if key in value), "terse form")
    return "short form"


def _written_form(value: Any) -> str:
    return "messages form" if isinstance(value, dict) and "messages" in value else "terse form"


# The tags hold a space: they show up in pydantic's paths, where no key of a suite is mistaken for them.
PromptForm = Annotated[
    Annotated[Text, Tag("short form")]
    | Annotated[TersePrompt, Tag("terse form")]
    | Annotated[FilePrompt, Tag("file form")]
    | Annotated[MessagesPrompt, Tag("messages form")],
    Discriminator(_prompt_form),
]
WrittenPrompt = Annotated[
    Annotated[TersePrompt, Tag("terse form")] | Annotated[MessagesPrompt, Tag("messages form")],
    Discriminator(_written_form),
]

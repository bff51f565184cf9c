"""The border: what a suite may say, key by key. Unknown keys and wrong types are refused; descriptions are for editors.

These models live only while a suite is read; the rooms behind the border see the frozen records.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from evalrun.errors import Code
from evalrun.keys import origin_of

MAX_NAME = 200
MAX_SAMPLES = 10_000
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
_MAX_SEED = 2**63 - 1


class Entry(BaseModel):
    """The base of every part of a suite."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())


def complaint(code: Code, message: str) -> PydanticCustomError:
    """What a validator raises: the words are ours, pydantic only carries them."""
    return PydanticCustomError(code.value, "{words}", {"words": message})


def _name(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise complaint(Code.BAD_NAME, "a name has no control characters, and no spaces around it")
    return text


def _folder_name(text: str) -> str:
    if not re.fullmatch(r"[^\W_][\w .+-]*", _name(text)):
        raise complaint(Code.BAD_NAME, "a suite's name has letters, digits, spaces and `._+-`: it names a folder")
    return text


def _case_id(value: str | int) -> str:
    text = str(value)
    if len(text) > MAX_NAME:
        raise complaint(Code.TOO_LONG, f"longer than {MAX_NAME} characters")
    return _name(text)


def seconds_of(value: float | str) -> float:
    """A duration in seconds: a number, or text as ``2h``, ``90m``, ``30s`` or ``1h30m``. Raises ValueError."""
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip().replace(" ", ""))
        if not value.strip() or not found:
            raise ValueError("a duration is a number of seconds, or like 2h, 90m, 30s or 1h30m")
        value = sum(float(n) * unit for n, unit in zip(found.groups(), (3600, 60, 1), strict=True) if n)
    if not 0 < value < 10**9:
        raise ValueError("a duration is more than 0 seconds, and has an end")
    return float(value)


def _duration(value: float | str) -> float:
    try:
        return seconds_of(value)
    except ValueError as error:
        raise complaint(Code.BAD_DURATION, str(error)) from None


def _variable_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise complaint(Code.BAD_NAME, "not the name of an environment variable (letters, digits and _)")
    return text


def _recorded_id(text: str) -> str:
    if not text.removeprefix("recorded/").strip():
        raise complaint(Code.BAD_MODEL, "a recorded model is called recorded/ and a name")
    return text


def _base_url(text: str) -> str:
    try:
        origin_of(text)
    except ValueError as error:
        raise complaint(Code.BAD_URL, str(error)) from None
    return text.rstrip("/")


def _tool_name(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", text):
        raise complaint(Code.BAD_NAME, "the name of a tool is 1 to 64 letters, digits, `_` and `-`")
    return text


Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_name)]
SuiteName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_folder_name)]
CaseId = Annotated[str | int, AfterValidator(_case_id)]
ModelId = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
ToolName = Annotated[str, AfterValidator(_tool_name)]
FileName = Annotated[str, Field(min_length=1, max_length=4096)]
Text = Annotated[str, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Duration = Annotated[float | str, AfterValidator(_duration)]
BaseUrl = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_base_url)]
ApiVersion = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,50}$")]
VariableName = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_variable_name)]
RecordedId = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(_recorded_id)]
Whole = Annotated[int, Field(ge=1)]
Price = Annotated[float, Field(ge=0, le=1e6)]
Amount = Annotated[float, Field(ge=1, le=1e15)]

Temperature = Annotated[float, Field(ge=0, le=100)]
TopP = Annotated[float, Field(ge=0, le=1)]
MaxTokens = Annotated[int, Field(ge=1, le=10_000_000)]
Seed = Annotated[int, Field(ge=-_MAX_SEED, le=_MAX_SEED)]
Stop = Annotated[Text | Annotated[list[Text], Field(min_length=1, max_length=16)], Field()]
Penalty = Annotated[float, Field(ge=-2, le=2)]


def optional(text: str) -> Any:
    """A key that may be left out."""
    return Field(default=None, description=text)


class ParamsEntry(Entry):
    """Request parameters, called what the OpenAI API calls them."""

    temperature: Temperature = optional("How freely the model draws; 0 is as firm as it can be.")
    top_p: TopP = optional("Draw only from the likeliest tokens that make up this share.")
    max_tokens: MaxTokens = optional("The most tokens that an answer may have.")
    max_completion_tokens: MaxTokens = optional("The same for models that reason: hidden tokens count too.")
    seed: Seed = optional("For repeatable draws; sample i sends seed + i.")
    stop: Stop = optional("Where an answer ends: a text or a list of texts.")
    frequency_penalty: Penalty = optional("Less of what was said often, -2 to 2.")
    presence_penalty: Penalty = optional("Less of what was said at all, -2 to 2.")


def _values(of: str) -> Any:
    return Field(default=None, min_length=1, max_length=1000, description=f"Values of {of}: each makes columns.")


class MatrixEntry(Entry):
    """Lists of parameter values: every combination is a column of its own."""

    temperature: list[Temperature] = _values("temperature")
    top_p: list[TopP] = _values("top_p")
    max_tokens: list[MaxTokens] = _values("max_tokens")
    max_completion_tokens: list[MaxTokens] = _values("max_completion_tokens")
    seed: list[Seed] = _values("seed")
    stop: list[Stop] = _values("stop")
    frequency_penalty: list[Penalty] = _values("frequency_penalty")
    presence_penalty: list[Penalty] = _values("presence_penalty")


class QuotaEntry(Entry):
    """Limits that requests keep to. Say in a mapping of its own what counts in another window."""

    rpm: Amount = optional("Requests a minute.")
    rph: Amount = optional("Requests an hour.")
    rpd: Amount = optional("Requests a day.")
    tpm: Amount = optional("Tokens a minute, sent and received.")
    tph: Amount = optional("Tokens an hour, sent and received.")
    tpd: Amount = optional("Tokens a day, sent and received.")
    itpm: Amount = optional("Tokens sent a minute.")
    otpm: Amount = optional("Tokens received a minute.")
    requests: Amount = optional("Requests in the time that `per` says.")
    tokens: Amount = optional("Tokens in the time that `per` says, sent and received.")
    per: float | str = optional("The time that `requests` and `tokens` are for: seconds, or like 10s, 1m, 2h, 1d.")
    concurrency: Whole = optional("Requests at the same time.")
    max_input_tokens: Whole = optional("Tokens that one request may send; what is larger is skipped.")
    max_output_tokens: Whole = optional("Tokens that one request may ask for; what asks for more is skipped.")
    charge: Literal["max", "sum", "usage", "input"] = optional(
        "What a limit of tokens counts of a request. max: the larger of its input and its max_tokens, for good "
        "(OpenAI); sum: both together, for good (Azure); usage: what was really used; input: the input alone. "
        "Default: the profile's, else max."
    )
    window: Literal["rolling", "fixed", "bucket"] = optional(
        "How the limits shorter than a day count. rolling: in any such time; fixed: by the server's clock, anew each "
        "minute or hour; bucket: refilled evenly. Default: the profile's, else rolling until a refusal says otherwise."
    )
    burst: Amount = optional("What a bucket holds when it is full. Default: as much as flows in during its time.")
    resets: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] = optional(
        "When the limits of a day begin anew: utc (at midnight UTC), rolling-24h (they count in any 24 hours), or at "
        "midnight in a zone such as America/Los_Angeles. Default: what the profile says, else utc."
    )


QuotaForm = Name | QuotaEntry | Annotated[list[Name | QuotaEntry], Field(min_length=1, max_length=100)]


class BudgetEntry(Entry):
    """What one run may spend in all; then it pauses and can go on later."""

    max_requests: Whole = optional("Requests, attempts that failed among them.")
    max_tokens: Whole = optional("Tokens, sent and received.")
    max_cost_usd: Annotated[float, Field(gt=0)] = optional("US dollars.")
    deadline: Duration = optional("Seconds, or like 2h, 90m, 30s, 1h30m; counted from the start of each sitting.")


class PriceEntry(Entry):
    """US dollars for a million tokens."""

    input: Price = Field(description="For a million tokens sent.")
    output: Price = Field(description="For a million tokens received.")
    cached: Price = optional("For a million tokens that the vendor had cached; else they cost what input costs.")


class ProviderEntry(Entry):
    """An endpoint of your own, or what is different about one that is known already."""

    dialect: Name = optional("How to speak to it: openai-chat, openai-responses, azure-openai, anthropic-messages, …")
    base_url: BaseUrl = optional("Where it is, up to and with /v1: https, or http on this machine.")
    api_version: ApiVersion = optional("The api-version in Azure's addresses.")
    api_key_env: VariableName | None = Field(
        default=None, description="The environment variable that holds the key; null where none is needed."
    )
    auth: Literal["bearer", "api-key", "x-api-key", "entra"] = optional(
        "How the key is sent: `Authorization: Bearer`, or a header of that name; entra fetches a token of Microsoft's. "
        "Default: the dialect's way."
    )
    ca_file: FileName = optional("A PEM file with the certificates to trust there, in place of the system's.")
    insecure: bool = optional("true: do not check who answers. Anyone in between can read the key.")
    quota: QuotaForm = optional(
        "Limits of all its models together: a mapping, a group of `quotas`, a profile, or a list of these."
    )
    account: Name = optional("The account that is charged, where it has several keys; limits are counted by it.")
    profile: Name | None = Field(
        default=None,
        description="The vendor's public limits, and which of its headers to believe: openai, groq-free, …; null for "
        "none. Default: found by the provider's name.",
    )
    headers: dict[str, str] = optional("Further HTTP headers; never a key.")
    timeout_s: Annotated[float, Field(gt=0, le=86_400)] = optional("Seconds for one attempt (default 120).")


class ModelEntry(Entry):
    """A model with settings of its own."""

    id: ModelId = Field(description="provider/model, as openai/gpt-4o-mini.")
    label: Name = optional("Its name in every column; unique. Default: the text after the provider.")
    tags: list[Name] = optional("Words to choose models by.")
    params: ParamsEntry = optional("Request parameters for this model.")
    quota: QuotaForm = optional(
        "Limits of this model: a mapping, a group of `quotas`, a profile, or a list of these. "
        "A mapping wins over the profile."
    )


class RecordedEntry(Entry):
    """Answers that exist already, out of a file; nothing is sent."""

    id: RecordedId = Field(description="recorded/name", pattern="^recorded/")
    file: FileName = Field(description="CSV, JSONL, JSON or YAML with a row an answer.")
    match: Name = Field(description="The file's field and the case's variable that join them; `id` is the case's id.")
    answer: Name = Field(description="The field that holds the answer; a.b looks inside a.")
    label: Name = optional("Its name in every column; unique. Default: the text after recorded/.")
    tags: list[Name] = optional("Words to choose models by.")
    prompt_tokens: Name = optional("The field with the tokens sent (default prompt_tokens).")
    completion_tokens: Name = optional("The field with the tokens received (default completion_tokens).")
    latency_s: Name = optional("The field with the seconds that it took (default latency_s).")
    finish_reason: Name = optional("The field that says why the answer ended (default finish_reason).")


class MessageEntry(Entry):
    """One message of a prompt."""

    role: Literal["system", "developer", "user", "assistant"] = Field(description="Who says it.")
    content: Text = Field(description="A template: {{ name }} is a variable of the case.")


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


class TersePrompt(Entry):
    """A prompt of one user message, and a system message where there is one."""

    system: Text = optional("What the model is to be; a template.")
    user: Text = Field(description="The question; a template: {{ name }} is a variable of the case.")
    params: ParamsEntry = optional("Request parameters for this prompt.")


class FilePrompt(Entry):
    """A prompt out of a file: text is one user message, YAML or JSON a list of messages."""

    file: FileName = Field(description=".md or .txt: one user message; .yaml or .json: a list of messages.")
    params: ParamsEntry = optional("Request parameters for this prompt.")


class MessagesPrompt(Entry):
    """A prompt of any messages."""

    messages: Annotated[list[MessageEntry], Field(min_length=1, max_length=1000)] = Field(description="In order.")
    params: ParamsEntry = optional("Request parameters for this prompt.")


class InlineCase(Entry):
    """One case."""

    id: CaseId = optional("Its name, unique. Default: case-1, case-2, … by position.")
    tags: list[Name] = optional("Words to choose cases by.")
    vars: dict[str, Any] = optional("What the prompts' {{ names }} stand for.")
    expected: Any = optional("What is compared with the answer; prompts cannot see it.")
    params: ParamsEntry = optional("Request parameters for this case: nearer than every other.")
    threshold: Share = optional("The score from which this case passes.")
    scorers: list[Any] = optional("Scorers of this case alone, besides the suite's.")


class FileCases(Entry):
    """Cases out of files: one row, one case."""

    file: FileName = Field(description="CSV, JSONL, JSON or YAML; data/*.csv takes several.")
    id: Name = optional("The column with the ids. Default: file-0001, file-0002, …")
    prefix: Name = optional("Put before every id.")
    expected: Name = optional("The column with what is compared with the answer; prompts cannot see it.")
    tags: Name | list[Name] = optional("The column with the tags (commas between them), or a list for every row.")
    vars: dict[str, Name] = optional("variable: column. Default: every column but the expected one, by its own name.")
    limit: Whole = optional("Only so many rows, from the first.")


class GateEntry(Entry):
    """A condition for some columns or cases."""

    check: Text = Field(description="As pass_rate >= 0.9")
    for_: dict[str, Name | list[Name]] = Field(
        alias="for", min_length=1, description="model, prompt, tag and case: a name, or a list of names."
    )


def _model_form(value: Any) -> str:
    if isinstance(value, dict):
        recorded = str(value.get("id", "")).startswith("recorded/")
        return "recorded form" if recorded else "long form"
    return "short form"


def _prompt_form(value: Any) -> str:
    if isinstance(value, dict):
        return next((f"{key} form" for key in ("file", "messages") if key in value), "terse form")
    return "short form"


def _tool_form(value: Any) -> str:
    return "nested form" if isinstance(value, dict) and "function" in value else "flat form"


def _case_form(value: Any) -> str:
    return "file form" if isinstance(value, dict) and "file" in value else "inline form"


def _gate_form(value: Any) -> str:
    return "long form" if isinstance(value, dict) else "short form"


# The tags hold a space: they show up in pydantic's paths, where no key of a suite is mistaken for them.
ModelForm = Annotated[
    Annotated[ModelId, Tag("short form")]
    | Annotated[ModelEntry, Tag("long form")]
    | Annotated[RecordedEntry, Tag("recorded form")],
    Discriminator(_model_form),
]
PromptForm = Annotated[
    Annotated[Text, Tag("short form")]
    | Annotated[TersePrompt, Tag("terse form")]
    | Annotated[FilePrompt, Tag("file form")]
    | Annotated[MessagesPrompt, Tag("messages form")],
    Discriminator(_prompt_form),
]
ToolForm = Annotated[
    Annotated[ToolEntry, Tag("flat form")] | Annotated[FunctionTool, Tag("nested form")], Discriminator(_tool_form)
]
CaseForm = Annotated[
    Annotated[InlineCase, Tag("inline form")] | Annotated[FileCases, Tag("file form")], Discriminator(_case_form)
]
GateForm = Annotated[
    Annotated[Text, Tag("short form")] | Annotated[GateEntry, Tag("long form")], Discriminator(_gate_form)
]


class SuiteEntry(Entry):
    """A suite: prompts × models × parameters × cases, and how answers are scored."""

    version: Literal[1] = optional("The format's version: 1.")
    name: SuiteName = optional("What the runs are called. Default: the file's name without its ending.")
    description: str = optional("What the suite is for, in a sentence.")
    models: list[ModelForm] = Field(min_length=1, description="What is compared: provider/model, or with settings.")
    providers: dict[str, ProviderEntry] = optional("Endpoints by name, besides those that `evalrun models` lists.")
    quotas: dict[str, QuotaEntry] = optional(
        "Limits by name, shared by all models and providers whose quota names them."
    )
    params: ParamsEntry = optional("Request parameters where nothing nearer decides.")
    matrix: MatrixEntry = optional("Lists of parameter values: every combination is a column.")
    samples: Annotated[int, Field(ge=1, le=MAX_SAMPLES)] = optional("How often each question is asked (default 1).")
    threshold: Share = optional("The score from which a case passes. Default: every scorer must pass.")
    max_error_rate: Share = optional("The share of cells without a verdict that a run may have (default 0).")
    budget: BudgetEntry = optional("What one run may spend.")
    prices: dict[str, PriceEntry] = optional("US dollars for a million tokens, by provider/model.")
    prompts: dict[str, PromptForm] = optional("Prompts by name. May be left out where all models are recorded.")
    cases: list[CaseForm] = Field(min_length=1, description="What is asked, and what is expected.")
    scorers: list[Any] = optional("How answers are scored, in every case.")
    gates: list[GateForm] = optional("What every column must meet: pass_rate >= 0.9.")

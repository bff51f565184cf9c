"""The border: what a suite may say, key by key. Unknown keys and wrong types are refused; descriptions are for editors.

These models live only while a suite is read; the rooms behind the border see the frozen records.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from evalrun.suite.kinds import (
    MAX_NAME,
    Alpha,
    Amount,
    ApiVersion,
    BaseUrl,
    CaseId,
    Confidence,
    Duration,
    Entry,
    FileName,
    MinEffect,
    ModelId,
    Name,
    Price,
    RecordedId,
    Share,
    SuiteName,
    Text,
    VariableName,
    Whole,
    optional,
)
from evalrun.suite.param_entries import MatrixEntry, ParamsEntry
from evalrun.suite.prompt_entries import PromptForm

MAX_SAMPLES = 10_000


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
    score: Name = optional("The field with the number that the answer was given (default score), for recorded-score.")


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
    """A condition, for some columns or cases, or with more to say of the evidence."""

    check: Text = Field(description="As pass_rate >= 0.9, or no_regression.")
    for_: Annotated[dict[str, Name | list[Name]], Field(min_length=1)] = optional(
        "model, prompt, tag and case: a name, or a list of names.", alias="for"
    )
    confidence: Confidence = optional("The whole interval of this confidence must meet it, such as 0.95.")
    strict: bool = optional("Whether too little evidence fails (default false); a confidence of 0.95 with it.")
    alpha: Alpha = optional("Of no_regression: the chance of a false alarm (default 0.05).")
    min_effect: MinEffect = optional("Of no_regression: the smallest drop that counts, such as 0.02 (default: any).")


class StopWhenEntry(Entry):
    """When a run has seen enough, and stops asking some columns."""

    decided: Annotated[list[Name], Field(min_length=2, max_length=100)] = Field(
        description="Labels of two or more models, or of columns: once it is known of every two of them which is "
        "better, or that neither is, they are asked no more. Models are compared prompt by prompt, with equal "
        "parameters."
    )
    alpha: Annotated[float, Field(gt=0, lt=1)] = optional(
        "The chance of any wrong decision in the run, however often one looks (default 0.05)."
    )
    min_effect: Annotated[float, Field(ge=0, lt=1)] = optional(
        "The least difference that matters, two points (default 0.02). 0: it is never decided that there is none."
    )
    figure: Literal["pass_rate", "score"] = optional("What is compared: pass_rate or score (default pass_rate).")


def _model_form(value: Any) -> str:
    if isinstance(value, dict):
        recorded = str(value.get("id", "")).startswith("recorded/")
        return "recorded form" if recorded else "long form"
    return "short form"


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
    stop_when: StopWhenEntry = optional("When to stop asking some columns; without it every cell is asked.")

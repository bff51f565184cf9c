"""The parameters of requests as a suite may say them, called what OpenAI's Chat Completions calls them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from evalrun.errors import Code
from evalrun.suite.kinds import MAX_NAME, Entry, FileName, Text, ToolName, complaint, optional

_MAX_SEED = 2**63 - 1

# What a request is made of, besides its parameters, in any dialect: who says each of them.
_SAID_ELSEWHERE = {
    "model": "`models`",
    **dict.fromkeys(("messages", "input", "prompt", "system", "instructions"), "the prompt"),
    **dict.fromkeys(("tools", "functions"), "the prompt's `tools`"),
    "function_call": "`tool_choice`",
    "stream_options": "`stream`",
    "max_output_tokens": "`max_tokens`",
    "stop_sequences": "`stop`",
}


def _token_id(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise complaint(Code.INVALID, "a key of `logit_bias` is the number of a token")
    return text


def _extra_key(key: str) -> str:
    who = _SAID_ELSEWHERE.get(key)
    if who is None and key in ParamsEntry.model_fields:
        who = f"`{key}`, beside `extra_body`"
    if who:
        raise complaint(Code.NOT_ALLOWED, f"`{key}` is not for `extra_body`: say it with {who}")
    return key


def _format_name(text: str) -> str:
    if not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", text):
        raise complaint(Code.BAD_NAME, "the name of a format is 1 to 64 letters, digits, `_` and `-`")
    return text


FormatName = Annotated[str, AfterValidator(_format_name)]


class PlainFormat(Entry):
    """Text, or any JSON."""

    type: Literal["text", "json_object"] = Field(description="text or json_object.")


class NamedSchema(Entry):
    """A JSON Schema with its name."""

    name: FormatName = Field(description="What the format is called.")
    description: str = optional("What it is for.")
    schema_: dict[str, Any] = Field(alias="schema", description="The JSON Schema.")
    strict: bool = optional("Whether the vendor holds the model to it.")


class JsonSchemaFormat(Entry):
    """The same as the OpenAI API has it."""

    type: Literal["json_schema"] = Field(description="json_schema.")
    json_schema: NamedSchema = Field(description="The schema and its name.")


class SchemaFormat(Entry):
    """JSON that fits a schema."""

    schema_: FileName | dict[str, Any] = Field(
        alias="schema", description="A JSON Schema, or the JSON or YAML file that holds it."
    )
    name: FormatName = optional("What the format is called. Default: the file's name, else answer.")
    description: str = optional("What it is for.")
    strict: bool = optional("Whether the vendor holds the model to it. Default: as the vendor likes.")


class NamedFunction(Entry):
    """A function, by its name."""

    name: ToolName = Field(description="The function's name.")


class NamedTool(Entry):
    """The tool that must be called, as the OpenAI API has it."""

    type: Literal["function"] = Field(description="function.")
    function: NamedFunction = Field(description="Which one.")


def _response_format(value: Any) -> str:
    if not isinstance(value, dict):
        return "short form"
    if "schema" in value:
        return "schema form"
    return "OpenAI form" if "json_schema" in value or value.get("type") == "json_schema" else "plain form"


def _tool_choice(value: Any) -> str:
    return "OpenAI form" if isinstance(value, dict) else "short form"


Temperature = Annotated[float, Field(ge=0, le=100)]
TopP = Annotated[float, Field(ge=0, le=1)]
MaxTokens = Annotated[int, Field(ge=1, le=10_000_000)]
Seed = Annotated[int, Field(ge=-_MAX_SEED, le=_MAX_SEED)]
Stop = Annotated[Text | Annotated[list[Text], Field(min_length=1, max_length=16)], Field()]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Bias = Annotated[int, Field(ge=-100, le=100)]
LogitBias = Annotated[dict[Annotated[str, AfterValidator(_token_id)], Bias], Field(min_length=1, max_length=10_000)]
TopLogprobs = Annotated[int, Field(ge=0, le=20)]
Answers = Annotated[int, Field(ge=1, le=128)]
Best = Annotated[int, Field(ge=1, le=20)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
ServiceTier = Literal[
    "auto", "default", "flex", "scale", "priority", "fast", "on_demand", "performance", "standard_only"
]  # fmt: skip
User = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Dimensions = Annotated[int, Field(ge=1, le=1_000_000)]
Encoding = Literal["float", "base64"]
ExtraBody = Annotated[dict[Annotated[str, AfterValidator(_extra_key)], Any], Field(min_length=1, max_length=1000)]
ResponseFormat = Annotated[
    Annotated[Literal["text", "json_object"], Tag("short form")]
    | Annotated[PlainFormat, Tag("plain form")]
    | Annotated[JsonSchemaFormat, Tag("OpenAI form")]
    | Annotated[SchemaFormat, Tag("schema form")],
    Discriminator(_response_format),
]
ToolChoice = Annotated[
    Annotated[ToolName, Tag("short form")] | Annotated[NamedTool, Tag("OpenAI form")], Discriminator(_tool_choice)
]


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
    logit_bias: LogitBias = optional("Makes tokens likelier or rarer: the number of each, and -100 to 100.")
    logprobs: bool = optional("Whether the reply tells how likely each token was.")
    top_logprobs: TopLogprobs = optional("And of so many others in its place, 0 to 20 (with logprobs).")
    n: Answers = optional("Answers to one request, 1 to 128: each is a sample. `samples` asks anew for each.")
    response_format: ResponseFormat = optional(
        "text, json_object, or JSON that fits a schema: {schema: schema.json}, or the OpenAI API's object."
    )
    reasoning_effort: Effort = optional("How long a model that reasons may think.")
    service_tier: ServiceTier = optional("How urgent it is to the vendor, and at what price.")
    tool_choice: ToolChoice = optional("auto, none, required, or the name of the tool that must be called.")
    parallel_tool_calls: bool = optional("Whether a reply may call several tools at once.")
    user: User = optional("Whom the vendor is to hold the request against; never a person's name.")
    stream: bool = optional("Whether the answer comes in pieces: the time to the first one is measured.")
    suffix: Text = optional("What comes after the answer (openai-completions).")
    echo: bool = optional("Whether the answer repeats the prompt (openai-completions).")
    best_of: Best = optional("Answer with the best of so many, 1 to 20 (openai-completions).")
    dimensions: Dimensions = optional("How long a vector is to be (openai-embeddings).")
    encoding_format: Encoding = optional("How vectors travel, float or base64 (openai-embeddings).")
    extra_body: ExtraBody = optional("Anything else that an endpoint understands; it goes into the body as it is.")


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
    logit_bias: list[LogitBias] = _values("logit_bias")
    logprobs: list[bool] = _values("logprobs")
    top_logprobs: list[TopLogprobs] = _values("top_logprobs")
    n: list[Answers] = _values("n")
    response_format: list[ResponseFormat] = _values("response_format")
    reasoning_effort: list[Effort] = _values("reasoning_effort")
    service_tier: list[ServiceTier] = _values("service_tier")
    tool_choice: list[ToolChoice] = _values("tool_choice")
    parallel_tool_calls: list[bool] = _values("parallel_tool_calls")
    user: list[User] = _values("user")
    stream: list[bool] = _values("stream")
    suffix: list[Text] = _values("suffix")
    echo: list[bool] = _values("echo")
    best_of: list[Best] = _values("best_of")
    dimensions: list[Dimensions] = _values("dimensions")
    encoding_format: list[Encoding] = _values("encoding_format")
    extra_body: list[ExtraBody] = _values("extra_body")

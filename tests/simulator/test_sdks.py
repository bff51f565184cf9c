"""The vendors' own clients talk to the simulator over loopback, and what they read is what they would of the vendor."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from evalrun.clock import SystemClock
from evalrun.simulator.rules import Rules
from evalrun.simulator.server import Server, start
from tests.simulator.dialects.exchange import WEATHER
from tests.simulator.png import RED, WHITE, data_url, png, square

pytestmark = pytest.mark.sdk

QUICK = Rules(latency_s=0.01)
CAPITAL = "What is the capital of France?"
TWO_CITIES = "What is the weather in Paris and in Rome?"
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get_weather", "description": "The weather", "parameters": WEATHER, "strict": True},
}
FLAT_TOOL: dict[str, Any] = {"type": "function", **TOOL["function"]}
ANTHROPIC_TOOL: dict[str, Any] = {"name": "get_weather", "description": "The weather", "input_schema": WEATHER}
SCHEMA = {
    "type": "object",
    "properties": {"country": {"type": "string"}, "capital": {"type": "string"}},
    "required": ["country", "capital"],
    "additionalProperties": False,
}
PICTURE = data_url(png(16, 16, square(16, 8), RED, WHITE))


@asynccontextmanager
async def simulator(rules: Rules = QUICK) -> AsyncIterator[Server]:
    """A server on a free loopback port."""
    server = await start(rules, SystemClock())
    try:
        yield server
    finally:
        await server.close()


@asynccontextmanager
async def openai_client(rules: Rules = QUICK) -> AsyncIterator[Any]:
    """OpenAI's client, without retries."""
    from openai import AsyncOpenAI

    async with simulator(rules) as server, AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0) as client:
        yield client


@asynccontextmanager
async def anthropic_client(rules: Rules = QUICK) -> AsyncIterator[Any]:
    """Anthropic's client, without retries."""
    from anthropic import AsyncAnthropic

    async with (
        simulator(rules) as server,
        AsyncAnthropic(base_url=server.origin, api_key="none", max_retries=0) as client,
    ):
        yield client


@asynccontextmanager
async def inference_client(name: str = "ChatCompletionsClient") -> AsyncIterator[Any]:
    """Azure AI inference's client."""
    from azure.ai.inference import aio
    from azure.core.credentials import AzureKeyCredential

    async with simulator() as server:
        client = getattr(aio, name)(
            endpoint=f"{server.origin}/models", credential=AzureKeyCredential("none"), model="large"
        )
        async with client:
            yield client


def user(text: Any) -> list[dict[str, Any]]:
    """One user message."""
    return [{"role": "user", "content": text}]


def strictly(found: Any) -> Any:
    """*found* checked once more against its own model, which the clients do not do by themselves."""
    return type(found).model_validate(found.model_dump(), strict=False)


# ── openai ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_openai_chats() -> None:
    """A chat completion is read and valid, with its usage and, where asked for, several choices and probabilities."""
    async with openai_client() as client:
        found = await client.chat.completions.create(
            model="large", messages=user(CAPITAL), temperature=0, n=2, logprobs=True, top_logprobs=2
        )

        assert "Paris" in strictly(found).choices[1].message.content
        assert found.usage.total_tokens == found.usage.prompt_tokens + found.usage.completion_tokens
        assert found.choices[0].logprobs.content[0].top_logprobs


async def test_openai_streams() -> None:
    """The chunks of a stream are valid and add up; the last has the usage."""
    async with openai_client() as client:
        texts, usage = [], None
        async for chunk in await client.chat.completions.create(
            model="large",
            messages=user(CAPITAL),
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        ):
            texts += [each.delta.content or "" for each in strictly(chunk).choices]
            usage = chunk.usage or usage

        assert "Paris" in "".join(texts)
        assert usage is not None


async def test_openai_calls_tools() -> None:
    """Two calls, their results, an answer: whole, and joined by the client's own stream."""
    async with openai_client() as client:
        asked = {"model": "large", "temperature": 0, "tools": [TOOL]}
        first = await client.chat.completions.create(messages=user(TWO_CITIES), **asked)
        message = strictly(first).choices[0].message
        results = [{"role": "tool", "tool_call_id": call.id, "content": "18 degrees"} for call in message.tool_calls]
        talk = [*user(TWO_CITIES), message.model_dump(exclude_none=True), *results]
        last = await client.chat.completions.create(messages=talk, **asked)
        async with client.chat.completions.stream(messages=user(TWO_CITIES), **asked) as stream:
            streamed = (await stream.get_final_completion()).choices[0].message.tool_calls

        assert [json.loads(call.function.arguments) for call in message.tool_calls] == [
            {"city": "Paris"},
            {"city": "Rome"},
        ]
        assert "18 degrees" in last.choices[0].message.content
        assert [json.loads(call.function.arguments) for call in streamed] == [{"city": "Paris"}, {"city": "Rome"}]


async def test_openai_parses_a_schema_and_sends_a_picture() -> None:
    """Structured output is parsed by the client; a picture's question is answered."""
    form = {"type": "json_schema", "json_schema": {"name": "country", "schema": SCHEMA, "strict": True}}
    parts = [{"type": "text", "text": "What is in this picture?"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
    async with openai_client() as client:
        fields = await client.chat.completions.create(
            model="large", messages=user(CAPITAL), temperature=0, response_format=form
        )
        picture = await client.chat.completions.create(model="large", messages=user(parts), temperature=0)

        assert json.loads(fields.choices[0].message.content) == {"country": "France", "capital": "Paris"}
        assert "red square" in picture.choices[0].message.content.lower()


async def test_openai_embeds() -> None:
    """The client asks for base64 and unpacks it."""
    async with openai_client() as client:
        found = await client.embeddings.create(model="small", input=["a cat", "a dog"], dimensions=16)

        assert [len(each.embedding) for each in strictly(found).data] == [16, 16]


async def test_openai_responds() -> None:
    """A response is read and valid: text, calls, and the events of a stream."""
    async with openai_client() as client:
        asked = {"model": "large", "temperature": 0}
        found = await client.responses.create(input=CAPITAL, instructions="Be brief.", **asked)
        calls = await client.responses.create(input=TWO_CITIES, tools=[FLAT_TOOL], **asked)
        thought = await client.responses.create(
            input=CAPITAL, model="thinker", reasoning={"effort": "low", "summary": "auto"}
        )
        async with client.responses.stream(input=TWO_CITIES, tools=[FLAT_TOOL], **asked) as stream:
            events = [event async for event in stream]
            final = await stream.get_final_response()

        assert "Paris" in strictly(found).output_text
        assert [item.type for item in strictly(calls).output] == ["function_call", "function_call"]
        assert strictly(thought).output[0].summary[0].text
        assert events[-1].type == "response.completed"
        assert [item.arguments for item in final.output] == [item.arguments for item in calls.output]


async def test_openai_goes_on_with_a_response() -> None:
    """A call's result goes back as an item, with the items that came."""
    async with openai_client() as client:
        asked = {"model": "large", "temperature": 0, "tools": [FLAT_TOOL]}
        first = await client.responses.create(input=TWO_CITIES, **asked)
        outputs = [
            {"type": "function_call_output", "call_id": each.call_id, "output": "18 degrees"} for each in first.output
        ]
        last = await client.responses.create(input=[*user(TWO_CITIES), *first.output, *outputs], **asked)

        assert "18 degrees" in last.output_text


async def test_openai_completes_prompts() -> None:
    """A legacy completion, whole and as a stream."""
    async with openai_client() as client:
        asked = {"model": "large", "prompt": "The capital of Italy is", "temperature": 0}
        found = await client.completions.create(echo=True, logprobs=1, **asked)
        pieces = [chunk.choices[0].text async for chunk in await client.completions.create(stream=True, **asked)]

        assert strictly(found).choices[0].text == "The capital of Italy is Rome."
        assert "".join(pieces) == " Rome."


@pytest.mark.parametrize(
    ("rules", "asked", "error"),
    [
        (QUICK, {"model": "gpt-4o"}, "NotFoundError"),
        (QUICK, {"temperature": 9}, "BadRequestError"),
        (Rules(faults={"429": 1}), {}, "RateLimitError"),
        (Rules(faults={"401": 1}), {}, "AuthenticationError"),
        (Rules(faults={"500": 1}), {}, "InternalServerError"),
        (Rules(faults={"stream-error": 1}), {"stream": True}, "APIError"),
        (Rules(faults={"stream-cut": 1}), {"stream": True}, "APIConnectionError"),
    ],
)
async def test_openai_understands_what_goes_wrong(rules: Rules, asked: dict[str, Any], error: str) -> None:
    """Each error is the client's own class for it, those in mid-stream too."""
    import openai

    async with openai_client(rules) as client:
        asked = {"model": "large", "messages": user("List the planets."), "temperature": 0, **asked}
        with pytest.raises((getattr(openai, error), *_broken(error))):
            await _drained(client.chat.completions.create(**asked))


async def _drained(coming: Awaitable[Any]) -> None:
    """Wait for a reply, and for all of it."""
    async for _ in await coming:
        pass


def _broken(error: str) -> tuple[type[Exception], ...]:
    """What the client's transport raises where a connection ends too early, which the client does not wrap."""
    if error != "APIConnectionError":
        return ()
    try:
        import httpx2 as httpx
    except ImportError:
        import httpx  # type: ignore[no-redef]
    return (httpx.RemoteProtocolError,)


async def test_openai_lists_models() -> None:
    """The list and each of its models."""
    async with openai_client() as client:
        names = [model.id async for model in await client.models.list()]

        assert "thinker" in names
        assert (await client.models.retrieve("large")).id == "large"


# ── azure ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_azures_client_chats_and_streams() -> None:
    """OpenAI's client for Azure: the deployment's path, its first chunk of nothing, and embeddings."""
    from openai import AsyncAzureOpenAI

    async with (
        simulator() as server,
        AsyncAzureOpenAI(
            azure_endpoint=server.origin, api_key="none", api_version="2024-10-21", max_retries=0
        ) as client,
    ):
        found = await client.chat.completions.create(model="large", messages=user(CAPITAL), temperature=0)
        chunks = [
            chunk
            async for chunk in await client.chat.completions.create(
                model="large", messages=user(CAPITAL), temperature=0, stream=True
            )
        ]
        vectors = await client.embeddings.create(model="small", input="a cat")

        assert "Paris" in strictly(found).choices[0].message.content
        assert chunks[0].choices == []
        assert "Paris" in "".join(each.delta.content or "" for chunk in chunks for each in chunk.choices)
        assert len(vectors.data[0].embedding) == 128


async def test_azures_new_form_is_openais() -> None:
    """/openai/v1 with OpenAI's plain client."""
    from openai import AsyncOpenAI

    async with (
        simulator() as server,
        AsyncOpenAI(base_url=f"{server.origin}/openai/v1", api_key="none", max_retries=0) as client,
    ):
        found = await client.chat.completions.create(model="large", messages=user(CAPITAL), temperature=0)

        assert "Paris" in found.choices[0].message.content


async def test_azure_inference_chats_streams_and_calls_tools() -> None:
    """The client of Azure AI inference, which parses by its own models."""
    async with inference_client() as client:
        found = await client.complete(messages=user(CAPITAL), temperature=0)
        pieces = [
            update.choices[0].delta.content or ""
            async for update in await client.complete(messages=user(CAPITAL), temperature=0, stream=True)
            if update.choices
        ]
        calls = await client.complete(messages=user(TWO_CITIES), temperature=0, tools=[TOOL])
        info = await client.get_model_info()

        assert "Paris" in found.choices[0].message.content
        assert "Paris" in "".join(pieces)
        assert [call.function.name for call in calls.choices[0].message.tool_calls] == ["get_weather"] * 2
        assert info.model_name == "large"


async def test_azure_inference_rules_over_extra_parameters() -> None:
    """model_extras are passed on with the client's own header."""
    async with inference_client() as client:
        found = await client.complete(messages=user(CAPITAL), temperature=0, model_extras={"n": 2})

        assert len(found.choices) == 2


async def test_azure_inference_embeds() -> None:
    """The embeddings client of the same package."""
    async with inference_client("EmbeddingsClient") as client:
        found = await client.embed(input=["a cat", "a dog"])

        assert len(found.data) == 2


# ── anthropic ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_anthropic_answers() -> None:
    """A message is read and valid; its tokens can be counted before."""
    async with anthropic_client() as client:
        asked = {"model": "large", "system": "Be brief.", "messages": user(CAPITAL)}
        found = await client.messages.create(max_tokens=100, extra_body={"temperature": 0}, **asked)
        counted = await client.messages.count_tokens(**asked)
        names = [model.id async for model in client.models.list()]

        assert "Paris" in strictly(found).content[0].text
        assert counted.input_tokens == found.usage.input_tokens
        assert "large" in names


async def test_anthropic_streams() -> None:
    """The client's own stream adds up the events: a text, and the uses of tools."""
    async with anthropic_client() as client:
        asked: dict[str, Any] = {"model": "large", "max_tokens": 200, "extra_body": {"temperature": 0}}
        async with client.messages.stream(messages=user(CAPITAL), **asked) as stream:
            text = "".join([piece async for piece in stream.text_stream])
            final = await stream.get_final_message()
        async with client.messages.stream(messages=user(TWO_CITIES), tools=[ANTHROPIC_TOOL], **asked) as stream:
            uses = (await stream.get_final_message()).content

        assert "Paris" in text
        assert strictly(final).content[0].text == text
        assert final.usage.output_tokens > 0
        assert [use.input for use in uses] == [{"city": "Paris"}, {"city": "Rome"}]


async def test_anthropic_uses_tools() -> None:
    """Uses, their results, an answer; and a picture."""
    image = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": PICTURE.partition(",")[2]},
    }
    async with anthropic_client() as client:
        asked: dict[str, Any] = {"model": "large", "max_tokens": 200, "extra_body": {"temperature": 0}}
        first = await client.messages.create(messages=user(TWO_CITIES), tools=[ANTHROPIC_TOOL], **asked)
        results = [{"type": "tool_result", "tool_use_id": use.id, "content": "18 degrees"} for use in first.content]
        talk = [*user(TWO_CITIES), {"role": "assistant", "content": first.content}, *user(results)]
        last = await client.messages.create(messages=talk, tools=[ANTHROPIC_TOOL], **asked)
        picture = await client.messages.create(
            messages=user([image, {"type": "text", "text": "What is in this picture?"}]), **asked
        )

        assert first.stop_reason == "tool_use"
        assert "18 degrees" in last.content[0].text
        assert "red square" in picture.content[0].text.lower()


@pytest.mark.parametrize(
    ("rules", "asked", "error"),
    [
        (QUICK, {"model": "claude"}, "NotFoundError"),
        (QUICK, {"max_tokens": 0}, "BadRequestError"),
        (Rules(faults={"429": 1}), {}, "RateLimitError"),
        (Rules(faults={"503": 1}), {}, "OverloadedError"),
        (Rules(faults={"stream-error": 1}), {"stream": True}, "APIStatusError"),
    ],
)
async def test_anthropic_understands_what_goes_wrong(rules: Rules, asked: dict[str, Any], error: str) -> None:
    """Each error is the client's own class for it, those in mid-stream too."""
    import anthropic

    kinds = getattr(anthropic, error, anthropic.APIStatusError)
    async with anthropic_client(rules) as client:
        asked = {"model": "large", "max_tokens": 100, "messages": user("List the planets."), **asked}
        with pytest.raises(kinds):
            await _drained(client.messages.create(**asked))

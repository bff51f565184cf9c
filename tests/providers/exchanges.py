"""The recorded exchanges beside the repository: whose dialect each is, and what a person reads out of its reply."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ANSWER = "answer"

_CHAT, _RESPONSES = "openai-chat", "openai-responses"
_AZURE, _INFERENCE = "azure-openai", "azure-ai-inference"

# By file, and in it one word for each exchange: an answer, or the kind of failure. Gemini's own API and a demo endpoint
# are no dialects of ours: their 200s hold no chat completion. #0 of test_prompt_content_filtering was made by hand: an
# error body of Azure's inside a 200.
TABLE: dict[str, tuple[str, str]] = {
    "test_openai_tool_output": (_CHAT, "answer answer"),
    "test_openai_native_output": (_CHAT, "answer answer"),
    "test_multiple_agent_tool_calls": (_CHAT, "garbage garbage answer answer"),
    "test_run_stream_sync_streams_real_model": (_CHAT, "answer answer"),
    "test_openai_o1_mini_system_role[system]": (_CHAT, "bad_request"),
    "test_reasoning_model_with_temperature": (_CHAT, "answer"),
    "test_max_completion_tokens[gpt-4o-mini]": (_CHAT, "answer"),
    "test_openai_moderation": (_CHAT, "answer"),
    "test_text_response": (_CHAT, "garbage"),
    "test_user_id": (_CHAT, "answer"),
    "test_deepseek_model_thinking_part": (_CHAT, "answer"),
    "test_deepseek_model_thinking_stream": (_CHAT, "answer"),
    "test_tool_use_failed_error": (_CHAT, "bad_request answer answer"),
    "test_groq_model_instructions": (_CHAT, "answer"),
    "test_openrouter_errors_raised": (_CHAT, "overload overload overload"),
    "test_openrouter_tool_calling": (_CHAT, "answer"),
    "test_openrouter_streaming_reasoning": (_CHAT, "answer"),
    "test_crusoe_model_streaming": (_CHAT, "answer"),
    "test_snowflake_model_streaming": (_CHAT, "answer"),
    "test_zai_model_simple": (_CHAT, "answer"),
    "test_azure_provider_call": (_AZURE, "answer"),
    "test_model_name_suggestion[openai-chat]": (_CHAT, "not_found"),
    "test_openai_responses_model_simple_response_with_tool_call": (_RESPONSES, "answer answer"),
    "test_openai_responses_stream": (_RESPONSES, "answer answer"),
    "azure_grok-4-1-fast-non-reasoning_can_have_a_basic_conversation": (_INFERENCE, "answer"),
    "azure_grok-4-1-fast-non-reasoning_can_handle_multi-turn_conversations": (_INFERENCE, "answer answer"),
    "azure_grok-4-1-fast-non-reasoning_can_use_parallel_tool_calls": (_INFERENCE, "answer answer"),
    "azure_grok-4-1-fast-non-reasoning_handles_object_params": (_INFERENCE, "answer"),
    "azure_grok-4-1-fast-non-reasoning_supports_streaming_responses": (_INFERENCE, "answer"),
    "azure_grok-4-1-fast-non-reasoning_raises_appropriate_auth_error": (_INFERENCE, "auth"),
    "azure_grok-4-1-fast-non-reasoning_allows_removing_schema_mid-conversation": (_INFERENCE, "answer answer"),
    "openrouter_claude-haiku-4-5_raises_appropriate_auth_error": (_CHAT, "auth"),
    "deepseek_deepseek-chat_raises_appropriate_auth_error": (_CHAT, "auth"),
    "deepseek_deepseek-chat_handles_context_length_exceeded_errors": (_CHAT, "bad_request"),
    "gemini_gemini-2_5-flash_handles_context_length_exceeded_errors": (_CHAT, "rate_limit"),
    "test_chat": (_AZURE, "answer answer answer answer answer"),
    "test_chat_streaming": (_AZURE, "answer answer answer answer"),
    "test_prompt_content_filtering": (_AZURE, "filtered answer answer answer"),
    "test_refusal/openai_gpt_4o_completions/sync": (_CHAT, "answer"),
    "test_max_tokens/openai_gpt_4o_completions/sync": (_CHAT, "answer"),
    "test_max_tokens/openai_gpt_5_mini_completions/sync": (_CHAT, "answer"),
    "test_call_with_tools/openai_gpt_4o_completions/sync": (_CHAT, "answer answer answer answer answer answer"),
    "test_authentication_error/openai_gpt_4o_completions": (_CHAT, "auth"),
    "test_model_not_found/openai_gpt_4o_completions": (_CHAT, "not_found not_found"),
    "strict/openai_gpt_4o_completions": (_CHAT, "answer"),
    "test_openrouter_stream/openrouter_openai_gpt_4o": (_CHAT, "answer"),
    "test_chat_completion_streaming": (_CHAT, "answer"),
    "test_chat_completion_tool_calls_with_content": (_CHAT, "answer answer"),
    "test_chat_completion_multiple_choices": (_CHAT, "answer"),
    "test_chat_completion_404": (_CHAT, "not_found"),
    "test_chat_completion_handle_stop_sequences_as_string": (_CHAT, "answer"),
    "test_responses_create_api_error[content_mode0]": (_RESPONSES, "not_found"),
    "test_tool_use_basic": (_CHAT, "answer answer"),
    "test_tools_streaming_variant_a": (_CHAT, "answer answer"),
    "test_tools_streaming_variant_b": (_CHAT, "answer answer"),
    "test_responses_basic_streaming": (_RESPONSES, "answer"),
}
DIALECTS = sorted({dialect for dialect, _ in TABLE.values()})


@dataclass(frozen=True)
class Said:
    """What a reply says of its first answer. None: it does not say."""

    text: str | None
    calls: list[tuple[str, str, str]]
    finish_reason: str | None
    refusal: str | None = None
    reasoning: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    answers: int = 1


@dataclass(frozen=True)
class Exchange:
    """One recorded exchange; *expected* is the table's word for it."""

    key: str
    dialect: str
    expected: str
    asked: dict[str, Any]
    url: str
    status: int
    headers: dict[str, list[str]]
    body: bytes

    @property
    def target(self) -> str:
        """The path that was called, with its query."""
        place = urlsplit(self.url)
        return place.path + (f"?{place.query}" if place.query else "")

    @property
    def base(self) -> str:
        """The path of the base_url that leads there."""
        path = urlsplit(self.url).path
        if self.dialect in (_AZURE, _INFERENCE):
            return ""
        return path.removesuffix("/chat/completions").removesuffix("/responses")

    @property
    def api_version(self) -> str:
        """What the address has of it."""
        return parse_qs(urlsplit(self.url).query).get("api-version", [""])[0]

    @property
    def model(self) -> str:
        """The model that was asked, by its name in the address or else in the body."""
        parts = self.url.split("/")
        return parts[parts.index("deployments") + 1] if "deployments" in parts else self.asked.get("model", "m")

    @property
    def stream(self) -> bool:
        """Whether the reply is a stream."""
        return "".join(self.headers.get("content-type", [])).startswith("text/event-stream")

    @property
    def said(self) -> Said:
        """What the reply says, read in the plainest way."""
        if self.dialect == _RESPONSES:
            return _responses(self)
        return _chunks(list(self._data())) if self.stream else _completion(json.loads(self.body))

    def _data(self) -> Iterator[Any]:
        for line in self.body.decode().splitlines():
            if line.startswith("data: {"):
                yield json.loads(line[6:])


def exchanges(shared_data: Path) -> list[Exchange]:
    """All of them, in their order. A file that the table does not have is a KeyError."""
    with (shared_data / "cassettes" / "normalized.jsonl").open(encoding="utf-8") as lines:
        return [_exchange(json.loads(line)) for line in lines]


def _exchange(line: dict[str, Any]) -> Exchange:
    path, _, number = line["id"].rpartition("#")
    name = path.rpartition(":")[2].rsplit(".", 1)[0]
    file = max((file for file in TABLE if name.endswith(("/" + file, "_" + file))), key=len)
    dialect, expected = TABLE[file]
    return Exchange(
        key=f"{file}#{number}",
        dialect=dialect,
        expected=expected.split()[int(number)],
        asked=line["request"]["body"] or {},
        url=line["request"]["url"],
        status=line["response"]["status"],
        headers=line["response"]["headers"],
        body=line["response"]["body"].encode(),
    )


def _figures(usage: dict[str, Any] | None, *names: str) -> dict[str, Any]:
    usage = usage or {}
    asked, answered, of_asked, of_answered = names
    return {
        "prompt_tokens": usage.get(asked),
        "completion_tokens": usage.get(answered),
        "cached_tokens": (usage.get(of_asked) or {}).get("cached_tokens"),
        "reasoning_tokens": (usage.get(of_answered) or {}).get("reasoning_tokens"),
    }


def _chat_figures(usage: dict[str, Any] | None) -> dict[str, Any]:
    names = ("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details")
    return _figures(usage, *names)


def _completion(said: dict[str, Any]) -> Said:
    choice = said["choices"][0]
    message = choice["message"]
    calls = message.get("tool_calls") or []
    return Said(
        text=message.get("content"),
        calls=[(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls],
        finish_reason=choice["finish_reason"],
        refusal=message.get("refusal"),
        reasoning=message.get("reasoning_content") or message.get("reasoning"),
        answers=len(said["choices"]),
        **_chat_figures(said.get("usage")),
    )


def _chunks(chunks: list[dict[str, Any]]) -> Said:
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    deltas = [choice["delta"] for choice in choices]
    calls: dict[int, list[str]] = {}
    for delta in deltas:
        for part in delta.get("tool_calls") or []:
            call, function = calls.setdefault(part["index"], ["", "", ""]), part["function"]
            call[0] = call[0] or part.get("id") or ""
            call[1] = call[1] or function.get("name") or ""
            call[2] += function.get("arguments") or ""
    texts = [delta["content"] for delta in deltas if delta.get("content") is not None]
    thoughts = [delta.get("reasoning_content") or delta.get("reasoning") or "" for delta in deltas]
    ends = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    return Said(
        text="".join(texts) if texts else None,
        calls=[(call[0], call[1], call[2]) for _, call in sorted(calls.items())],
        finish_reason=ends[-1] if ends else None,
        refusal="".join(delta.get("refusal") or "" for delta in deltas) or None,
        reasoning="".join(thoughts) or None,
        **_chat_figures(next((chunk["usage"] for chunk in reversed(chunks) if chunk.get("usage")), None)),
    )


def _responses(exchange: Exchange) -> Said:
    whole = json.loads(exchange.body) if not exchange.stream else None
    for event in exchange._data() if exchange.stream else ():
        whole = event["response"] if event["type"] == "response.completed" else whole
    assert whole is not None
    texts = [part["text"] for item in whole["output"] if item["type"] == "message" for part in item["content"]]
    calls = [item for item in whole["output"] if item["type"] == "function_call"]
    names = ("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details")
    return Said(
        text="".join(texts) if texts else None,
        calls=[(call["call_id"], call["name"], call["arguments"]) for call in calls],
        finish_reason="tool_calls" if calls else "stop",
        **_figures(whole["usage"], *names),
    )

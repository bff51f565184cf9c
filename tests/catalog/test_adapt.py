"""The parameters that each model takes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.catalog import DIALECTS, PROVIDERS
from evalrun.catalog.adapt import adapt

CHAT, AZURE, MESSAGES = "openai-chat", "azure-openai", "anthropic-messages"

REASONING = {
    "o1": ("openai", CHAT, "o1"),
    "o3-mini": ("openai", CHAT, "o3-mini-2025-01-31"),
    "o4-mini at GitHub": ("github", CHAT, "openai/o4-mini"),
    "o4-mini, serverless": ("azure-inference", "azure-ai-inference", "o4-mini"),
    "gpt-5": ("openai", CHAT, "gpt-5"),
    "gpt-5-nano at OpenRouter": ("openrouter", CHAT, "openai/gpt-5-nano:floor"),
    "gpt-5.1": ("openai", CHAT, "gpt-5.1-2025-11-13"),
    "a deployment": ("azure", AZURE, "GPT-5-mini-prod"),
    "o3 by Responses": ("openai", "openai-responses", "o3-pro"),
    "the simulated one": ("simulator", CHAT, "thinker"),
}
OTHERS = {
    "gpt-4o": ("openai", CHAT, "gpt-4o"),
    "gpt-5-chat": ("openai", CHAT, "gpt-5-chat-latest"),
    "gpt-5.2-chat": ("openai", CHAT, "gpt-5.2-chat-latest"),
    "Azure's gpt-3.5": ("azure", AZURE, "gpt-35-turbo"),
    "gpt-oss": ("vllm", CHAT, "openai/gpt-oss-120b"),
    "llama": ("ollama", CHAT, "llama3.2"),
    "a name that only begins so": ("lab", CHAT, "o3x"),
    "the simulator": ("simulator", CHAT, "large"),
    "a name of another vendor at the simulator": ("simulator-azure", AZURE, "o3"),
}


@pytest.mark.parametrize("of", REASONING.values(), ids=REASONING)
def test_reasoning_models_are_spared_what_they_refuse(of: tuple[str, str, str]) -> None:
    """OpenAI's reasoning models are sent no sampling parameter, whoever serves them, and each is told."""
    refused = {"temperature": 0, "top_p": 0.5, "presence_penalty": 1, "frequency_penalty": 1, "logprobs": True}
    refused |= {"top_logprobs": 2, "logit_bias": {"5": 1}}
    found, notes = adapt(*of, {**refused, "stop": "END", "n": 2, "reasoning_effort": "low"})

    assert found == {"stop": "END", "n": 2, "reasoning_effort": "low"}
    assert {note.split()[0] for note in notes} == set(refused)


@pytest.mark.parametrize("of", OTHERS.values(), ids=OTHERS)
def test_other_models_keep_their_parameters(of: tuple[str, str, str]) -> None:
    """A model that does not reason is sent what the suite says, under the suite's names."""
    said = {"temperature": 0, "top_p": 0.5, "logprobs": True, "max_tokens": 9, "seed": 3}

    assert adapt(*of, said) == (said, ())


LIMITS = {
    # of whom, what is said, what is sent
    "reasoning": (("openai", CHAT, "o1"), {"max_tokens": 5}, {"max_completion_tokens": 5}),
    "reasoning, both": (
        ("openai", CHAT, "o1"),
        {"max_tokens": 5, "max_completion_tokens": 7},
        {"max_completion_tokens": 7},
    ),
    "chat, the new name": (
        ("openai", CHAT, "gpt-4o"),
        {"max_completion_tokens": 5},
        {"max_completion_tokens": 5},
    ),
    "chat, both": (
        ("vllm", CHAT, "x"),
        {"max_tokens": 5, "max_completion_tokens": 7},
        {"max_completion_tokens": 7},
    ),
    "legacy": (("openai", "openai-completions", "davinci-002"), {"max_completion_tokens": 5}, {"max_tokens": 5}),
    "legacy, both": (
        ("openai", "openai-completions", "davinci-002"),
        {"max_tokens": 5, "max_completion_tokens": 7},
        {"max_tokens": 7},
    ),
    "mistral": (
        ("mistral", CHAT, "mistral-small-latest"),
        {"max_completion_tokens": 5, "user": "u", "service_tier": "auto"},
        {"max_tokens": 5},
    ),
    "anthropic": (("anthropic", MESSAGES, "claude-sonnet-4-0"), {"max_completion_tokens": 5}, {"max_tokens": 5}),
    "responses": (("openai", "openai-responses", "o3"), {"max_tokens": 5}, {"max_tokens": 5}),
}


@pytest.mark.parametrize(("of", "said", "sent"), LIMITS.values(), ids=LIMITS)
def test_the_output_limit_has_the_name_that_the_model_knows(
    of: tuple[str, str, str], said: dict[str, Any], sent: dict[str, Any]
) -> None:
    """One limit is sent, under the API's name; where both are said, max_completion_tokens wins, with a note."""
    found, notes = adapt(*of, said)

    assert found == sent
    assert bool(notes) == (said != sent)


LEFT_OUT = {
    "groq": (("groq", CHAT, "llama-3.1-8b-instant"), ["logit_bias", "logprobs", "top_logprobs"]),
    "gemini": (("gemini", CHAT, "gemini-2.5-flash"), ["frequency_penalty", "presence_penalty", "seed"]),
    "anthropic": (
        ("lab", MESSAGES, "claude-3-haiku"),
        ["frequency_penalty", "logit_bias", "logprobs", "presence_penalty", "seed", "top_logprobs"],
    ),
    "claude 4.5": (
        ("anthropic", MESSAGES, "claude-sonnet-4-5-20250929"),
        ["frequency_penalty", "logit_bias", "logprobs", "presence_penalty", "seed", "top_logprobs", "top_p"],
    ),
    "claude 5": (
        ("anthropic", MESSAGES, "claude-opus-5"),
        [
            "frequency_penalty",
            "logit_bias",
            "logprobs",
            "presence_penalty",
            "seed",
            "temperature",
            "top_logprobs",
            "top_p",
        ],
    ),
    "claude 4 with a date": (
        ("anthropic", MESSAGES, "claude-sonnet-4-20250514"),
        ["frequency_penalty", "logit_bias", "logprobs", "presence_penalty", "seed", "top_logprobs"],
    ),
    "responses": (
        ("openai", "openai-responses", "gpt-4o"),
        ["frequency_penalty", "logit_bias", "presence_penalty", "seed"],
    ),
    "gpt-5.1 that does not reason": (
        ("openai", CHAT, "gpt-5.1"),
        ["frequency_penalty", "logit_bias", "presence_penalty"],
    ),
}


@pytest.mark.parametrize(("of", "names"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_an_api_lacks_is_left_out(of: tuple[str, str, str], names: list[str]) -> None:
    """A tuning parameter that the API or the model has none of is left out, with a note that begins with its name."""
    said = {"temperature": 0.2, "top_p": 0.5, "seed": 1, "frequency_penalty": 1, "presence_penalty": 1}
    said |= {"logit_bias": {}, "logprobs": True, "top_logprobs": 3}
    if of[2] == "gpt-5.1":
        said["reasoning_effort"] = "none"
    found, notes = adapt(*of, said)

    assert sorted(said.keys() - found.keys()) == names
    assert sorted(note.split()[0] for note in notes) == names


def test_embeddings_draw_nothing() -> None:
    """An embedding has no sampling parameters and no output limit; what is its own stays."""
    said = {"temperature": 0, "max_tokens": 5, "reasoning_effort": "low", "dimensions": 256, "user": "me"}

    assert adapt("openai", "openai-embeddings", "text-embedding-3-small", said)[0] == {"dimensions": 256, "user": "me"}


def test_models_that_do_not_reason_are_sent_no_effort() -> None:
    """reasoning_effort goes to OpenAI's reasoning models, not to the others."""
    said = {"reasoning_effort": "low"}

    assert adapt("openai", CHAT, "gpt-4.1", said)[0] == {}
    assert adapt("openai", CHAT, "gpt-5", said)[0] == said
    assert adapt("vllm", CHAT, "gpt-oss-20b", said)[0] == said


def test_a_temperature_of_one_stays() -> None:
    """A reasoning model's own temperature may be said."""
    assert adapt("openai", CHAT, "o3", {"temperature": 1}) == ({"temperature": 1}, ())


QUESTION = {"tool_choice": "auto", "response_format": {"type": "text"}, "n": 2, "stop": ["x"], "stream": True}


@given(
    provider=st.sampled_from(sorted(PROVIDERS)),
    dialect=st.sampled_from(sorted(DIALECTS)),
    model=st.one_of(st.text(max_size=40), st.sampled_from(["gpt-5", "claude-opus-4-7", "o1", "gpt-4o"])),
)
def test_what_changes_the_question_is_never_left_out(provider: str, dialect: str, model: str) -> None:
    """Whatever the model, what is asked stays as the suite says it, and the given mapping is not changed."""
    said = {**QUESTION, "suffix": "y", "extra_body": {"top_k": 1}, "temperature": 0}
    found, _ = adapt(provider, dialect, model, said)

    assert all(found[name] == said[name] for name in said if name != "temperature")
    assert said["temperature"] == 0

"""Parameters as a model takes them: what is sent under another name, and what it would refuse.  (pure)

Only parameters that tune how an answer is drawn are left out. What changes the question (tool_choice, response_format,
n, stop, suffix, stream, extra_body) stays, and a dialect that has no word for it says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_PENALTIES = ("frequency_penalty", "presence_penalty")
_LOGPROBS = ("logprobs", "top_logprobs")
_SAMPLING = ("temperature", "top_p", "seed", *_PENALTIES, "logit_bias", *_LOGPROBS)

_DIALECT_LACKS: Mapping[str, tuple[str, ...]] = {
    "anthropic-messages": ("seed", *_PENALTIES, "logit_bias", *_LOGPROBS),
    "openai-responses": ("seed", *_PENALTIES, "logit_bias"),
    "openai-completions": ("reasoning_effort", "parallel_tool_calls", "service_tier"),
    "openai-embeddings": (
        *_SAMPLING,
        "max_tokens",
        "max_completion_tokens",
        "reasoning_effort",
        "parallel_tool_calls",
        "service_tier",
    ),
}
"""From the vendors' API references: the body of each call has no such member."""

_PROVIDER_LACKS: Mapping[str, tuple[str, ...]] = {
    # console.groq.com/docs/openai: "will result in a 400 error if they are supplied" (seen 2026-11-20)
    "groq": ("logit_bias", *_LOGPROBS),
    # 400 "Unknown name": ChatterUI#227, mcpchecker#188; "Penalty is not enabled": google-gemini/cookbook#1290 (2026-07)
    "gemini": ("seed", *_PENALTIES),
    # the API's schema (CompletionArgs) has no such member and forbids others: 422 extra_forbidden
    "mistral": ("logit_bias", *_LOGPROBS, "user", "service_tier"),
}

_ONLY_MAX_TOKENS = frozenset({"openai-completions", "anthropic-messages"})
_ONLY_MAX_TOKENS_PROVIDERS = frozenset({"mistral"})  # 422 extra_forbidden for max_completion_tokens: eca#231 (2025-12)

_REASONING_REFUSES = ("temperature", "top_p", *_PENALTIES, *_LOGPROBS, "logit_bias")
_WITHOUT_EFFORT = frozenset({"temperature", "top_p", *_LOGPROBS})
"""What gpt-5.1 and later take where reasoning_effort is none (OpenAI, "GPT-5.1 parameter compatibility")."""

_O_SERIES = re.compile(r"o\d+(?![^-])")
_GPT = re.compile(r"gpt-(?P<major>[5-9]|[12]\d)(?:\.(?P<minor>\d+))?(?P<chat>-chat)?(?![^-])")
_NO_EFFORT = re.compile(r"gpt-(?:3\.?5|4|5(?:\.\d+)?-chat)|chatgpt-")
_CLAUDE = re.compile(r"claude-[a-z]+-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)")

_SIMULATED_REASONING = "thinker"  # refuses what OpenAI's reasoning models refuse

_OF_OPENAI = frozenset({"openai-chat", "openai-responses", "azure-openai", "azure-ai-inference"})


def adapt(
    provider_id: str, dialect: str, model: str, params: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The parameters as this model takes them, and a note for each that is changed or left out.

    *model* may have a publisher before it (``openai/gpt-5``). Sources: OpenAI's reasoning guide and API reference for
    its reasoning models (o1, o3, o4-mini, gpt-5 and later, but for gpt-5-chat), Anthropic's migration guide for Claude.
    """
    found, notes = dict(params), list[str]()
    name = model.rpartition("/")[2].lower()
    simulated = provider_id.partition("-")[0] == "simulator"
    reasoning = dialect in _OF_OPENAI and (name == _SIMULATED_REASONING if simulated else _reasons(name))
    _name_output_limit(provider_id, dialect, found, notes, reasoning=reasoning)
    _leave_out(found, notes, _DIALECT_LACKS.get(dialect, ()), f"{dialect} has none")
    _leave_out(found, notes, _PROVIDER_LACKS.get(provider_id, ()), f"{provider_id} takes none")
    if reasoning:
        _for_reasoning(name, found, notes)
    elif provider_id in ("openai", "azure") and _NO_EFFORT.match(name):
        _leave_out(found, notes, ("reasoning_effort",), f"{name} does not reason")
    if dialect == "anthropic-messages":
        _for_claude(name, found, notes)
    return found, tuple(notes)


def _reasons(name: str) -> bool:
    """Whether this is one of OpenAI's reasoning models, by its name or a deployment's that begins like it."""
    if _O_SERIES.match(name):
        return True
    found = _GPT.match(name)
    return found is not None and not found["chat"]


def _name_output_limit(
    provider_id: str, dialect: str, params: dict[str, Any], notes: list[str], *, reasoning: bool
) -> None:
    """Leave one of the two names for the most tokens of an answer, where possible the one that the API knows."""
    if {"max_tokens", "max_completion_tokens"} <= params.keys():
        del params["max_tokens"]
        notes.append("max_tokens is left out: max_completion_tokens is said too, and wins")
    if dialect in _ONLY_MAX_TOKENS or provider_id in _ONLY_MAX_TOKENS_PROVIDERS:
        _rename(params, notes, "max_completion_tokens", "max_tokens")
    elif reasoning and dialect != "openai-responses":  # which has a name of its own for both
        _rename(params, notes, "max_tokens", "max_completion_tokens")


def _rename(params: dict[str, Any], notes: list[str], old: str, new: str) -> None:
    if old in params:
        params[new] = params.pop(old)
        notes.append(f"{old} is sent as {new}")


def _leave_out(params: dict[str, Any], notes: list[str], names: tuple[str, ...], why: str) -> None:
    for name in names:
        if name in params:
            del params[name]
            notes.append(f"{name} is left out: {why}")


def _for_reasoning(name: str, params: dict[str, Any], notes: list[str]) -> None:
    """Without what a reasoning model refuses; a temperature of 1 is its own, and taken."""
    found = _GPT.match(name)
    later = found is not None and (int(found["major"]), int(found["minor"] or 0)) >= (5, 1)
    kept = _WITHOUT_EFFORT if later and params.get("reasoning_effort") == "none" else frozenset[str]()
    for param in _REASONING_REFUSES:
        if param in kept or (param == "temperature" and params.get(param) == 1):
            continue
        cure = " unless reasoning_effort is none" if later and param in _WITHOUT_EFFORT else ""
        _leave_out(params, notes, (param,), f"a reasoning model takes none{cure}")


def _for_claude(name: str, params: dict[str, Any], notes: list[str]) -> None:
    """Claude 4.7 and later take no sampling parameters, those from 4.1 on only one of the two."""
    found = _CLAUDE.match(name)
    version = (int(found[1]), int(found[2] or 0)) if found else (0, 0)
    if version >= (4, 7):
        _leave_out(params, notes, ("temperature", "top_p"), "Claude takes none from 4.7 on")
    elif version >= (4, 1) and "temperature" in params:
        _leave_out(params, notes, ("top_p",), "this Claude takes temperature or top_p, not both")

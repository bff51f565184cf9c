"""Azure OpenAI and Azure AI inference: the same dialects with the content filters' reports and Azure's errors.

Source: Azure OpenAI REST API reference and recorded exchanges; Azure AI Model Inference REST API reference.  (pure)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from evalrun.simulator.complaints import BadBody
from evalrun.simulator.dialects.chat import CHAT
from evalrun.simulator.dialects.completions import COMPLETIONS
from evalrun.simulator.dialects.embeddings import EMBEDDINGS
from evalrun.simulator.dialects.responses import RESPONSES
from evalrun.simulator.dialects.wire import Asked, Dialect, Error, Event
from evalrun.simulator.engine import Reply
from evalrun.simulator.rules import Style

STYLES: tuple[Style, ...] = ("azure", "github", "groq", "anthropic", "silent")
REQUEST_ID = "apim-request-id"
_SAFE = {"filtered": False, "severity": "safe"}
_RESULTS = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), _SAFE)
_PROMPT_RESULTS = {**_RESULTS, "jailbreak": {"filtered": False, "detected": False}}
_DENIED = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)
_FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. "
    "Please modify your prompt and retry."
)
_NO_DEPLOYMENT = (
    "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
    "please wait a moment and try again."
)
# What Azure AI inference knows of a chat request; the rest is extra, and the header extra-parameters rules over it.
_INFERENCE = frozenset(
    [
        *("model", "messages", "frequency_penalty", "presence_penalty", "temperature", "top_p", "max_tokens", "seed"),
        *("stop", "response_format", "stream", "stream_options", "tools", "tool_choice", "modalities"),
        *("input", "dimensions", "encoding_format", "input_type"),
    ]
)


def _filters(body: dict[str, Any]) -> dict[str, Any]:
    choices = [{**choice, "content_filter_results": _RESULTS} for choice in body.get("choices", [])]
    reports = [{"prompt_index": 0, "content_filter_results": _PROMPT_RESULTS}]
    return {**body, "choices": choices, "prompt_filter_results": reports}


def _reply(dialect: Dialect) -> Callable[[Asked, Reply], dict[str, Any]]:
    return lambda asked, reply: _filters(dialect.reply(asked, reply))


def _events(dialect: Dialect) -> Callable[[Asked, Reply], list[Event]]:
    """Azure's stream begins with a chunk of no choices: the report on the prompt."""

    def events(asked: Asked, reply: Reply) -> list[Event]:
        reports = [{"prompt_index": 0, "content_filter_results": _PROMPT_RESULTS}]
        first = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": reports}
        return [Event(data=first), *map(_filtered, dialect.events(asked, reply))]

    return events


def _filtered(event: Event) -> Event:
    if not isinstance(event.data, dict):
        return event
    choices = [{**each, "content_filter_results": _RESULTS if event.beat else {}} for each in event.data["choices"]]
    return replace(event, data={**event.data, "choices": choices})


def error(status: int, body: dict[str, Any]) -> Error:
    """Azure's words for what the core refuses."""
    said = body.get("error")
    code = said.get("code") if isinstance(said, Mapping) else None
    if status == 401:
        return 401, {"error": {"code": "401", "message": _DENIED}}
    if code == "model_not_found":
        return 404, {"error": {"code": "DeploymentNotFound", "message": _NO_DEPLOYMENT}}
    if code == "content_filter":
        results = {**_RESULTS, "violence": {"filtered": True, "severity": "high"}}
        inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": results}
        error = {
            "message": _FILTERED,
            "type": None,
            "param": "prompt",
            "code": code,
            "status": 400,
            "innererror": inner,
        }
        return 400, {"error": error}
    return status, body


def _inference_error(status: int, body: dict[str, Any]) -> Error:
    said = body.get("error")
    if isinstance(said, Mapping) and said.get("code") == "model_not_found":
        message = "Unknown model: " + str(said.get("message", "")).partition("`")[2].partition("`")[0]
        return 400, {"error": {"code": "unknown_model", "message": message, "details": message}}
    return error(status, body)


def _deployed(dialect: Dialect) -> Callable[[Asked], Any]:
    """The deployment in the path decides the model; without an api-version there is no such resource."""

    def translate(asked: Asked) -> Any:
        if not asked.query.get("api-version"):
            raise BadBody("Resource not found", None, "404", status=404)
        if not isinstance(asked.body, Mapping):
            raise BadBody("The request body is not a JSON object.")
        return dialect.translate(replace(asked, body={**asked.body, "model": asked.place["deployment"]}))

    return translate


def _inferred(dialect: Dialect) -> Callable[[Asked], Any]:
    """What is extra is refused, dropped or passed on, as the header extra-parameters says."""

    def translate(asked: Asked) -> Any:
        if not asked.query.get("api-version"):
            message = "The api-version query parameter (?api-version=) is required for all requests."
            raise BadBody(message, None, "MissingApiVersionParameter")
        said = asked.body
        if not isinstance(said, Mapping):
            raise BadBody("The request body is not a JSON object.")
        extra = sorted(str(name) for name in said if name not in _INFERENCE)
        wish = asked.headers.get("extra-parameters", "error")
        if wish not in ("error", "drop", "pass-through"):
            raise BadBody(f"The header extra-parameters cannot be '{wish}'.", None, "invalid_value")
        if extra and wish == "error":
            message = f"Extra inputs are not permitted: '{extra[0]}'. Set the header extra-parameters to change that."
            raise BadBody(message, extra[0], "extra_forbidden")
        if wish == "drop":
            said = {name: value for name, value in said.items() if name in _INFERENCE}
        said = {name: value for name, value in said.items() if name != "modalities"}
        return dialect.translate(replace(asked, body=said))

    return translate


def _azure(dialect: Dialect, *, translate: Callable[[Asked], Any] | None = None) -> Dialect:
    """A dialect as Azure speaks it."""
    chats = dialect in (CHAT, COMPLETIONS)
    return replace(
        dialect,
        translate=translate or dialect.translate,
        reply=_reply(dialect) if chats else dialect.reply,
        events=_events(dialect) if chats else dialect.events,
        error=error,
        styles=STYLES,
        request_id=REQUEST_ID,
    )


DEPLOYMENTS: Mapping[str, Dialect] = {
    path: _azure(dialect, translate=_deployed(dialect))
    for path, dialect in (("chat/completions", CHAT), ("completions", COMPLETIONS), ("embeddings", EMBEDDINGS))
}
"""By what follows /openai/deployments/NAME/."""

V1: Mapping[str, Dialect] = {
    path: _azure(dialect)
    for path, dialect in (
        ("chat/completions", CHAT),
        ("completions", COMPLETIONS),
        ("embeddings", EMBEDDINGS),
        ("responses", RESPONSES),
    )
}
"""By what follows /openai/v1/."""

INFERENCE: Mapping[str, Dialect] = {
    path: replace(dialect, translate=_inferred(dialect), error=_inference_error, styles=STYLES, request_id=REQUEST_ID)
    for path, dialect in (("chat/completions", CHAT), ("embeddings", EMBEDDINGS))
}
"""By what follows /models/."""

"""The dialect azure-ai-inference: chat completions of any model in Microsoft Foundry, under Azure's own path.  (pure)

The base_url is the resource's, ``https://RESOURCE.services.ai.azure.com``; one that has a path already, or that of a
serverless endpoint, is an inference endpoint as it stands.

Source: learn.microsoft.com, "Azure AI Model Inference API", version 2024-05-01-preview.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from evalrun.providers import openai_chat
from evalrun.providers.dialect import Auth
from evalrun.providers.openai_chat import build, parse
from evalrun.records.request import Request
from evalrun.records.suite import Provider

__all__ = ["AUTH", "build", "headers", "parse", "path"]

AUTH: Auth = "api-key"

API_VERSION = "2024-05-01-preview"

_OWN = frozenset(
    {"temperature", "top_p", "max_tokens", "seed", "stop", "frequency_penalty", "presence_penalty"}
    | {"response_format", "tool_choice", "stream"}
)
"""The parameters that the API has. Others are extra, and refused unless a header says to pass them to the model."""

_SERVERLESS = (".models.ai.azure.com", ".inference.ai.azure.com")


def path(_request: Request, provider: Provider) -> str:
    """See Dialect."""
    place = urlsplit(provider.base_url)
    bare = not place.path.rstrip("/") and not (place.hostname or "").endswith(_SERVERLESS)
    version = quote(provider.api_version or API_VERSION, safe="")
    return f"{'/models' if bare else ''}/chat/completions?api-version={version}"


def headers(request: Request, provider: Provider) -> Mapping[str, str]:
    """See Dialect. What Azure's own API has no word for is passed through to the model."""
    extra = any(name not in _OWN and value is not None for name, value in request.params.items())
    extra = extra or bool(request.params.get("stream"))  # its usage is asked for in stream_options, which are extra too
    own = openai_chat.headers(request, provider)
    return {**own, "extra-parameters": "pass-through"} if extra else own

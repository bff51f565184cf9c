"""The dialect azure-openai: chat completions of a deployment in Azure OpenAI or Microsoft Foundry.  (pure)

The base_url is the resource's, ``https://RESOURCE.openai.azure.com``: then the model's name is the deployment's, and
stands in the path. With ``/openai/v1`` at its end the newer form is spoken, where the body says it. What the content
filter found comes along with the reply; what it held back has the finish_reason content_filter.

Source: learn.microsoft.com, "Azure OpenAI REST API reference" and "API version lifecycle".
"""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from evalrun.providers.dialect import Auth
from evalrun.providers.openai_chat import build, headers, parse
from evalrun.records.request import Request
from evalrun.records.suite import Provider

__all__ = ["AUTH", "build", "headers", "parse", "path"]

AUTH: Auth = "api-key"

API_VERSION = "2024-10-21"
"""The latest that is generally available under a date."""


def path(request: Request, provider: Provider) -> str:
    """See Dialect. The v1 form has no api-version unless the provider names one (``preview``)."""
    base = urlsplit(provider.base_url).path.rstrip("/")
    v1 = base.endswith("/openai/v1")
    version = provider.api_version or ("" if v1 else API_VERSION)
    place = "" if v1 else f"/openai/deployments/{quote(request.model, safe='')}"
    return f"{place}/chat/completions" + (f"?api-version={quote(version, safe='')}" if version else "")

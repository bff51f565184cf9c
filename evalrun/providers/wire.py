"""Request -> what would go over HTTP for it, without the key.  (pure)"""

from __future__ import annotations

from evalrun.keys import ENTRA
from evalrun.providers.dialect import encode
from evalrun.providers.endpoint import KEY_HEADERS, base_of, own_headers, spelled_for
from evalrun.providers.send import dialect_of
from evalrun.records.request import Request
from evalrun.records.suite import Provider
from evalrun.records.wire import WireRequest

ENTRA_VARIABLE = "AZURE_ACCESS_TOKEN"
"""The variable that stands for a token of Entra's, which evalrun itself fetches anew."""

_TOKEN = f"{ENTRA_VARIABLE} is a token: az account get-access-token --resource https://cognitiveservices.azure.com"


def wire_request(provider: Provider, request: Request) -> WireRequest:
    """The request as it is sent to *provider*.

    Raises Unsupported where the dialect has no word for it, another ValueError where its address or its body cannot be
    written, UsageError where nobody has the dialect.
    """
    dialect = dialect_of(provider)
    scheme = provider.auth or dialect.AUTH
    variable = ENTRA_VARIABLE if scheme == ENTRA else provider.api_key_env or ""
    header, prefix = KEY_HEADERS[scheme] if variable else ("", "")
    body = spelled_for(provider, dialect.build(request))
    encode(body)  # what cannot be sent is not shown as if it could
    headers = {**dialect.headers(request, provider), **own_headers(provider), "content-type": "application/json"}
    return WireRequest(
        url=base_of(provider) + dialect.path(request, provider),
        headers=headers,
        body=body,
        key_variable=variable,
        key_header=header,
        key_prefix=prefix,
        about=_TOKEN if scheme == ENTRA else "",
    )

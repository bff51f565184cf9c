"""Tokens of Microsoft Entra in the place of an Azure key, from the extra ``azure``."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import Any

from evalrun.clock import Clock
from evalrun.errors import UsageError
from evalrun.keys import Secret

SCOPE = "https://cognitiveservices.azure.com/.default"
"""Microsoft's name for what a token is for: Azure OpenAI and Azure AI services."""

_EARLY_S = 300.0  # a token is renewed so long before it ends
_WORDS = 300


class NoToken(Exception):
    """Nobody gave a token; the message says why."""


class EntraTokens:
    """The tokens of one run, fetched when they are needed. Mutable state: the token at hand and when it ends.

    Raises UsageError where the extra is not installed.
    """

    def __init__(self, provider_id: str, clock: Clock) -> None:
        if find_spec("azure") is None or find_spec("azure.identity") is None:
            raise UsageError(f"provider {provider_id}: auth: entra needs the extra: pip install 'evalrun[azure]'")
        self._clock = clock
        self._credential: Any = None
        self._token: Secret | None = None
        self._ends_at = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def get(self) -> Secret:
        """A token that is good for some minutes at least. Raises NoToken."""
        async with self._one_at_a_time:
            if self._token is None or self._clock.time() > self._ends_at - _EARLY_S:
                try:
                    found = await asyncio.to_thread(self._fetch)
                except Exception as error:  # whatever the library throws, nobody gave a token
                    first = next(iter(str(error).strip().splitlines()), type(error).__name__)
                    raise NoToken(f"Microsoft Entra gives no token: {first[:_WORDS]}") from error
                self._token, self._ends_at = Secret(found.token), float(found.expires_on)
            return self._token

    def _fetch(self) -> Any:
        from azure.identity import DefaultAzureCredential

        if self._credential is None:
            self._credential = DefaultAzureCredential()
        return self._credential.get_token(SCOPE)

"""What a wire dialect is: a request as bytes to an address, and a whole reply as an outcome.  (pure)

A dialect is a module of this folder, or of another package that offers it under the entry point group
``evalrun.dialects``. Nothing in it touches the network, the clock or a key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from evalrun.providers.reply import Reply
from evalrun.records.outcome import Outcome
from evalrun.records.request import Request
from evalrun.records.suite import Provider
from evalrun.redact import Redactor

Auth = Literal["bearer", "api-key", "x-api-key", "entra"]
"""How a key is sent: ``Authorization: Bearer``, or in a header of that name; ``entra`` fetches a token of Azure's."""


class Unsupported(ValueError):
    """The dialect has no word for what is asked, as tools for legacy completions. The message says what and where."""


class Dialect(Protocol):
    """A wire form, in practice a module."""

    AUTH: Auth

    def path(self, request: Request, provider: Provider) -> str:
        """What comes after the base_url, with a query where there is one."""

    def headers(self, request: Request, provider: Provider) -> Mapping[str, str]:
        """Headers of its own, by lower-case name, besides content-type and the key."""

    def build(self, request: Request) -> dict[str, Any]:
        """The body to send. Raises Unsupported."""

    def parse(self, reply: Reply, request: Request, *, now: float, redact: Redactor, simulated: bool) -> Outcome:
        """What a whole reply means; raises nothing.

        *now* (Unix time, seconds) is what a date in Retry-After is compared with where the reply has no date. *redact*
        masks secrets before anything is kept. *simulated* marks the reply's own token figures as such.
        """


def encode(body: Mapping[str, Any]) -> bytes:
    """The body's bytes: ASCII JSON, so that any text passes. Raises ValueError for what JSON cannot say (NaN)."""
    return json.dumps(body, allow_nan=False, separators=(",", ":")).encode("ascii")

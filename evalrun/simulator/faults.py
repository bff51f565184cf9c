"""Everything that can go wrong on purpose: which fault befalls a request is drawn from the request, never from chance.

Pure. A fault's name is one in `FAULTS`, or any other HTTP status from 300 on.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

from evalrun.simulator.complaints import error_body

FAULTS: Mapping[str, str] = {
    "reset": "the connection is reset instead of a reply",
    "cut": "the connection ends in the middle of the reply",
    "hang": "no reply comes and the connection stays open",
    "garbage": "status 200 with a page that is no JSON",
    "empty": "status 200 with no body",
    "stream-cut": "the connection ends in the middle of a stream",
    "stream-error": "an error event in the middle of a stream that began with status 200",
    "stream-no-end": "a stream ends without its end mark ([DONE], message_stop, response.completed)",
    "money": "429 insufficient_quota: the account cannot pay",
    "filter": "400 content_filter: the prompt was refused",
    "401": "the key is refused",
    "429": "told to wait 50 ms although no limit was reached",
    "500": "the server failed",
    "503": "the server is overloaded",
}
IN_STREAMS = frozenset({"stream-cut", "stream-error", "stream-no-end"})
"""These befall replies that stream; where another reply draws one, it is spared."""
ON_THE_WIRE = IN_STREAMS | {"reset", "cut", "hang", "garbage", "empty"}
_STATUSES: Mapping[int, tuple[str, str | None, str]] = {
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country_region_territory", "Not supported where you are."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached on requests. Please try again in 50ms."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("server_error", "server_is_overloaded", "The server is overloaded or not ready yet."),
}
LEAST_STATUS, MOST_STATUS = 300, 599


def fault(text: str) -> tuple[str, float]:
    """``500=0.05`` as a fault's name and its probability. Raises ValueError with words for the user."""
    name, equals, share = text.partition("=")
    name = name.strip()
    known = name in FAULTS or (name.isascii() and name.isdigit() and LEAST_STATUS <= int(name) <= MOST_STATUS)
    if not known:
        allowed = ", ".join(FAULTS)
        raise ValueError(f"unknown fault {name!r} (allowed: {allowed}, any status {LEAST_STATUS}–{MOST_STATUS})")
    try:
        probability = float(share)
    except ValueError:
        probability = math.nan
    if not equals or not 0 <= probability <= 1:
        raise ValueError(f"fault {name}: a probability from 0 to 1 must follow, as in {name}=0.05")
    return name, probability


def listed() -> str:
    """Every fault with what it does, a line each, for help texts."""
    width = max(map(len, FAULTS))
    lines = [f"{name:{width}}  {what}" for name, what in FAULTS.items()]
    return "\n".join([*lines, f"{'N':{width}}  any other status from {LEAST_STATUS} to {MOST_STATUS}"])


def check(faults: Mapping[str, float]) -> None:
    """Raises ValueError where a name is unknown, or the probabilities are none or more than 1 together."""
    for name, probability in faults.items():
        fault(f"{name}={probability}")
    if sum(faults.values()) > 1 + 1e-9:
        raise ValueError(f"the probabilities of the faults add up to {sum(faults.values()):g}, which is over 1")


def drawn(faults: Mapping[str, float], *, seed: int, key: str, attempt: int) -> str | None:
    """The fault that befalls the *attempt*-th sending (from 1) of the body with this *key*; None: it is spared."""
    digest = hashlib.sha256(f"{seed}:{key}:{attempt}".encode()).digest()
    number = int.from_bytes(digest[:7], "big") / (1 << 56)
    for name, probability in faults.items():
        if number < probability:
            return name
        number -= probability
    return None


def reply_to(name: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body of a fault that is an ordinary reply."""
    if name == "money":
        body = error_body("You exceeded your current quota.", "insufficient_quota", None, "insufficient_quota")
        return 429, {}, body
    if name == "filter":
        body = error_body("The prompt was filtered.", "invalid_request_error", "prompt", "content_filter")
        return 400, {}, body
    status = int(name)
    kind, code, message = _STATUSES.get(status, ("server_error", None, f"A fault made to order: status {status}."))
    headers = {"retry-after": "1", "retry-after-ms": "50"} if status == 429 else {}
    if 300 <= status < 400:
        headers["location"] = "/v1/elsewhere"
    return status, headers, error_body(message, kind, None, code)

"""A service that answers, and says in its headers that it will not for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from evalrun.conduct.log import LOGGER
from evalrun.providers.send import Send
from evalrun.records.outcome import Outcome
from evalrun.records.quota import RateFacts
from evalrun.records.request import Request


def telling_of_ends(send: Send, say: Callable[[str], None]) -> Send:
    """The same *send*; that a model's service announced its end is said once for each, and logged."""
    told: set[tuple[str, str]] = set()

    async def asked(request: Request) -> Outcome:
        outcome = await send(request)
        facts = outcome.rate
        whose = (request.provider, request.model)
        if facts is not None and (facts.deprecated or facts.sunset_at is not None) and whose not in told:
            told.add(whose)
            words = f"{request.provider}/{request.model}: {_words(facts)}"
            LOGGER.warning("%s", words)
            say(words)
        return outcome

    return asked


def _words(facts: RateFacts) -> str:
    if facts.sunset_at is None:
        return "the service says that this is deprecated; it has not said until when it answers"
    day = datetime.fromtimestamp(facts.sunset_at, UTC).date().isoformat()
    return f"the service announced its end for {day}; what it answers until then counts"

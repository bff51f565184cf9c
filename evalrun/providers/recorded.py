"""The dialect recorded: answers that exist already, looked up by the value that joins them to a case.  (pure)"""

from __future__ import annotations

from evalrun.records.outcome import Failure, FailureKind, Outcome, Response, TokensMethod, Usage
from evalrun.records.request import Request
from evalrun.records.suite import Recorded


def answer(request: Request, recorded: Recorded | None) -> Outcome:
    """The recorded answer for the request's ``match`` parameter; MISSING where the file has none."""
    match = str(request.params.get("match", ""))
    if recorded is None:
        return Failure(kind=FailureKind.MISSING, message=f"no recorded answers belong to {request.model}")
    found = recorded.answers.get(match)
    if found is None:
        where = f"{recorded.file} has no answer with {recorded.match} = {match!r}"
        return Failure(kind=FailureKind.MISSING, message=where)
    return Response(
        text=found.text,
        usage=Usage(
            prompt_tokens=found.prompt_tokens,
            completion_tokens=found.completion_tokens,
            method=TokensMethod.RECORDED,
        ),
        latency_s=found.latency_s,
        finish_reason=found.finish_reason,
        score=found.score,
    )

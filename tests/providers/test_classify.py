from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalrun.keys import Secret
from evalrun.providers.classify import EXCERPT, failure_of
from evalrun.providers.reply import Reply
from evalrun.records.outcome import Failure, FailureKind
from evalrun.redact import Redactor

NOW = 1_800_000_000.0

K = FailureKind


def failed(status: int, body: Any, headers: dict[str, str] | None = None) -> Failure:
    """The failure that a reply with this status and body is."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = Reply(status=status, headers=headers or {}, body=content, latency_s=0.5)
    return failure_of(reply, now=NOW, redact=Redactor([Secret("sk-canary-123456")]))


def error(code: Any = None, type: Any = None, message: str = "words", **more: Any) -> dict[str, Any]:  # noqa: A002 - the field's name
    """An error body as OpenAI writes it."""
    return {"error": {"message": message, "type": type, "param": None, "code": code, **more}}


TPM = "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): "


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        # what passes
        (429, error("rate_limit_exceeded", "requests"), K.RATE_LIMIT),
        (429, error("rate_limit_exceeded", "tokens", TPM + "Limit 200000, Used 195869, Requested 4412."), K.RATE_LIMIT),
        (
            429,
            error("RateLimitReached", message="Rate limit of 10 per 60s exceeded for UserByModelByMinute."),
            K.RATE_LIMIT,
        ),
        (429, error("429", message="Please retry after 7 seconds."), K.RATE_LIMIT),
        (429, {"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}, K.RATE_LIMIT),
        (429, {"status": 429, "title": "Too Many Requests"}, K.RATE_LIMIT),
        (429, b"", K.RATE_LIMIT),
        (429, b"<html>slow</html>", K.RATE_LIMIT),
        (429, error("slow_down"), K.OVERLOAD),
        (503, error("server_is_overloaded"), K.OVERLOAD),
        (503, b"", K.OVERLOAD),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, K.OVERLOAD),
        (500, error(None, "server_error"), K.SERVER),
        (502, b"<html>Bad Gateway</html>", K.SERVER),
        (504, b"", K.SERVER),
        (599, b"", K.SERVER),
        (409, b"", K.SERVER),
        (408, b"", K.TIMEOUT),
        # money
        (429, error("insufficient_quota", "insufficient_quota", "You exceeded your current quota"), K.MONEY),
        (429, error(None, "insufficient_quota"), K.MONEY),
        (429, error("credit_balance_exhausted"), K.MONEY),
        (429, error("organization_spend_limit_exceeded"), K.MONEY),
        (429, error("project_spend_limit_exceeded"), K.MONEY),
        (429, error("organization_usage_limit_exceeded"), K.MONEY),
        (429, error(None, "rate_limit_error", details={"error_code": "enforced_spend_limit_reached"}), K.MONEY),
        (402, error(402, message="Insufficient credits"), K.MONEY),
        (402, b"", K.MONEY),
        (400, error(None, "billing_error"), K.MONEY),
        # never
        (
            429,
            error("rate_limit_exceeded", "tokens", "Request too large for gpt-4o: Limit 30000, Requested 34307."),
            K.BAD_REQUEST,
        ),
        (429, error("rate_limit_exceeded", "tokens", TPM + "Limit 30000, Used 0, Requested 34307."), K.BAD_REQUEST),
        (413, error("rate_limit_exceeded", "tokens", "Request too large"), K.BAD_REQUEST),
        (413, error("tokens_limit_reached", message="Request body too large. Max size: 8000 tokens."), K.BAD_REQUEST),
        (400, error("context_length_exceeded", "invalid_request_error"), K.BAD_REQUEST),
        (400, error("unsupported_parameter", "invalid_request_error"), K.BAD_REQUEST),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, K.BAD_REQUEST),
        (405, b"", K.BAD_REQUEST),
        (418, b"", K.BAD_REQUEST),
        (401, error("invalid_api_key", "invalid_request_error"), K.AUTH),
        (401, b"", K.AUTH),
        (403, error("unsupported_country_region_territory"), K.AUTH),
        (404, error("model_not_found", "invalid_request_error"), K.NOT_FOUND),
        (404, b"404 page not found", K.NOT_FOUND),
        (400, error("unknown_model", message="Unknown model: openai/xyz"), K.NOT_FOUND),
        (404, {"error": {"code": "DeploymentNotFound", "message": "x"}}, K.NOT_FOUND),
        (410, error("github_models_retirement_brownout"), K.GONE),
        (410, b"", K.GONE),
        # filtered
        (400, error("content_filter", innererror={"code": "ResponsibleAIPolicyViolation"}), K.FILTERED),
        (400, error(None, innererror={"code": "ResponsibleAIPolicyViolation"}), K.FILTERED),
        (400, error("content_policy_violation"), K.FILTERED),
        # inside a 200
        (200, error("content_filter", status=400), K.FILTERED),
        (200, error("rate_limit_exceeded"), K.RATE_LIMIT),
        (200, error(429, message="Provider returned error"), K.RATE_LIMIT),
        (200, error(502), K.SERVER),
        (200, error(401), K.AUTH),
        (200, error("insufficient_quota"), K.MONEY),
        (200, error("server_error"), K.SERVER),
        (200, error(None, "invalid_request_error"), K.BAD_REQUEST),
        (200, {"error": "out of memory"}, K.GARBAGE),
        (200, error(), K.GARBAGE),
    ],
)
def test_kinds(status: int, body: Any, kind: FailureKind) -> None:
    """Status, codes and words of the known vendors are sorted by what there is to do about them."""
    assert failed(status, body).kind is kind


@pytest.mark.parametrize(
    ("status", "sunset", "kind"),
    [
        (403, "Thu, 30 Jul 2026 00:00:00 GMT", K.GONE),
        (404, "soon", K.GONE),
        (403, "Thu, 30 Jul 2037 00:00:00 GMT", K.AUTH),
        (429, "Thu, 30 Jul 2026 00:00:00 GMT", K.RATE_LIMIT),
        (500, "Thu, 30 Jul 2026 00:00:00 GMT", K.SERVER),
    ],
)
def test_sunset(status: int, sunset: str, kind: FailureKind) -> None:
    """A refusal with a sunset date gone by means that the service is closed for good."""
    assert failed(status, b"", {"sunset": sunset}).kind is kind


@pytest.mark.parametrize(
    ("body", "deprecation", "kind"),
    [
        (b"", "@1777939200", K.GONE),
        (b"", "@9999999999", K.AUTH),
        (b"", "true", K.AUTH),
        ({"error": {"message": "no such key"}}, "@1777939200", K.AUTH),
    ],
)
def test_a_door_closed_early(body: Any, deprecation: str, kind: FailureKind) -> None:
    """A 403 without a word, deprecated since a date gone by, is a service that is closed for this account already."""
    headers = {"sunset": "Thu, 30 Jul 2037 00:00:00 GMT", "deprecation": deprecation}

    assert failed(403, body, headers).kind is kind


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (error("c", "t", "m"), "c", "HTTP 400 c: m"),
        (error(None, "t", "m"), "t", "HTTP 400 t: m"),
        (error(429, None, "m"), "429", "HTTP 400 429: m"),
        ({"error": "plain words"}, None, "HTTP 400: plain words"),
        (
            {"object": "error", "message": "old vLLM", "type": "BadRequestError", "code": 400},
            "400",
            "HTTP 400 400: old vLLM",
        ),
        ({"detail": "FastAPI says"}, None, "HTTP 400: FastAPI says"),
        (
            {"type": "error", "error": {"type": "invalid_request_error", "message": "m"}},
            "invalid_request_error",
            "HTTP 400 invalid_request_error: m",
        ),
        (b"plain text\n", None, "HTTP 400: plain text"),
        (b"", None, "HTTP 400"),
        ([1, 2], None, "HTTP 400"),
        (b'{"error": {"message": "cut', None, 'HTTP 400: {"error": {"message": "cut'),
    ],
)
def test_what_is_told(body: Any, code: str | None, message: str) -> None:
    """The message for people holds the status, the code and the server's words, in whatever shape they came."""
    failure = failed(400, body)

    assert (failure.code, failure.message) == (code, message)
    assert (failure.http_status, failure.latency_s) == (400, 0.5)


def test_the_wait_is_carried() -> None:
    """What the server says about waiting goes with the failure."""
    assert failed(429, b"", {"retry-after": "7"}).retry_after_s == 7.0


def test_long_bodies_are_cut_after_masking() -> None:
    """Only the beginning of a body is kept, and no piece of a key is left at the cut."""
    failure = failed(500, b"x" * (EXCERPT - 5) + b"sk-canary-123456" + b"y" * 1000)

    assert failure.body is not None
    assert len(failure.body) == EXCERPT
    assert "sk-" not in failure.body + failure.message
    assert len(failure.message) <= EXCERPT


@given(status=st.integers(100, 599), body=st.binary(), headers=st.dictionaries(st.text(), st.text()))
def test_any_error_is_a_failure(status: int, body: bytes, headers: dict[str, str]) -> None:
    """Any bytes with any status make a failure."""
    assert failed(status, body, headers).message.startswith(f"HTTP {status}") or 300 <= status < 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "type", "message", "details", "innererror", "status", "x"]),
            inner,
            max_size=4,
        )
    ),
)


@given(status=st.integers(200, 599), body=JSON)
def test_any_json_is_a_failure(status: int, body: Any) -> None:
    """Any JSON in the place of an error body makes a failure."""
    assert isinstance(failed(status, {"error": body}), Failure)

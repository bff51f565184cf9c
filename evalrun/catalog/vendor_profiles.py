"""The vendors' profiles. A figure stands here only where it is published for everybody; the rest is learned or stated.

Prices of tokens are not here, and neither are the tiers that a vendor gives an account by what it has paid.
"""

from __future__ import annotations

from evalrun.catalog.profile import Profile
from evalrun.records.quota import DAY_S, HOUR_S, MINUTE_S, Limit, Quota

_GROQ = "https://console.groq.com/docs/rate-limits"
_GEMINI = "https://ai.google.dev/gemini-api/docs/rate-limits"
_CEREBRAS = "https://inference-docs.cerebras.ai/support/rate-limits"
_PACIFIC = "America/Los_Angeles"

PROFILES = (
    Profile(
        name="openai",
        model=Quota(charge="max"),
        believe={"requests": MINUTE_S, "tokens": MINUTE_S},
        window="bucket",
        date="2026-11-20",
        source="https://developers.openai.com/api/docs/guides/rate-limits",
        about="OpenAI: limits depend on the account's tier and on the model, and are not here; every reply's "
        "headers tell those of the minute. A request counts as the greater of its output limit and its "
        "length. Refused requests count.",
    ),
    Profile(
        name="azure",
        model=Quota(charge="sum"),
        believe={"requests": MINUTE_S, "tokens": MINUTE_S},
        date="2026-11-20",
        source="https://learn.microsoft.com/azure/ai-foundry/openai/how-to/quota",
        about="Azure OpenAI: limits are the deployment's, and are not here; headers tell them. Requests are "
        "counted in spans of 1 or 10 seconds: state {requests: n, per: 10s} for a deployment that refuses "
        "bursts.",
    ),
    Profile(
        name="foundry",
        model=Quota(charge="sum"),
        date="2026-11-20",
        source="replies of Azure AI Inference, observed 2025 to 2026",
        about="Azure AI models (serverless): limits are not published here, and headers tell those of the back "
        "end, which are not the account's; a refusal names the limit.",
    ),
    Profile(
        name="anthropic",
        model=Quota(charge="usage"),
        believe={"requests": MINUTE_S, "input_tokens": MINUTE_S, "output_tokens": MINUTE_S},
        window="bucket",
        date="2026-11-20",
        source="https://platform.claude.com/docs/en/api/rate-limits",
        about="Anthropic: limits depend on the account's tier and the class of the model, and are not here; every "
        "reply's headers tell them. Output counts as it comes, the output limit of a request is not "
        "reserved.",
    ),
    Profile(
        name="openrouter-free",
        account=Quota(
            limits=(
                Limit(axis="requests", amount=20, per_s=MINUTE_S, sure=False),
                Limit(axis="requests", amount=50, per_s=DAY_S, window="fixed", resets="utc"),
            ),
            charge="usage",
        ),
        resets="utc",
        limits_known=True,
        date="2026-10-17",
        source="https://openrouter.ai/docs/api-reference/limits",
        about="OpenRouter, all models named :free together; an account that ever bought ten credits has 1000 a "
        "day (state rpd: 1000). The services behind it may refuse besides.",
    ),
    Profile(
        name="groq",
        model=Quota(charge="sum"),
        believe={"requests": DAY_S, "tokens": MINUTE_S},
        window="bucket",
        date="2026-11-20",
        source=_GROQ,
        about="Groq: limits are the organisation's, per model and plan, and are not here. Headers tell the "
        "requests of the day and the tokens of the minute; the others only a refusal names.",
    ),
    Profile(
        name="groq-free",
        model=Quota(limits=(Limit(axis="requests", amount=30, per_s=MINUTE_S, sure=False),), charge="sum"),
        believe={"requests": DAY_S, "tokens": MINUTE_S},
        window="bucket",
        date="2026-07-25",
        source=_GROQ,
        about="Groq, free plan: 30 requests a minute for each chat model. Requests of the day and tokens of the "
        "minute differ by model, headers tell them; tokens of the day (100,000 to 500,000) only a refusal "
        "names.",
    ),
    Profile(
        name="gemini",
        model=Quota(charge="input"),
        resets=_PACIFIC,
        date="2026-11-20",
        source=_GEMINI,
        about="Gemini: limits are the project's, per model and tier, and are not published; there are no headers, "
        "a refusal names the limit. Days begin at midnight Pacific.",
    ),
    Profile(
        name="gemini-free",
        model=Quota(charge="input"),
        resets=_PACIFIC,
        date="2026-11-20",
        source=_GEMINI,
        about="Gemini, free tier: limits are the project's, per model, and are not published (5 to 15 requests a "
        "minute and 20 to 500 a day were seen); a refusal names them. Days begin at midnight Pacific.",
    ),
    Profile(
        name="mistral",
        model=Quota(charge="usage"),
        believe={"requests": MINUTE_S, "tokens": MINUTE_S},
        window="fixed",
        date="2026-07-26",
        source="https://docs.mistral.ai/deployment/ai-studio/tier; that minutes are the clock's own was measured",
        about="Mistral: limits are the organisation's, by tier, and are not here; headers tell those of the "
        "minute. A limit of the month exists and is not kept here.",
    ),
    Profile(
        name="cerebras",
        model=Quota(charge="sum"),
        believe={"requests": DAY_S, "tokens": MINUTE_S},
        window="bucket",
        date="2026-11-20",
        source=_CEREBRAS,
        about="Cerebras: limits are the organisation's, per model and tier, and are not here; headers tell them, "
        "each with its window. A request counts with its whole output limit. Cached input has a limit of "
        "its own, not kept here.",
    ),
    Profile(
        name="cerebras-free",
        model=Quota(
            limits=(
                Limit(axis="requests", amount=5, per_s=MINUTE_S, sure=False),
                Limit(axis="tokens", amount=30_000, per_s=MINUTE_S, sure=False),
                Limit(axis="tokens", amount=1_000_000, per_s=HOUR_S, sure=False),
                Limit(axis="tokens", amount=1_000_000, per_s=DAY_S),
            ),
            charge="sum",
        ),
        believe={"requests": DAY_S, "tokens": MINUTE_S},
        window="bucket",
        limits_known=True,
        date="2026-07-18",
        source=_CEREBRAS,
        about="Cerebras, free trial: the figures of its chat models. When its days begin is not published.",
    ),
    Profile(
        name="deepseek",
        model=Quota(charge="usage"),
        date="2026-11-20",
        source="https://api-docs.deepseek.com/quick_start/rate_limit",
        about="DeepSeek: only requests at once are limited, per account and model, by load and balance; no figure "
        "is dependable and no header tells one, so it is found by trying.",
    ),
)

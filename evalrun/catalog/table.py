"""The providers that evalrun knows: one table, with where each fact is written and when it was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """A provider that needs no entry in a suite.

    *base_url* is empty where there is nothing to call (recorded answers), where the address is known only when the run
    has begun (the simulator), and where it is the user's own: then *endpoint_env* names the variable that holds it.
    *origins* are the only places that *api_key_env* goes to without being asked about. *profile* says how the vendor
    limits use; *headers* go along with every request; *spelling* is what the vendor calls members of the body that
    OpenAI calls otherwise, empty for one that it refuses. *gone* says of a service that was closed since when, and what
    there is instead. *source* is where this is written, *date* when it was looked at.
    """

    id: str
    dialect: str
    base_url: str = ""
    api_key_env: str | None = None
    origins: tuple[str, ...] = ()
    simulated: bool = False
    about: str
    profile: str = ""
    endpoint_env: str = ""
    headers: Mapping[str, str] = field(default_factory=lambda: _NONE)
    spelling: Mapping[str, str] = field(default_factory=lambda: _NONE)
    gone: str = ""
    source: str = ""
    date: str = ""


def _simulated(id: str, dialect: str, about: str) -> CatalogEntry:  # noqa: A002 - the field's name
    return CatalogEntry(id=id, dialect=dialect, simulated=True, about=about)


_LOOKED = "2026-11-20"

ENTRIES = (
    _simulated("simulator", "openai-chat", "rule-based models on this machine; no key, no network, no cost"),
    _simulated("simulator-responses", "openai-responses", "the same, asked by the Responses API"),
    _simulated("simulator-completions", "openai-completions", "the same, asked by legacy completions"),
    _simulated("simulator-embeddings", "openai-embeddings", "the same: which of several texts is the nearest"),
    _simulated("simulator-messages", "anthropic-messages", "the same, asked as Anthropic's models are"),
    _simulated("simulator-azure", "azure-openai", "the same, asked as an Azure OpenAI deployment"),
    _simulated("simulator-azure-inference", "azure-ai-inference", "the same, asked as Azure AI Inference"),
    CatalogEntry(
        id="recorded",
        dialect="recorded",
        about="answers that exist already, read from a file of the suite",
    ),
    CatalogEntry(
        id="openai",
        dialect="openai-chat",
        base_url="https://api.openai.com/v1",
        api_key_env="OPENAI_API_KEY",
        origins=("https://api.openai.com",),
        about="OpenAI",
        profile="openai",
        source="https://platform.openai.com/docs/api-reference",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="azure",
        dialect="azure-openai",
        api_key_env="AZURE_OPENAI_API_KEY",
        endpoint_env="AZURE_OPENAI_ENDPOINT",
        about="Azure OpenAI: a model is the name of a deployment of yours",
        profile="azure",
        source="https://learn.microsoft.com/azure/ai-foundry/openai/reference",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="azure-inference",
        dialect="azure-ai-inference",
        api_key_env="AZURE_INFERENCE_CREDENTIAL",
        endpoint_env="AZURE_INFERENCE_ENDPOINT",
        about="Microsoft Foundry, Azure AI model inference",
        profile="foundry",
        source="https://learn.microsoft.com/azure/ai-foundry/model-inference",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="anthropic",
        dialect="anthropic-messages",
        base_url="https://api.anthropic.com/v1",
        api_key_env="ANTHROPIC_API_KEY",
        origins=("https://api.anthropic.com",),
        about="Anthropic",
        profile="anthropic",
        source="https://platform.claude.com/docs/en/api/overview",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="gemini",
        dialect="openai-chat",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        api_key_env="GEMINI_API_KEY",
        origins=("https://generativelanguage.googleapis.com",),
        about="Google Gemini, its OpenAI-compatible path",
        profile="gemini",
        source="https://ai.google.dev/gemini-api/docs/openai",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="groq",
        dialect="openai-chat",
        base_url="https://api.groq.com/openai/v1",
        api_key_env="GROQ_API_KEY",
        origins=("https://api.groq.com",),
        about="Groq",
        profile="groq",
        source="https://console.groq.com/docs/openai",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="openrouter",
        dialect="openai-chat",
        base_url="https://openrouter.ai/api/v1",
        api_key_env="OPENROUTER_API_KEY",
        origins=("https://openrouter.ai",),
        about="OpenRouter: many vendors' models behind one key",
        profile="openrouter-free",
        source="https://openrouter.ai/docs/api-reference/overview",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="mistral",
        dialect="openai-chat",
        base_url="https://api.mistral.ai/v1",
        api_key_env="MISTRAL_API_KEY",
        origins=("https://api.mistral.ai",),
        about="Mistral",
        profile="mistral",
        # 422 extra_forbidden; streams tell their usage unasked: openai-agents-python#442 (2025-04), avante.nvim#2347
        spelling={"seed": "random_seed", "stream_options": ""},
        source="https://docs.mistral.ai/api",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="cerebras",
        dialect="openai-chat",
        base_url="https://api.cerebras.ai/v1",
        api_key_env="CEREBRAS_API_KEY",
        origins=("https://api.cerebras.ai",),
        about="Cerebras",
        profile="cerebras",
        source="https://inference-docs.cerebras.ai/resources/openai",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="deepseek",
        dialect="openai-chat",
        base_url="https://api.deepseek.com/v1",
        api_key_env="DEEPSEEK_API_KEY",
        origins=("https://api.deepseek.com",),
        about="DeepSeek",
        profile="deepseek",
        source="https://api-docs.deepseek.com",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="ollama",
        dialect="openai-chat",
        base_url="http://127.0.0.1:11434/v1",
        about="Ollama on this machine",
        source="https://docs.ollama.com/api/openai-compatibility",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="vllm",
        dialect="openai-chat",
        base_url="http://127.0.0.1:8000/v1",
        about="vLLM on this machine",
        source="https://docs.vllm.ai/en/latest/serving/openai_compatible_server",
        date=_LOOKED,
    ),
    CatalogEntry(
        id="github",
        dialect="openai-chat",
        api_key_env="GITHUB_TOKEN",
        origins=("https://models.github.ai",),
        about="GitHub Models, retired on 2026-07-30; for gateways that speak like it",
        profile="github-free-low",
        headers={"accept": "application/vnd.github+json", "x-github-api-version": "2022-11-28"},
        gone="GitHub Models was retired on 2026-07-30 and answers nobody. Its models are at azure-inference or azure "
        "(Microsoft Foundry), openai, mistral, deepseek and openrouter; ollama runs on this machine. A gateway of your "
        "own that speaks like it: providers: {github: {base_url: https://…}}",
        source="https://github.blog/changelog/2026-07-30-github-models-is-now-retired",
        date=_LOOKED,
    ),
)

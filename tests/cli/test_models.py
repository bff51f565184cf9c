from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from evalrun.catalog import PROVIDERS
from tests.cli.background import Background, background
from tests.cli.harness import call
from tests.providers.rawserver import RawServer, Say, raw_server, reply

KEY = "sk-canary-0123456789abcdef"


@pytest.fixture
def servers() -> Iterator[Background]:
    """Servers in a thread."""
    with background() as found:
        yield found


def lists(servers: Background, *bodies: Any, status: int = 200) -> RawServer:
    """A server that answers with these bodies in turn."""
    return servers.open(raw_server(*(Say(reply(json.dumps(body).encode(), status)) for body in bodies)))


def heads(server: RawServer) -> list[str]:
    """The first lines that a server received."""
    return [request.split(b"\r\n")[0].decode() for request in server.requests]


def test_every_provider_is_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The list has each provider's id, key variable and whether it is set, dialect and profile, in 80 columns."""
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    said = call(capsys, "models")

    assert said.code == 0
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert all(f"{name}: " in said.out for name in PROVIDERS)
    assert "GROQ_API_KEY (set)" in said.out
    assert "OPENAI_API_KEY (not set)" in said.out
    assert "openai-chat, profile groq" in said.out
    assert KEY not in said.out


def test_the_list_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """With --json the same is one object."""
    found = {one["id"]: one for one in json.loads(call(capsys, "models", "--json").out)["providers"]}

    assert found.keys() == PROVIDERS.keys()
    assert found["azure"]["endpoint_env"] == "AZURE_OPENAI_ENDPOINT"
    assert "2026-07-30" in found["github"]["retired"]
    assert found["ollama"]["api_key_env"] is None


@pytest.mark.parametrize(
    ("provider", "body", "names"),
    [
        ("openai", {"object": "list", "data": [{"id": "gpt-4o"}, {"id": "gpt-4o"}, {"id": 5}, None]}, ["gpt-4o"]),
        ("ollama", {"models": [{"name": "llama3.2:1b"}]}, ["llama3.2:1b"]),
        ("vllm", {"data": []}, []),
        ("github", [{"id": "openai/gpt-4o", "name": "OpenAI GPT-4o"}], ["openai/gpt-4o"]),
        ("gemini", {"data": [{"id": "models/gemini-2.5-flash"}]}, ["gemini-2.5-flash"]),
    ],
)
def test_a_providers_models(
    provider: str,
    body: Any,
    names: list[str],
    servers: Background,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A provider's list is asked for with its key, and printed as a suite names models."""
    server = lists(servers, body)
    words = ["models", provider, "--base-url", server.url]
    variable = PROVIDERS[provider].api_key_env
    if variable:
        monkeypatch.setenv(variable, KEY)
        words += ["--allow-origin", f"{variable}={server.url.removesuffix('/v1')}"]
    said = call(capsys, *words)

    assert said.code == 0, said.err
    assert said.out.splitlines() == [f"{provider}/{name}" for name in names]
    assert heads(server) == [f"GET /v1{'/catalog' * (provider == 'github')}/models HTTP/1.1"]
    assert (KEY.encode() in server.requests[0]) == bool(variable)
    assert json.loads(call(capsys, *words, "--json").out) == {"provider": provider, "models": names}


@pytest.mark.parametrize("place", ["/inference", "/orgs/acme/inference", ""])
def test_a_gateways_catalog(
    place: str, servers: Background, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """GitHub's catalog is looked for beside the place where its models are asked, with its headers."""
    missing = Say(reply({"error": {"message": "no"}}, 404))
    server = servers.open(raw_server(missing, Say(reply(json.dumps([{"id": "openai/gpt-4o"}]).encode()))))
    monkeypatch.setenv("GITHUB_TOKEN", KEY)
    origin = server.url.removesuffix("/v1")
    said = call(capsys, "models", "github", "--base-url", origin + place, "--allow-origin", f"GITHUB_TOKEN={origin}")

    assert said.out == "github/openai/gpt-4o\n"
    assert heads(server) == ["GET /catalog/models HTTP/1.1", "GET /models HTTP/1.1"]
    assert b"accept: application/vnd.github+json" in server.requests[0].lower()
    assert b"x-github-api-version: 2022-11-28" in server.requests[0].lower()


def test_lists_in_pages(
    servers: Background, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Anthropic's list is asked for page by page, with its own headers."""
    first = {"data": [{"id": "claude-a", "type": "model"}], "has_more": True, "first_id": "x", "last_id": "claude-a"}
    server = lists(servers, first, {"data": [{"id": "claude-b"}], "has_more": False, "last_id": "claude-b"})
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    origin = server.url.removesuffix("/v1")
    allow = ["--allow-origin", f"ANTHROPIC_API_KEY={origin}"]
    said = call(capsys, "models", "anthropic", "--base-url", server.url, *allow)

    assert said.out == "anthropic/claude-a\nanthropic/claude-b\n"
    assert heads(server) == [
        "GET /v1/models?limit=1000 HTTP/1.1",
        "GET /v1/models?limit=1000&after_id=claude-a HTTP/1.1",
    ]
    assert f"x-api-key: {KEY}".encode() in server.requests[0].lower()
    assert b"anthropic-version: 2023-06-01" in server.requests[0].lower()


@pytest.mark.parametrize(
    ("provider", "tail", "path"),
    [
        ("azure", "", "/openai/models?api-version=2024-10-21"),
        ("azure", "/openai/v1", "/openai/v1/models"),
        ("azure-inference", "/models", "/models/info?api-version=2024-05-01-preview"),
    ],
)
def test_azures_lists(
    provider: str,
    tail: str,
    path: str,
    servers: Background,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Azure's lists are where the environment's address leads, and asked for with its key."""
    server = lists(servers, {"data": [{"id": "gpt-4o"}]})
    address = server.url.removesuffix("/v1") + tail
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", address)
    monkeypatch.setenv("AZURE_INFERENCE_ENDPOINT", address)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    monkeypatch.setenv("AZURE_INFERENCE_CREDENTIAL", KEY)
    said = call(capsys, "models", provider)

    assert said.out == f"{provider}/gpt-4o\n", said.err
    assert heads(server) == [f"GET {path} HTTP/1.1"]
    assert f"api-key: {KEY}".encode() in server.requests[0].lower()


FAULTS = {
    "a refused key": (reply({"error": {"message": "no such key"}}, 401), "HTTP 401"),
    "no list": (reply({"hello": "world"}), "no list of models"),
    "no JSON": (reply(b"<html>"), "cannot be read"),
    "a fault": (reply({"error": "out of memory"}, 500), "HTTP 500"),
    "gone": (reply({"error": {"message": "retired"}}, 410), "HTTP 410"),
    "hostile names": (reply({"data": 5}), "no list of models"),
}


@pytest.mark.parametrize(("answer", "words"), FAULTS.values(), ids=FAULTS)
def test_a_list_that_does_not_come(
    answer: bytes, words: str, servers: Background, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list that does not come is one line on standard error, and exit code 3."""
    server = servers.open(raw_server(Say(answer)))
    said = call(capsys, "models", "ollama", "--base-url", server.url)

    assert said.code == 3
    assert words in said.err
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


def test_names_are_made_safe(servers: Background, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that a server made up cannot write to the terminal."""
    server = lists(servers, {"data": [{"id": "a\x1b[31m\nb"}]})
    said = call(capsys, "models", "ollama", "--base-url", server.url)

    assert "\x1b" not in said.out
    assert len(said.out.splitlines()) == 1


REFUSED = {
    # words after `evalrun models`, what is said
    "nobody": (["opnai"], "did you mean openai?"),
    "recorded answers": (["recorded"], "no list of models"),
    "no key": (["openai"], "OPENAI_API_KEY is not set"),
    "a retired service": (["github"], "retired on 2026-07-30"),
    "no address": (["azure"], "AZURE_OPENAI_ENDPOINT"),
    "a key for elsewhere": (["groq", "--base-url", "https://elsewhere.example/v1"], "--allow-origin GROQ_API_KEY="),
    "no URL": (["groq", "--base-url", "elsewhere"], "https://"),
}


@pytest.mark.parametrize(("words", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_asked(
    words: list[str], says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be asked is said before anything is sent: exit code 2."""
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    said = call(capsys, "models", *words)

    assert said.code == 2
    assert says in said.err


def test_the_simulators_models_need_no_server(capsys: pytest.CaptureFixture[str]) -> None:
    """The simulator's models are known without asking."""
    assert call(capsys, "models", "simulator").out.splitlines()[0] == "simulator/large"

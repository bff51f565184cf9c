"""Endpoints as a user sets them: in the environment, in a suite, at a gateway of their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.background import Background, background
from tests.cli.harness import Said, call, newest_run
from tests.providers.rawserver import RawServer, Say, chat, raw_server, reply
from tests.providers.test_routes import AUTHORITY, certified

KEY = "sk-canary-0123456789abcdef"
PARIS = reply(chat("Paris"))
Run = Callable[..., Said]


@pytest.fixture
def servers() -> Iterator[Background]:
    """Servers in a thread."""
    with background() as found:
        yield found


def write_suite(folder: Path, model: str, providers: str = "") -> Path:
    """A suite of one question to *model*."""
    suite = folder / "suite.yaml"
    suite.write_text(
        (f"providers: {{{providers}}}\n" if providers else "") + f"models: [{model}]\n"
        "prompts: {p: 'Capital of France?'}\ncases: [{expected: Paris}]\nscorers: [icontains]\n"
    )
    return suite


def heads(server: RawServer) -> list[str]:
    """The heads of the requests received, in small letters."""
    return [request.split(b"\r\n\r\n")[0].decode().lower() for request in server.requests]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`evalrun` with its folders in the test's own."""
    monkeypatch.setenv("EVALRUN_STATE", str(tmp_path / "state"))

    def go(*words: object) -> Said:
        return call(capsys, *words, "--results", tmp_path / "results")

    return go


def test_an_address_of_the_environment(
    tmp_path: Path, servers: Background, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """Who has Azure's address and key in the environment needs to say neither in the suite, nor allow them."""
    server = servers.open(raw_server(Say(PARIS)))
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"{server.url}/")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    said = run(write_suite(tmp_path, "azure/mine", "azure: {dialect: openai-chat, auth: api-key}"))

    assert said.code == 0, said.err
    assert heads(server)[0].startswith("post /v1/chat/completions ")
    assert f"\napi-key: {KEY}" in heads(server)[0].replace("\r", "")
    assert "authorization" not in heads(server)[0]


AZURES = {
    # provider, what follows the origin in the environment's address, settings, the path that is asked
    "a deployment": ("azure", "", "", "/openai/deployments/mine/chat/completions?api-version=2024-10-21"),
    "another version": (
        "azure", "/", "api_version: 2025-04-01-preview",
        "/openai/deployments/mine/chat/completions?api-version=2025-04-01-preview",
    ),
    "the v1 form": ("azure", "/openai/v1/", "", "/openai/v1/chat/completions"),
    "inference": ("azure-inference", "", "", "/models/chat/completions?api-version="),
    "inference, as it is often written": ("azure-inference", "/models", "", "/models/chat/completions?api-version="),
}  # fmt: skip


@pytest.mark.parametrize(("provider", "tail", "settings", "path"), AZURES.values(), ids=AZURES)
def test_azures_addresses(
    provider: str,
    tail: str,
    settings: str,
    path: str,
    tmp_path: Path,
    servers: Background,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    """Azure is asked where it is, whichever of its usual forms the environment's address has."""
    server = servers.open(raw_server(Say(PARIS)))
    inference = provider == "azure-inference"
    origin = server.url.removesuffix("/v1")
    monkeypatch.setenv("AZURE_INFERENCE_ENDPOINT" if inference else "AZURE_OPENAI_ENDPOINT", origin + tail)
    monkeypatch.setenv("AZURE_INFERENCE_CREDENTIAL" if inference else "AZURE_OPENAI_API_KEY", KEY)
    suite = write_suite(tmp_path, f"{provider}/mine", f"{provider}: {{{settings}}}" if settings else "")
    said = run(suite)

    assert said.code == 0, said.err
    assert heads(server)[0].startswith(f"post {path}")
    assert f"\napi-key: {KEY}" in heads(server)[0].replace("\r", "")


def test_a_suites_address_goes_first_and_is_not_trusted(
    tmp_path: Path, servers: Background, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """A suite that names another address than the environment does not get the key."""
    server = servers.open(raw_server(Say(PARIS)))
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com")
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    suite = write_suite(tmp_path, "azure/mine", f"azure: {{dialect: openai-chat, base_url: '{server.url}'}}")
    said = run(suite)

    assert said.code == 2
    assert "--allow-origin AZURE_OPENAI_API_KEY=http://127.0.0.1" in said.err
    assert server.requests == []


@pytest.mark.parametrize(
    ("address", "words"),
    [("mine.openai.azure.com", "https://"), ("http://mine.openai.azure.com", "over https only"), (" ", "set AZURE_")],
)
def test_an_address_that_is_none(
    address: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """An address in the environment that a key cannot go to is a complaint, and nothing is sent."""
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", address)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    said = run(write_suite(tmp_path, "azure/mine"))

    assert said.code == 2
    assert words in said.err
    assert "nothing was sent" in said.err


def test_a_retired_service_says_so_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A suite for GitHub Models ends with 2, the date and the replacements, whether a key is set or not."""
    monkeypatch.setenv("GITHUB_TOKEN", KEY)
    said = run(write_suite(tmp_path, "github/openai/gpt-4o-mini"))

    assert said.code == 2
    for words in ("suite.yaml:1:", "2026-07-30", "azure-inference", "openrouter", "ollama", "base_url"):
        assert words in said.err
    assert "nothing was sent" in said.err


@pytest.mark.parametrize(
    ("path", "model"),
    [("/inference", "openai/gpt-4o"), ("/orgs/acme/inference", "openai/gpt-4o"), ("", "gpt-4o")],
)
def test_a_gateway_that_speaks_like_it(path: str, model: str, tmp_path: Path, servers: Background, run: Run) -> None:
    """With a base_url of one's own it is asked as GitHub Models was, in its old and new places, with its headers."""
    server = servers.open(raw_server(Say(PARIS)))
    base = server.url.removesuffix("/v1") + path
    own = f"github: {{base_url: '{base}', api_key_env: null, headers: {{X-GitHub-Api-Version: '2026-03-10'}}}}"
    said = run(write_suite(tmp_path, f"github/{model}", own))

    assert said.code == 0, said.err
    assert heads(server)[0].startswith(f"post {path}/chat/completions ")
    assert "accept: application/vnd.github+json" in heads(server)[0]
    assert "x-github-api-version: 2026-03-10" in heads(server)[0]
    assert server.bodies[0]["model"] == model


def test_a_service_that_is_gone_is_asked_once(tmp_path: Path, servers: Background, run: Run) -> None:
    """A 410 stops its provider at the first reply; the other cells are not asked."""
    brownout = {"error": {"code": "github_models_retirement_brownout", "message": "temporarily unavailable"}}
    server = servers.open(raw_server(Say(reply(brownout, 410))))
    suite = write_suite(tmp_path, "lab/m", f"lab: {{base_url: '{server.url}'}}")
    suite.write_text(suite.read_text().replace("[{expected: Paris}]", "[" + "{expected: Paris}, " * 30 + "]"))
    said = run(suite, "-j", "1")

    assert said.code == 3
    assert len(server.requests) == 1
    assert "HTTP 410" in said.out + said.err


def test_an_announced_end_is_told(tmp_path: Path, servers: Background, run: Run) -> None:
    """An answer with a sunset date counts; the date is said once and stands in the log."""
    answer = reply(chat("Paris"), 200, {"sunset": "Fri, 30 Jul 2027 00:00:00 GMT"})
    server = servers.open(raw_server(Say(answer)))
    suite = write_suite(tmp_path, "lab/m", f"lab: {{base_url: '{server.url}'}}")
    suite.write_text(suite.read_text().replace("[{expected: Paris}]", "[" + "{expected: Paris}, " * 5 + "]"))
    said = run(suite)

    assert said.code == 0, said.err
    assert said.err.count("announced its end for 2027-07-30") == 1
    assert (newest_run(tmp_path / "results") / "run.log").read_text().count("2027-07-30") == 1


@pytest.mark.parametrize("quiet", [(), ("--quiet",)])
def test_blind_trust_is_loud(quiet: tuple[str, ...], tmp_path: Path, servers: Background, run: Run) -> None:
    """`insecure: true` is warned of at each run, however quiet, and in its log; `evalrun plan` notes it."""
    server = servers.open(raw_server(Say(PARIS), tls=certified("signed_elsewhere")))
    suite = write_suite(tmp_path, "lab/m", f"lab: {{base_url: '{server.url}', insecure: true}}")
    said = run(suite, *quiet)
    again = run(suite, "--new", *quiet)

    for one in (said, again):
        assert one.code == 0, one.err
        assert one.err.count("WARNING: provider lab: insecure: true") == 1
    folder = newest_run(tmp_path / "results")
    assert "insecure: true" in (folder / "run.log").read_text()
    assert any("insecure: true" in note for note in json.loads((folder / "run.json").read_text())["notes"])
    assert "note: provider lab: insecure: true" in run("plan", suite, "--new").out


def test_an_authority_of_ones_own(tmp_path: Path, servers: Background, run: Run) -> None:
    """`ca_file` is found from the suite's folder, wherever the command is given, and for `resume` too."""
    server = servers.open(raw_server(Say(PARIS), tls=certified("signed_here")))
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates" / "ca.pem").write_bytes(Path(AUTHORITY).read_bytes())
    suite = write_suite(tmp_path, "lab/m", f"lab: {{base_url: '{server.url}', ca_file: certificates/ca.pem}}")
    suite.write_text(suite.read_text().replace("[{expected: Paris}]", "[{expected: Paris}, {expected: Paris, id: b}]"))
    first = run(suite, "--max-requests", 1)
    second = run("resume", "--max-requests", 9)

    assert first.code == 75, first.err
    assert second.code == 0, second.err
    assert len(server.requests) == 2


def test_a_model_that_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A model's name that is not known is allowed, and noted with the nearest one."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    said = run("plan", write_suite(tmp_path, "openai/gpt-4o-mni"))
    as_json = run("plan", write_suite(tmp_path, "openai/gpt-4o-mni"), "--json")

    assert said.code == 0
    assert "did you mean gpt-4o-mini?" in said.out.replace("\n", " ")
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert any("gpt-4o-mini?" in note for note in json.loads(as_json.out)["notes"])


def test_a_vendors_own_spelling(tmp_path: Path, servers: Background, run: Run) -> None:
    """Mistral is told its seed by the name that it knows, and nothing of a stream's options, which it refuses."""
    server = servers.open(raw_server(Say(PARIS)))
    suite = write_suite(tmp_path, "mistral/mistral-small", f"mistral: {{base_url: '{server.url}', api_key_env: null}}")
    said = run(suite, "--set", "seed=7", "--set", "stream=true")

    assert said.code == 0, said.err
    assert server.bodies[0]["random_seed"] == 7
    assert server.bodies[0]["stream"] is True
    assert not {"seed", "stream_options"} & server.bodies[0].keys()

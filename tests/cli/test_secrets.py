"""No secret is written anywhere: keys in the environment, in headers, in addresses, and the passwords of proxies."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.background import Background, background
from tests.cli.harness import call
from tests.providers.proxyserver import proxy_server
from tests.providers.rawserver import Say, chat, raw_server, reply
from tests.providers.test_routes import certified

KEY = "sk-canary-7f3e9a1c5b2d4e6f8a0b/+"
PASSWORD = "canary-proxy-pass/word+1"
LOGIN = f"me:{quote(PASSWORD, safe='')}"
BASIC = "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode()
ECHO = f"Bearer {KEY} via {BASIC} for me:{PASSWORD}"


@pytest.fixture
def servers() -> Iterator[Background]:
    """Servers in a thread."""
    with background() as found:
        yield found


def forms(secret: str) -> set[str]:
    """A secret as texts spell it."""
    return {
        secret, quote(secret, safe=""), quote(secret), base64.b64encode(secret.encode()).decode(),
        json.dumps(secret)[1:-1], secret.replace("/", "\\/"), secret.encode().hex(),
    }  # fmt: skip


def found_in(folder: Path, said: str) -> list[str]:
    """Where the secrets are: files below *folder*, or what was printed."""
    wanted = forms(KEY) | forms(PASSWORD) | {BASIC.removeprefix("Basic ")}
    texts = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    texts["printed"] = said.encode()
    return [f"{place}: {form}" for place, data in texts.items() for form in wanted if form.encode() in data]


def write_suite(folder: Path, url: str, more: str = "") -> Path:
    """A suite for an endpoint with a key."""
    suite = folder / "suite.yaml"
    suite.write_text(
        f"providers: {{lab: {{base_url: '{url}', api_key_env: LAB_KEY{more}}}}}\nmodels: [lab/m]\n"
        "prompts: {p: 'Capital of France?'}\ncases: [{expected: Paris}]\nscorers: [icontains]\n"
    )
    return suite


ANSWERS = {
    "an answer that echoes": reply(chat(ECHO)),
    "a refused key": reply({"error": {"message": f"Incorrect API key provided: {ECHO}"}}, 401),
    "a bad request": reply({"error": {"message": ECHO, "code": ECHO, "type": ECHO}}, 400),
    "a fault": reply(f"<html>{ECHO}</html>".encode(), 500),
    "a redirect": reply(b"", 302, {"location": f"https://me:{PASSWORD}@x.example/{KEY}"}),
    "garbage": reply(f"{{{ECHO}".encode()),
    "headers": reply(chat("Paris"), 200, {"x-echo": ECHO, "x-ratelimit-limit-requests": KEY, "sunset": KEY}),
    "gone": reply({"error": {"message": ECHO}}, 410, {"sunset": ECHO}),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_whatever_a_server_echoes(
    answer: bytes,
    tmp_path: Path,
    servers: Background,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Neither the key nor the proxy's password is in any byte of the results, the ledger, or what is printed."""
    server = servers.open(raw_server(Say(answer, end="close")))
    proxy = servers.open(proxy_server(wants=BASIC))
    monkeypatch.setenv("LAB_KEY", KEY)
    monkeypatch.setenv("HTTP_PROXY", f"http://{LOGIN}@{proxy.place}")
    monkeypatch.setenv("EVALRUN_STATE", str(tmp_path / "state"))
    suite = write_suite(tmp_path, server.url, ", quota: {rpm: 60}")
    said = call(capsys, suite, "--results", tmp_path / "results", "--max-requests", 1, "-v")

    assert server.requests
    assert KEY.encode() in server.requests[0]
    assert BASIC in proxy.heads[0]
    assert found_in(tmp_path, said.out + said.err) == []
    assert list((tmp_path / "results").rglob("run.log"))


FAULTS = {
    # what is wrong, the exit code
    "the proxy is down": 75,
    "the proxy refuses": 75,
    "the proxy wants another login": 3,
    "the certificate is nobody's": 3,
    "the proxy is of another kind": 2,
    "the proxy cannot be read": 2,
    "a password in the address": 2,
    "a key in the suite": 2,
    "a key for elsewhere": 2,
}


@pytest.mark.parametrize(("fault", "code"), FAULTS.items(), ids=FAULTS)
def test_whatever_goes_wrong_on_the_way(
    fault: str,
    code: int,
    tmp_path: Path,
    servers: Background,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A run that does not even reach the server tells nothing of what it carried."""
    tls = certified("self_signed")
    url = servers.open(raw_server(Say(reply(chat())), tls=tls)).url
    refusal = {"the proxy refuses": {"refuse": 403}, "the proxy wants another login": {"wants": "Basic eDp5"}}
    place = servers.open(proxy_server(**refusal.get(fault, {}))).place  # type: ignore[arg-type]
    proxy = {
        "the proxy is down": f"http://{LOGIN}@127.0.0.1:1",
        "the proxy is of another kind": f"socks5://{LOGIN}@{place}",
        "the proxy cannot be read": f"http://{LOGIN}@{place}x",
    }.get(fault, f"http://{LOGIN}@{place}")
    written = tmp_path / "written"
    written.mkdir()
    suite = write_suite(tmp_path, url)
    if fault == "a password in the address":
        suite = write_suite(tmp_path, f"https://me:{PASSWORD}@127.0.0.1:1/v1")
    elif fault == "a key in the suite":
        suite = write_suite(tmp_path, url, f", headers: {{x-mine: '{KEY}'}}")
    elif fault == "a key for elsewhere":
        suite = write_suite(tmp_path, "https://elsewhere.example/v1")
    monkeypatch.setenv("LAB_KEY", KEY)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.setenv("EVALRUN_STATE", str(written / "state"))
    said = call(capsys, suite, "--results", written / "results", "--deadline", "0.3s", "-v")

    assert said.code == code, said.err
    assert found_in(written, said.out + said.err) == []


def test_a_list_of_models_tells_nothing(
    tmp_path: Path, servers: Background, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`evalrun models` keeps to the same rules when a server echoes what it was sent."""
    server = servers.open(raw_server(Say(reply({"error": {"message": ECHO}}, 401), end="close")))
    proxy = servers.open(proxy_server())
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("HTTP_PROXY", f"http://{LOGIN}@{proxy.place}")
    origin = server.url.removesuffix("/v1")
    said = call(capsys, "models", "openai", "--base-url", server.url, "--allow-origin", f"OPENAI_API_KEY={origin}")

    assert said.code == 3
    assert "401" in said.err
    assert KEY.encode() in server.requests[0]
    assert found_in(tmp_path, said.out + said.err) == []

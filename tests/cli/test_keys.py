from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cli.harness import newest_run, program

CANARY = "sk-canary-7f3e9a1c5b2d4e6f8a0b/+"


class Stub:
    """An endpoint that keeps the headers of every request and answers as it is told."""

    def __init__(self, status: int, body: str) -> None:
        seen = self.seen = []  # type: list[dict[str, str]]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                seen.append({name.lower(): value for name, value in self.headers.items()})
                payload = body.replace("KEY", self.headers.get("authorization", "")).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def stub(request: pytest.FixtureRequest) -> Iterator[Stub]:
    """A stub that answers with the parameters' status and body."""
    server = Stub(*getattr(request, "param", (200, json.dumps({"choices": [{"message": {"content": "Paris"}}]}))))
    yield server
    server.close()


def write_suite(folder: Path, url: str, variable: str, name: str = "lab") -> Path:
    """A suite that names a key variable for an address."""
    suite = folder / "suite.yaml"
    suite.write_text(
        f"providers: {{{name}: {{dialect: openai-chat, base_url: '{url}', api_key_env: {variable}}}}}\n"
        f"models: [{name}/gpt-4o-mini]\nprompts: {{p: 'Capital of France?'}}\n"
        "cases: [{expected: Paris}, {expected: Paris}]\nscorers: [icontains]\n"
    )
    return suite


@pytest.mark.parametrize("name", ["lab", "openai"])
@pytest.mark.slow
def test_a_vendors_key_does_not_leave_for_a_foreign_origin(tmp_path: Path, stub: Stub, name: str) -> None:
    """A suite alone cannot send OPENAI_API_KEY to another origin: exit 2, nothing sent, no Authorization seen."""
    said = program(write_suite(tmp_path, stub.url, "OPENAI_API_KEY", name), cwd=tmp_path, OPENAI_API_KEY=CANARY)

    assert said.code == 2
    assert "suite.yaml:1:" in said.err
    assert "--allow-origin OPENAI_API_KEY=http://127.0.0.1" in said.err
    assert stub.seen == []
    assert CANARY not in said.out + said.err


@pytest.mark.slow
def test_the_user_may_allow_it(tmp_path: Path, stub: Stub) -> None:
    """--allow-origin on the command line lets the key go there, and only there."""
    suite = write_suite(tmp_path, stub.url, "OPENAI_API_KEY")
    origin = stub.url.removesuffix("/v1")
    said = program(suite, "--allow-origin", f"OPENAI_API_KEY={origin}", cwd=tmp_path, OPENAI_API_KEY=CANARY)

    assert said.code == 0, said.err
    assert [headers["authorization"] for headers in stub.seen] == [f"Bearer {CANARY}"] * 2


def test_a_missing_key_is_said_before_anything_is_sent(tmp_path: Path, stub: Stub) -> None:
    """A key variable that is not set is one message that names it, exit 2, and no request."""
    said = program(write_suite(tmp_path, stub.url, "LAB_KEY"), cwd=tmp_path)

    assert said.code == 2
    assert "LAB_KEY" in said.err
    assert "Traceback" not in said.err
    assert stub.seen == []


@pytest.mark.slow
def test_an_env_file_holds_keys(tmp_path: Path, stub: Stub) -> None:
    """--env-file gives a key that the environment does not have; a .env in the folder is not read by itself."""
    (tmp_path / ".env").write_text(f"LAB_KEY='{CANARY}'\n")
    suite = write_suite(tmp_path, stub.url, "LAB_KEY")

    assert program(suite, cwd=tmp_path).code == 2
    assert program(suite, "--env-file", ".env", cwd=tmp_path).code == 0
    assert len(stub.seen) == 2


@pytest.mark.parametrize(
    "stub",
    [
        (401, '{"error": {"message": "Incorrect API key provided: KEY", "code": "invalid_api_key"}}'),
        (400, '{"error": {"message": "odd request KEY", "type": "invalid_request_error"}}'),
        (200, '{"choices": [{"message": {"content": "your key is KEY"}}]}'),
        pytest.param((200, "<html>KEY</html>"), marks=pytest.mark.slow),  # it is tried again several times
    ],
    indirect=True,
)
@pytest.mark.slow
def test_no_artefact_holds_a_key(tmp_path: Path, stub: Stub) -> None:
    """Whatever a server echoes, the key is in no byte written or printed, in any of its usual forms."""
    said = program(write_suite(tmp_path, stub.url, "LAB_KEY"), "-v", cwd=tmp_path, LAB_KEY=CANARY)
    forms = {
        CANARY, quote(CANARY, safe=""), base64.b64encode(CANARY.encode()).decode(), json.dumps(CANARY)[1:-1],
        CANARY.replace("/", "\\/"),
    }  # fmt: skip
    written = {path: path.read_bytes() for path in newest_run(tmp_path / "results").iterdir() if path.is_file()}

    assert stub.seen
    for form in forms:
        assert form not in said.out + said.err
        assert [path.name for path, data in written.items() if form.encode() in data] == []


@pytest.mark.parametrize(
    "stub", [(401, '{"error": {"message": "Incorrect API key provided", "code": "invalid_api_key"}}')], indirect=True
)
def test_a_wrong_key_stops_at_once(tmp_path: Path, stub: Stub) -> None:
    """A refused key ends the run as incomplete (3), after the requests in flight, with the variable named."""
    suite = write_suite(tmp_path, stub.url, "LAB_KEY")
    suite.write_text(suite.read_text().replace("{expected: Paris}]", ", ".join(["{expected: Paris}"] * 40) + "]"))
    said = program(suite, "-j", "2", cwd=tmp_path, LAB_KEY=CANARY)

    assert said.code == 3
    assert len(stub.seen) <= 3
    assert "LAB_KEY" in said.out
    assert "--retry-errors" in said.out

"""A server between a client and the simulator, which keeps every request to the byte and passes it on."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PASSED_ON = frozenset({"content-type", "accept", "anthropic-version", "extra-parameters"})


@dataclass(frozen=True)
class Sent:
    """One request as it arrived: path with query, headers by lower-case name, JSON body, and the reply's status."""

    path: str
    headers: dict[str, str]
    body: Any
    status: int


class Recorder:
    """Listens on a loopback port and asks *target* (an origin) in its turn."""

    def __init__(self, target: str) -> None:
        self.sent: list[Sent] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                passed = {name: value for name, value in headers.items() if name in PASSED_ON}
                request = urllib.request.Request(target + self.path, data=raw, headers=passed)
                try:
                    with urllib.request.urlopen(request, timeout=20) as reply:
                        status, content, kind = reply.status, reply.read(), reply.headers["content-type"]
                except urllib.error.HTTPError as error:
                    status, content, kind = error.code, error.read(), error.headers["content-type"]
                recorder.sent.append(Sent(self.path, headers, json.loads(raw), status))
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

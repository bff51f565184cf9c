"""An endpoint whose replies a test decides, request by request: in a thread of its own, with every body it received."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[dict[str, Any]], "dict[str, Any] | int"]


class Scripted:
    """Answers chat completions with what *reply* makes of a body: a message, a whole body, or a status to fail with."""

    def __init__(self, reply: Reply) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.bodies.append(body)
                outer.paths.append(self.path)
                said = reply(body)
                status = said if isinstance(said, int) else 200
                payload = json.dumps({"error": {"message": "made to order"}} if isinstance(said, int) else _whole(said))
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload.encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def text(content: str | None, **more: Any) -> dict[str, Any]:
    """An assistant's message."""
    return {"role": "assistant", "content": content, **more}


def calls(*asked: tuple[str, str]) -> dict[str, Any]:
    """An assistant's message that asks for tools: name and arguments of each."""
    functions = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(asked)
    ]
    return text(None, tool_calls=functions)


def _whole(said: dict[str, Any]) -> dict[str, Any]:
    if "role" not in said:
        return said
    reason = "tool_calls" if said.get("tool_calls") else "stop"
    usage = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
    return {"choices": [{"index": 0, "message": said, "finish_reason": reason}], "usage": usage, "model": "m"}

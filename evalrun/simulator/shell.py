"""HTTP around one engine: a route for each dialect, streams in their time, and faults that only sockets have."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web

from evalrun.clock import Clock
from evalrun.simulator.body import read
from evalrun.simulator.complaints import BadBody, error_body
from evalrun.simulator.dialects.azure import DEPLOYMENTS, INFERENCE, V1
from evalrun.simulator.dialects.chat import CHAT
from evalrun.simulator.dialects.completions import COMPLETIONS
from evalrun.simulator.dialects.embeddings import EMBEDDINGS
from evalrun.simulator.dialects.messages import MESSAGES
from evalrun.simulator.dialects.messages import translate as messages_as_chat
from evalrun.simulator.dialects.responses import RESPONSES
from evalrun.simulator.dialects.wire import Asked, Dialect, pauses, spoiled
from evalrun.simulator.engine import Engine, Reply, input_tokens
from evalrun.simulator.models import MODELS
from evalrun.simulator.rules import Style

BODY_CAP_BYTES = 32 << 20  # as Anthropic has it: pictures come in the body
GARBAGE = b"<!doctype html><title>Bad gateway</title><p>This is no reply to an API request.</p>\n"
ABOUT = "evalrun's simulator: rule-based models behind an OpenAI-compatible API. POST /v1/chat/completions with one of"
MADE_AT = "2026-01-01T00:00:00Z"

PATHS: Mapping[str, Dialect] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETIONS,
    "/v1/embeddings": EMBEDDINGS,
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
    **{f"/openai/deployments/{{deployment}}/{path}": dialect for path, dialect in DEPLOYMENTS.items()},
    **{f"/openai/v1/{path}": dialect for path, dialect in V1.items()},
    **{f"/models/{path}": dialect for path, dialect in INFERENCE.items()},
}
"""Where each dialect is spoken."""


class Shell:
    """The routes of one engine. *style* is how its rules tell limits; pieces of streams come by *clock*."""

    def __init__(self, engine: Engine, style: Style, clock: Clock) -> None:
        self._engine = engine
        self._style = style
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Everything that is answered."""
        return [
            *(web.post(path, partial(self._answer, dialect)) for path, dialect in PATHS.items()),
            web.post("/v1/messages/count_tokens", self._count),
            *(web.get(path, _models) for path in ("/v1/models", "/openai/v1/models")),
            *(web.get(path, _model) for path in ("/v1/models/{model:.+}", "/openai/v1/models/{model:.+}")),
            web.get("/models/info", _info),
            web.get("/", _about),
        ]

    async def _answer(self, dialect: Dialect, request: web.Request) -> web.StreamResponse:
        try:
            asked = await _asked(request)
        except web.HTTPRequestEntityTooLarge:
            body = error_body(f"The body is over {BODY_CAP_BYTES} bytes.", "invalid_request_error")
            return await self._whole(request, dialect, Reply(status=413, headers={}, body=body))
        try:
            translated = dialect.translate(asked)
        except BadBody as complaint:
            return await self._whole(request, dialect, self._engine.refuse(asked.body, complaint))
        core = self._engine.ask if dialect.core == "chat" else self._engine.embed
        async with core(translated, dialect.style(self._style)) as reply:
            streams = isinstance(translated, Mapping) and translated.get("stream") is True
            if streams and reply.status == 200 and reply.fault not in _FAULTS:
                return await self._stream(request, dialect, asked, reply)
            await self._clock.sleep(reply.left_s)
        if reply.status == 200:
            reply = _with_body(reply, dialect.reply(asked, reply))
        return await self._whole(request, dialect, reply)

    async def _whole(self, request: web.Request, dialect: Dialect, reply: Reply) -> web.StreamResponse:
        reply = self._named(dialect, self._engine.dated(reply))
        if reply.fault in _FAULTS:
            return await _FAULTS[reply.fault](request, reply)
        if reply.fault == "cut":
            return await _cut(request, reply)
        return web.Response(
            body=_encoded(reply.body), status=reply.status, headers=reply.headers, content_type="application/json"
        )

    def _named(self, dialect: Dialect, reply: Reply) -> Reply:
        """With the dialect's own header for the request's name, and its own words for what went wrong."""
        headers = dict(reply.headers)
        name = headers.pop("x-request-id", None)
        if name:
            headers[dialect.request_id] = name
        status, body = reply.status, reply.body or {}
        if status != 200:
            status, body = dialect.error(status, body)
            if dialect is MESSAGES:
                body = {**body, "request_id": name}
        return _with_body(Reply(status=status, headers=headers, body=None, fault=reply.fault), body)

    async def _stream(self, request: web.Request, dialect: Dialect, asked: Asked, reply: Reply) -> web.StreamResponse:
        events, torn = spoiled(dialect.events(asked, reply), reply.fault, dialect.broken())
        headers = self._named(dialect, self._engine.dated(reply)).headers
        response = web.StreamResponse(headers={**headers, "cache-control": "no-cache"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        for event, pause_s in zip(events, pauses(events, reply.left_s), strict=True):
            if pause_s:
                await self._clock.sleep(pause_s)
            await response.write(event.encoded())
        if torn is not None:
            await response.write(torn)
            if request.transport is not None:
                request.transport.close()
        return response

    async def _count(self, request: web.Request) -> web.StreamResponse:
        try:
            asked = await _asked(request)
            call = read(messages_as_chat(asked, counting=True))
        except web.HTTPRequestEntityTooLarge:
            complaint = BadBody("The body is too large.", status=413)
        except BadBody as found:
            complaint = found
        else:
            return web.json_response({"input_tokens": input_tokens(call)})
        body = error_body(str(complaint), "invalid_request_error")
        return await self._whole(request, MESSAGES, Reply(status=complaint.status, headers={}, body=body))


async def _asked(request: web.Request) -> Asked:
    raw = await request.read()
    try:
        body = json.loads(raw, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        body = None
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Asked(body=body, headers=headers, query=dict(request.query), place=dict(request.match_info))


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _with_body(reply: Reply, body: dict[str, Any]) -> Reply:
    return Reply(status=reply.status, headers=reply.headers, body=body, fault=reply.fault)


def _encoded(body: dict[str, Any] | None) -> bytes:
    return json.dumps(body, ensure_ascii=True, separators=(",", ":")).encode("ascii")


async def _reset(request: web.Request, _: Reply) -> web.StreamResponse:
    transport = request.transport
    if transport is not None:
        # A linger of 0 seconds makes the close a reset.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


async def _cut(request: web.Request, reply: Reply) -> web.StreamResponse:
    whole = _encoded(reply.body)
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_type = "application/json"
    response.content_length = len(whole)
    await response.prepare(request)
    await response.write(whole[: len(whole) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def _hang(_: web.Request, __: Reply) -> web.StreamResponse:
    await asyncio.Event().wait()  # ends when the client goes away or the server closes
    raise AssertionError


async def _garbage(_: web.Request, reply: Reply) -> web.StreamResponse:
    return web.Response(body=GARBAGE, headers=reply.headers, content_type="text/html")


async def _empty(_: web.Request, reply: Reply) -> web.StreamResponse:
    return web.Response(body=b"", headers=reply.headers, content_type="application/json")


_FAULTS: Mapping[str | None, Callable[[web.Request, Reply], Awaitable[web.StreamResponse]]] = {
    "reset": _reset,
    "hang": _hang,
    "garbage": _garbage,
    "empty": _empty,
}


async def _models(request: web.Request) -> web.Response:
    """The list of models, in the words of whoever asks."""
    if "anthropic-version" in request.headers:
        names = list(MODELS)
        listed = {"data": [_anthropic(name) for name in names], "has_more": False}
        return web.json_response({**listed, "first_id": names[0], "last_id": names[-1]})
    return web.json_response({"object": "list", "data": [_openai(name) for name in MODELS]})


async def _model(request: web.Request) -> web.Response:
    name = request.match_info["model"]
    anthropic = "anthropic-version" in request.headers
    if name in MODELS:
        return web.json_response(_anthropic(name) if anthropic else _openai(name))
    message = f"The model `{name}` does not exist or you do not have access to it."
    error = error_body(message, "invalid_request_error", None, "model_not_found")
    status, error = MESSAGES.error(404, error) if anthropic else (404, error)
    return web.json_response(error, status=status)


def _openai(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "evalrun"}


def _anthropic(name: str) -> dict[str, Any]:
    return {"type": "model", "id": name, "display_name": f"Simulated, {name}", "created_at": MADE_AT}


async def _info(_: web.Request) -> web.Response:
    """What Azure AI inference says of the model behind an endpoint."""
    return web.json_response(
        {"model_name": "large", "model_type": "chat-completion", "model_provider_name": "evalrun's simulator"}
    )


async def _about(_: web.Request) -> web.Response:
    return web.Response(text=f"{ABOUT} {', '.join(MODELS)}.\nAlso: {', '.join(PATHS)}.\n")

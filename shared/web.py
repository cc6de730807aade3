"""aiohttp plumbing of every service: problem documents, JSON bodies, operator routes, a listening server.

Errors are `application/problem+json` (RFC 9457).
"""

import asyncio
import contextlib
import http
import logging
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from shared import metrics
from shared.errors import Blame, InvalidRequest, ServiceError, TooLarge, http_status
from shared.health import Health

log = logging.getLogger(__name__)
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Factory = Callable[[], asyncio.Protocol]

PROBLEM_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
"""What a 429 or 503 asks the client to wait."""

PROBLEMS = metrics.counter(
    "shared_http_problems_total", "Requests answered with a problem document, by its code", ("code",)
)


def problem(error: ServiceError) -> web.Response:
    """The answer that tells `error`; its facts become members of the document."""
    detail = error.detail if error.blame is not Blame.OURS else "an error inside the service"
    headers = {"Retry-After": str(RETRY_AFTER_S)} if error.retryable else None
    return web.Response(
        body=problem_document(error.code, http_status(error), detail, error.facts),
        status=http_status(error),
        content_type=PROBLEM_TYPE,
        headers=headers,
    )


def problem_document(code: str, status: int, detail: str, facts: Mapping[str, object]) -> bytes:
    """A problem document, counted; `facts` become members of it."""
    PROBLEMS.labels(code).inc()
    document = {
        **facts,
        "type": f"urn:headstart:problem:{code}",
        "title": code.replace("_", " "),
        "status": status,
        "detail": detail,
    }
    return msgspec.json.encode(document)


def _http_problem(error: web.HTTPException) -> web.Response:
    """The document for an error that aiohttp itself raised: no route, wrong method, broken framing."""
    phrase = http.HTTPStatus(error.status).phrase
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    PROBLEMS.labels(code).inc()
    document = {
        "type": f"urn:headstart:problem:{code}",
        "title": phrase.lower(),
        "status": error.status,
        "detail": error.reason or phrase,
    }
    kept = {name: value for name, value in error.headers.items() if name in ("Allow", "Retry-After")}
    return web.Response(
        body=msgspec.json.encode(document), status=error.status, content_type=PROBLEM_TYPE, headers=kept
    )


@web.middleware
async def error_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raises into a problem document; cancellation passes."""
    try:
        return await handler(request)
    except web.HTTPException as exc:
        if exc.status < 400:
            raise
        answer = _http_problem(exc)
    except ServiceError as exc:
        if exc.blame is Blame.OURS:
            log.error("request_failed", extra={"code": exc.code, "path": request.path, "detail": exc.detail})
        answer = problem(exc)
    except Exception:
        if request.transport is None or request.transport.is_closing():
            raise  # the client went away; nobody is left to tell
        log.exception("request_failed", extra={"code": ServiceError.code, "path": request.path})
        answer = problem(ServiceError("unexpected"))
    if request.writer.output_size > 0 and request.transport:
        # The head is out, so a second one would be taken for body: cut the connection instead.
        request.transport.abort()
        raise ConnectionResetError("the answer failed half-way")
    return answer


def json_response(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """`data` (plain values, dataclasses, structs) as JSON."""
    body = msgspec.json.encode(data)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


async def json_body(request: web.Request, kind: type[T], limit_bytes: int) -> T:
    """The request's JSON body as a `kind`. Raises TooLarge above limit_bytes, InvalidRequest for the rest."""
    body = bytearray()
    told = request.content_length or 0
    while told <= limit_bytes and len(body) <= limit_bytes and (part := await request.content.readany()):
        body += part
    actual = max(told, len(body))
    if actual > limit_bytes:
        raise TooLarge(f"the body is over {limit_bytes} bytes", limit_bytes=limit_bytes, actual_bytes=actual)
    try:
        return msgspec.json.decode(bytes(body), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidRequest(f"the body is not the JSON that is asked for: {exc}") from exc


def add_operator_routes(app: web.Application, health: Health) -> None:
    """/healthz (the process lives), /readyz (send it traffic), /metrics."""

    async def healthz(_: web.Request) -> web.Response:
        return json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        is_ready, checks = health.readiness()
        return json_response({"ready": is_ready, "checks": checks}, status=200 if is_ready else 503)

    async def metrics_page(_: web.Request) -> web.Response:
        body, content_type = metrics.render()
        return web.Response(body=body, headers={"Content-Type": content_type})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics_page)


class RunningServer:
    """An application that listens. `url` has the port that the system chose for port 0."""

    def __init__(self, runner: web.AppRunner, sockets: asyncio.Server, url: str) -> None:
        self._runner = runner
        self._sockets = sockets
        self.url = url

    async def stop(self, grace_s: float = 5.0) -> None:
        """Take no more connections, wait up to grace_s for the requests in hand, then cut the rest."""
        server = self._runner.server
        self._sockets.close()
        if server is not None:
            await asyncio.sleep(0)
            server.pre_shutdown()
            await self._runner.shutdown()
            await server.shutdown(grace_s)
        await self._runner.cleanup()


def split_address(listen: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[v6]:port`. Raises InvalidRequest."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise InvalidRequest(f"{listen[:80]!r} is not host:port, with a port from 0 to 65535")
    return host.strip("[]") or "127.0.0.1", int(port)


@contextlib.contextmanager
def naming(listen: str) -> Iterator[None]:
    """What the system has against an address names that address."""
    try:
        yield
    except OSError as exc:
        why = os.strerror(exc.errno) if exc.errno and exc.errno > 0 else exc.strerror or str(exc)
        raise OSError(exc.errno, f"cannot listen on {listen[:80]}: {why}") from exc


async def serve(
    app: web.Application, listen: str, doorway: Callable[[web.Server], Factory] | None = None
) -> RunningServer:
    """Start `app` on `listen`; port 0 takes a free one. `doorway` makes the connections' protocols instead
    of the server itself. Raises OSError when the address is taken."""
    host, port = split_address(listen)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    server = runner.server
    assert server is not None
    factory = doorway(server) if doorway is not None else server
    try:
        with naming(listen):
            sockets = await asyncio.get_running_loop().create_server(factory, host, port, backlog=1024)
    except OSError:
        await runner.cleanup()
        raise
    shown = f"[{host}]" if ":" in host else host
    return RunningServer(runner, sockets, f"http://{shown}:{sockets.sockets[0].getsockname()[1]}")

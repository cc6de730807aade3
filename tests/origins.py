"""A scripted origin: a real HTTP server on a free port that answers as a test says and counts who asked.

Also `running_edge`, the standalone proxy in this process, and a `Client` that shows answers as plain values.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy

from edge.cache.ranges import Unsatisfiable, resolved, specs
from edge.cache.settings import CacheLimits, UpstreamLimits
from edge.delivery import Delivery, DeliveryListener, DeliverySettings
from edge.serving.guard import RequestLimits
from edge.standalone import to_the_letter
from shared.clock import Clock
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[1]
FRESH = {"Cache-Control": "max-age=60", "ETag": '"one"'}
PLAIN = to_the_letter(CacheLimits())
"""A lone cache's limits, unless a test has others."""


@dataclass
class Reply:
    """One answer. `gate` is awaited before the head, `body_gate` after the first half of the body."""

    body: bytes = b"body"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: FRESH)
    gate: asyncio.Event | None = None
    body_gate: asyncio.Event | None = None
    is_chunked: bool = False
    aborts_midway: bool = False
    """Close the connection after the first half."""


Script = Callable[[web.BaseRequest], Reply]


def ranged(body: bytes, tag: str = '"one"', **changes: Any) -> Script:
    """An origin that knows ranges of this body; `changes` to its reply to who asks for the whole."""

    def answer(request: web.BaseRequest) -> Reply:
        told = {**FRESH, "ETag": tag, "Content-Type": "video/mp4"}
        asked = specs(request.headers.get("Range"))
        if asked is None or request.headers.get("If-Range", tag) != tag:
            return replace(Reply(body, headers=told), **changes)
        parts = resolved(asked, len(body))
        if isinstance(parts, Unsatisfiable):
            return Reply(b"", 416, {"Content-Range": f"bytes */{len(body)}"})
        (part,) = parts
        told["Content-Range"] = part.content_range()
        return Reply(body[part.start : part.stop], 206, told)

    return answer


class ScriptedOrigin:
    """Answers each path with its reply, its list of replies (the last one repeats), or its function."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply | list[Reply] | Script] = {}
        self.seen: list[web.BaseRequest] = []
        self.url = ""
        self._runner: web.ServerRunner | None = None

    def n_seen(self, path: str = "") -> int:
        """How many requests came, of all or for one path."""
        return sum(1 for request in self.seen if path in ("", request.path_qs))

    @property
    def server(self) -> web.Server:
        """The running server."""
        assert self._runner is not None and self._runner.server is not None
        return self._runner.server

    async def start(self, port: int = 0) -> None:
        """Listen on a free port, or on the same one again."""
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Refuse connections from now on."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _reply(self, request: web.BaseRequest) -> Reply:
        scripted = self.replies.get(request.path_qs, self.replies.get("*", Reply(status=404, headers={})))
        if callable(scripted):
            return scripted(request)
        if isinstance(scripted, list):
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        return scripted

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append(request)
        await request.read()
        reply = self._reply(request)
        if reply.gate is not None:
            await reply.gate.wait()
        response = web.StreamResponse(status=reply.status, headers=reply.headers)
        if not reply.is_chunked and reply.status != 304:
            response.content_length = len(reply.body)
        await response.prepare(request)
        if request.method == "HEAD" or reply.status == 304:
            return response
        half = len(reply.body) // 2
        await response.write(reply.body[:half])
        if reply.body_gate is not None:
            await reply.body_gate.wait()
        if reply.aborts_midway:
            assert request.transport is not None
            request.transport.close()
            return response
        await response.write(reply.body[half:])
        await response.write_eof()
        return response


@dataclass(frozen=True)
class Answer:
    """What a client got."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def cache_status(self) -> str:
        """Our own member, without the name."""
        return self.headers.get("Cache-Status", "").rpartition("headstart-edge; ")[2]


class Client:
    """Asks one server; does not follow redirects, decompress, or keep cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding",),
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=30),
        )

    async def ask(self, path: str, method: str = "GET", data: bytes | None = None, **headers: str) -> Answer:
        """The whole answer; header names are written with `_` for `-`."""
        async with self.open(path, method, data, **headers) as response:
            return Answer(response.status, response.headers, await response.read())

    def open(
        self, path: str, method: str = "GET", data: bytes | None = None, **headers: str
    ) -> "aiohttp.client._RequestContextManager":
        """The answer with its body still to be read."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._session.request(method, self.url + path, headers=named, data=data, allow_redirects=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()


@dataclass
class RunningEdge:
    """The standalone proxy in this process, and a client of it."""

    delivery: Delivery
    client: Client
    listener: DeliveryListener

    async def ask(self, path: str, method: str = "GET", data: bytes | None = None, **headers: str) -> Answer:
        """The whole answer of the edge."""
        return await self.client.ask(path, method, data, **headers)


class EdgeProcess:
    """`python -m edge --origin …` as a process of its own, which can be killed and started again."""

    def __init__(
        self,
        origin_url: str,
        data_dir: Path,
        listen: str = "127.0.0.1:0",
        arguments: tuple[str, ...] = (),
        **environ: str,
    ) -> None:
        # Most live too short for a reserve of memory to pay.
        self._environ = {"HEADSTART_EDGE_CACHE_IS_RESERVED": "false", **environ}
        self._arguments = arguments
        self._origin_url = origin_url
        self._data_dir = data_dir
        self._listen = listen
        self._process: asyncio.subprocess.Process | None = None
        self.client: Client | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> Client:
        """Start, and wait until it says that it is ready."""
        told = self._data_dir / "edge-alone.url"
        told.unlink(missing_ok=True)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("HEADSTART_")}
        environ |= self._environ
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "edge", "--origin", self._origin_url, "--listen", self._listen),
            *self._arguments,
            env={**environ, "HEADSTART_DATA_DIR": str(self._data_dir), "PYTHONPATH": str(ROOT)},
            stderr=asyncio.subprocess.DEVNULL,
        )
        url = await eventually(lambda: told.exists() and told.read_text(), within_s=40)
        self.client = Client(url)
        return self.client

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit status."""
        if self.client is not None:
            await self.client.close()
            self.client = None
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if process.returncode is None:
            process.send_signal(number)
        return await process.wait()


@asynccontextmanager
async def running_edge(
    origin_url: str,
    folder: Path | None = None,
    *,
    limits: CacheLimits = PLAIN,
    upstream: UpstreamLimits | None = None,
    clock: Clock | None = None,
    requests: RequestLimits | None = None,
) -> AsyncIterator[RunningEdge]:
    """An edge in front of an origin, closed at the end."""
    settings = DeliverySettings(origin_url, folder, cache=limits, upstream=upstream or UpstreamLimits())
    delivery = Delivery(settings, clock)
    await delivery.open()
    listener = DeliveryListener(delivery, requests)
    client = Client(await listener.open("127.0.0.1:0"))
    try:
        yield RunningEdge(delivery, client, listener)
    finally:
        await client.close()
        await delivery.fills.close()
        await listener.close()
        await delivery.close()

"""A real edge over real sockets, an origin that echoes what it is asked, and what must hold for any bytes.

1. Every answer is well-formed, or the connection is closed. 2. No answer of ours is a 5xx, but those that
name the fault of a request. 3. What is answered is, in order, what `oracle` reads: no byte is taken for a
request by one and for a body by the other. 4. The origin sees nothing else. 5. Nothing is logged as an error,
no exception is left over. 6. Afterwards nothing is open, and a well-formed request is answered.
"""

import asyncio
import hashlib
import logging
from collections import Counter
from contextlib import AsyncExitStack, suppress
from itertools import pairwise
from typing import Any, Self

from aiohttp import web

from tests.fuzz import oracle
from tests.origins import Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually

QUIET_S = 0.02
"""A connection that says nothing for so long has said all."""
LONGEST_S = 5.0
OURS_ABOVE_499 = {b"501", b"504", b"505", b"508"}
"""Method, only-if-cached, version, loop: the request's own fault."""
HOT = b"/hot"
PLAIN = b"GET /hot HTTP/1.1\r\nHost: x\r\n\r\n"


class Broken(AssertionError):
    """An invariant does not hold for some bytes."""


def _echo(method: str, target: str, body: bytes) -> str:
    return hashlib.sha256(f"{method} {target} {body.hex()}".encode()).hexdigest()[:20]


def _echo_of(message: oracle.Message) -> str:
    target = message.first[1].decode("latin-1")
    if not target.startswith("/"):  # absolute form
        rest = target.partition("://")[2]
        place = min((rest.find(mark) for mark in "/?" if mark in rest), default=len(rest))
        target = rest[place:] if rest[place:].startswith("/") else "/" + rest[place:]
    return _echo(message.first[0].decode(), target, message.body)


class _Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


class Harness:
    """Feeds bytes to one edge. Everything happens in the running loop."""

    def __init__(self) -> None:
        self.origin = ScriptedOrigin()
        self._seen: Counter[str] = Counter()
        self._errors = _Errors()
        self._stack = AsyncExitStack()
        self.edge: RunningEdge
        self._n_tasks = 0

    async def __aenter__(self) -> Self:
        self.origin.replies["*"] = self._reply
        await self._stack.enter_async_context(self.origin)
        self.edge = await self._stack.enter_async_context(running_edge(self.origin.url))
        logging.getLogger().addHandler(self._errors)
        self._stack.callback(logging.getLogger().removeHandler, self._errors)
        asyncio.get_running_loop().set_exception_handler(self._left_over)
        for _ in range(3):
            await self.answers([PLAIN])
        await self.settled()
        self._n_tasks = self._n_own_tasks()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _left_over(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._errors.texts.append(f"left over: {context.get('message')} {context.get('exception')!r}")

    def _reply(self, request: web.BaseRequest) -> Reply:
        body = request._read_bytes or b""
        echo = _echo(request.method, request.raw_path, body)
        self._seen[echo] += 1
        self.origin.seen.clear()
        told = {"X-Echo": echo, "Cache-Control": "max-age=60" if request.method == "GET" else "no-store"}
        return Reply(echo.encode() * (1 + 4000 * request.raw_path.startswith("/big")), headers=told)

    async def answers(self, parts: list[bytes]) -> bytes:
        """All that comes back for these writes."""
        host, port = self.edge.client.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        got = []
        try:
            async with asyncio.timeout(LONGEST_S):
                for part in parts:
                    writer.write(part)
                    await asyncio.sleep(0)
                while chunk := await self._next(reader):
                    got.append(chunk)
        except (ConnectionError, TimeoutError):
            pass
        finally:
            writer.transport.abort()
        return b"".join(got)

    async def _next(self, reader: asyncio.StreamReader) -> bytes:
        while True:
            try:
                async with asyncio.timeout(QUIET_S):
                    return await reader.read(1 << 16)
            except TimeoutError:
                if not self._is_at_work():
                    return b""

    def _is_at_work(self) -> bool:
        doorway = self.edge.listener._doorway
        return self._n_fills() > 0 or (doorway is not None and doorway.n_running > 0)

    def _n_own_tasks(self) -> int:
        """Without the origin's, which has one for each connection that the edge keeps to it."""
        server = self.origin.server
        return len(asyncio.all_tasks() - {connection._task_handler for connection in server.connections})

    def _n_fills(self) -> int:
        return self.edge.delivery.fills.n_flights

    async def check(self, data: bytes, cuts: list[int]) -> None:
        """Raises Broken."""
        places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
        parts = [data[start:stop] for start, stop in pairwise(places)]
        self._judge(data, await self.answers(parts))

    def _judge(self, data: bytes, got: bytes) -> None:
        whole, begun = oracle.requests(data)
        read = [*whole, begun] if begun else whole
        try:
            answers = oracle.responses(got, [message.first[0] for message in read])
        except oracle.Malformed as exc:
            raise Broken(f"the answer is not HTTP: {exc}: {got[:300]!r}") from exc
        if len(answers) > len(read) + 1:
            raise Broken(f"{len(answers)} answers to {len(read)} requests")
        for place, answer in enumerate(answers):
            (status,), echoes = answer.first, answer.values(b"x-echo")
            if status >= b"500" and status not in OURS_ABOVE_499:
                raise Broken(f"answer {place} is {status!r}: {answer.body[:300]!r}")
            if not echoes:
                continue
            if place >= len(read):
                raise Broken(f"answer {place} is to what is no request: {answer.fields}")
            if echoes != [_echo_of(read[place]).encode()] and not self._is_stored_get(read[place], echoes[0]):
                raise Broken(f"answer {place} is to another request than {read[place].first}")

    def _is_stored_get(self, asked: oracle.Message, echo: bytes) -> bool:
        """Whether the answer to HEAD, or to a GET with a body, is that of the plain GET."""
        plain = oracle.Message((b"GET", asked.first[1]), (), b"")
        return asked.first[0] in (b"GET", b"HEAD") and echo == _echo_of(plain).encode()

    async def settled(self) -> None:
        """Everything is closed, nothing was complained about, and others are served. Raises Broken."""
        listener = self.edge.listener
        try:
            await eventually(
                lambda: listener.n_connections == 0 and not self._is_at_work(), within_s=LONGEST_S
            )
            await eventually(
                lambda: not self._n_tasks or self._n_own_tasks() <= self._n_tasks, within_s=LONGEST_S
            )
        except (TimeoutError, AssertionError) as exc:
            left = (listener.n_connections, self._n_fills(), self._n_own_tasks(), self._n_tasks)
            raise Broken(f"left over: connections, fills, tasks, tasks before: {left}") from exc
        if self._errors.texts:
            texts, self._errors.texts = self._errors.texts, []
            raise Broken("logged as an error: " + " | ".join(texts)[:2000])
        if self._n_tasks:
            await self._ask_plainly()

    async def _ask_plainly(self) -> None:
        host, port = self.edge.client.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(PLAIN)
            line = await asyncio.wait_for(reader.readline(), LONGEST_S)
        except (OSError, TimeoutError) as exc:
            raise Broken("a well-formed request is not answered any more") from exc
        finally:
            writer.transport.abort()
        if b" 200 " not in line:
            raise Broken(f"a well-formed request is answered by {line!r}")

    async def check_all(self, inputs: list[tuple[bytes, list[int]]]) -> None:
        """Check several at once; when something is wrong, again one by one. Raises Broken with the input."""
        try:
            async with asyncio.TaskGroup() as group:
                for data, cuts in inputs:
                    group.create_task(self.check(data, cuts))
            self._judge_origin(inputs)
            await self.settled()
        except* Broken as group_of:
            with suppress(Broken):
                await self.settled()
            for data, cuts in inputs:
                await self._alone(data, cuts)
            raise Broken(f"only together: {group_of.exceptions[0]}") from group_of
        self._seen.clear()

    def _judge_origin(self, inputs: list[tuple[bytes, list[int]]]) -> None:
        allowed: Counter[str] = Counter([_echo("GET", HOT.decode(), b"")])
        for data, _ in inputs:
            whole, begun = oracle.requests(data)
            for message in [*whole, begun] if begun else whole:
                allowed[_echo_of(message)] += 1
                if message.first[0] in (b"GET", b"HEAD"):
                    plain = oracle.Message((b"GET", message.first[1]), (), b"")
                    allowed[_echo_of(plain)] += 1
                    allowed[_echo_of(plain._replace(first=(b"HEAD", message.first[1])))] += 1
        smuggled = self._seen - allowed
        if smuggled:
            raise Broken(f"the origin saw {sum(smuggled.values())} requests that nobody made")

    async def _alone(self, data: bytes, cuts: list[int]) -> None:
        try:
            self._seen.clear()
            await self.check(data, cuts)
            self._judge_origin([(data, cuts)])
            await self.settled()
        except Broken as exc:
            raise Broken(f"{exc}\n  data = {data!r}\n  cuts = {cuts}") from exc

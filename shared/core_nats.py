"""Core NATS as the services use it: typed messages out and in, request and reply. Nothing here is stored.

What the handlers raise is caught in one place, logged and counted: no message ends a subscription.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Self, TypeVar

import nats.errors
from nats.aio.msg import Msg

from shared import metrics
from shared.codec import M, decode, encode
from shared.errors import DecodeError, ServiceError, Unavailable
from shared.link import Line, Link, translated
from shared.messages.message import Message
from shared.pull import ensure_stream
from shared.subjects import Stream

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_ANSWERS_AT_ONCE = 64
"""Requests that one responder works on together; further ones wait in its subscription."""
ANSWERS_GRACE_S = 1.0
_ERROR_HEADER = "Headstart-Error"

RECEIVED = metrics.counter(
    "shared_bus_received_total", "Messages received from NATS, by what became of them", ("kind", "outcome")
)
PUBLISHED = metrics.counter(
    "shared_bus_published_total", "Messages given to NATS, by result", ("kind", "result")
)


async def settle(order: Awaitable[None]) -> None:
    """Send an acknowledgement or an answer; one that cannot be sent is asked for again by the other side."""
    try:
        await order
    except (nats.errors.Error, OSError) as exc:
        log.debug("settle_failed", extra={"reason": str(exc)})


async def guarded(what: str, work: Awaitable[T]) -> T | ServiceError:
    """The result of a handler, or its error, logged once. The subscriber loops' only catch-all."""
    try:
        return await work
    except ServiceError as exc:
        log.warning("handler_failed", extra={"what": what, "code": exc.code, "detail": exc.detail})
        return exc
    except Exception:
        log.exception("handler_failed", extra={"what": what, "code": ServiceError.code})
        return ServiceError("unexpected")


def decoded(received: Msg, kind: type[M]) -> M | None:
    """The message, or None for bytes that are not one: counted, logged at debug."""
    try:
        return decode(received.data, kind)
    except DecodeError as exc:
        RECEIVED.labels(kind.KIND, "undecodable").inc()
        log.debug("undecodable", extra={"subject": received.subject, "detail": exc.detail})
        return None


class CoreNats:
    """A connection to NATS that is always being kept; what needs it while it is away raises Unavailable."""

    def __init__(self, url: str, name: str) -> None:
        self._link = Link(url, name, self._ensure_streams, self._tell_reconnected)
        self._streams: list[Stream] = []
        self._callbacks: list[Callable[[], Awaitable[None]]] = []
        self._answers: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, url: str, name: str, *, wait: bool = False) -> Self:
        """A bus that connects in the background, for ever. `wait` returns only when it is connected."""
        bus = cls(url, name)
        bus._task = asyncio.create_task(bus._link.run(), name="bus")
        if wait:
            await bus._link.wait_up()
        return bus

    @property
    def url(self) -> str:
        """Of the server."""
        return self._link.url

    @property
    def is_connected(self) -> bool:
        """Whether a publish would be sent now."""
        return self._link.line is not None

    def on_reconnect(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Call `callback` after every connection that is established from now on."""
        self._callbacks.append(callback)

    async def _tell_reconnected(self) -> None:
        for callback in self._callbacks:
            await guarded("on_reconnect", callback())

    async def publish(self, subject: str, message: Message) -> None:
        """Send to whoever listens now. Raises Unavailable, TooLarge."""
        line, data = self._link.now(), encode(message)
        try:
            await line.client.publish(subject, data)
        except (nats.errors.Error, OSError) as exc:
            PUBLISHED.labels(message.KIND, "failed").inc()
            raise translated(exc) from exc
        PUBLISHED.labels(message.KIND, "sent").inc()

    async def request(self, subject: str, message: Message, kind: type[M], timeout_s: float) -> M:
        """The answer of one responder. Raises Unavailable, DecodeError."""
        line = self._link.now()
        answer = await line.race(line.client.request(subject, encode(message), timeout=timeout_s), timeout_s)
        if code := (answer.headers or {}).get(_ERROR_HEADER):
            raise Unavailable(f"{subject} answered {code}", code=code)
        return decode(answer.data, kind)

    async def subscribe(self, subject: str, kind: type[M], handler: Callable[[M], Awaitable[None]]) -> None:
        """Handle each message in its order, now and after every reconnect."""

        async def receive(received: Msg) -> None:
            message = decoded(received, kind)
            if message is not None:
                result = await guarded(subject, handler(message))
                RECEIVED.labels(kind.KIND, "failed" if isinstance(result, ServiceError) else "handled").inc()

        await self._link.subscribe(subject, "", receive)

    async def respond(
        self, subject: str, kind: type[M], handler: Callable[[M], Awaitable[Message]], queue_group: str = ""
    ) -> None:
        """Answer requests, several at once. An error's code is told, so that the asker need not time out."""
        slots = asyncio.Semaphore(MAX_ANSWERS_AT_ONCE)

        async def answer(received: Msg) -> None:
            try:
                message = decoded(received, kind)
                result = await guarded(subject, handler(message)) if message else DecodeError("not decoded")
                await self._reply(received, result, kind)
            finally:
                slots.release()

        async def receive(received: Msg) -> None:
            await slots.acquire()
            task = asyncio.create_task(answer(received))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

        await self._link.subscribe(subject, queue_group, receive)

    async def _reply(self, received: Msg, result: Message | ServiceError, kind: type[Message]) -> None:
        is_error = isinstance(result, ServiceError)
        RECEIVED.labels(kind.KIND, "failed" if is_error else "handled").inc()
        if not received.reply or self._link.line is None:
            return
        headers = {_ERROR_HEADER: result.code} if isinstance(result, ServiceError) else None
        data = b"" if isinstance(result, ServiceError) else encode(result)
        await settle(self._link.line.client.publish(received.reply, data, headers=headers))

    async def ensure_streams(self, streams: Sequence[Stream]) -> None:
        """Create or update the streams: now when connected, and after every reconnect."""
        self._streams += [stream for stream in streams if stream not in self._streams]
        if self._link.line is not None:
            for stream in streams:
                await ensure_stream(self._link.line, stream)

    async def _ensure_streams(self, line: Line) -> None:
        for stream in self._streams:
            await guarded(f"stream {stream.name}", ensure_stream(line, stream))

    async def close(self) -> None:
        """Finish the answers in hand, drain the subscriptions, disconnect."""
        if self._answers:
            await asyncio.wait(self._answers, timeout=ANSWERS_GRACE_S)
        await self._link.close()
        for task in [*self._answers, *([self._task] if self._task else [])]:
            task.cancel()
            await asyncio.wait({task})

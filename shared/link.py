"""One NATS connection kept alive: a new client after every loss, with jitter, and its subscriptions restored.

nats-py's own reconnect is switched off. It waits a fixed time, buffers while it is away, leaves requests to
their timeouts, and gives up for ever on some errors of the server. Here a loss
fails what is in flight at once.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared import metrics
from shared.config import redacted_url
from shared.errors import ServiceError, TooLarge, Unavailable

log = logging.getLogger(__name__)
T = TypeVar("T")
Callback = Callable[[Msg], Awaitable[None]]

RETRY_MIN_S, RETRY_MAX_S = 0.1, 2.0
"""Bounds of the delay between two attempts to connect; it doubles, and is jittered."""
CONNECT_S = 2.0
PING_S, MAX_MISSED_PINGS = 5, 2
"""A peer that answers nothing for about fifteen seconds counts as lost."""
MAX_UNSENT_BYTES = 4 * 1024 * 1024
"""Above this a publish is refused: the server reads slower than we write."""
MAX_PENDING_MESSAGES = 10_000
MAX_PENDING_BYTES = 32 * 1024 * 1024
"""Received and not yet handled, for each subscription; what comes above is dropped and counted."""
DRAIN_S = 2.0
WATCH_S = 0.1
"""How often a connection is looked at, in case its loss was not told."""

CONNECTED = metrics.gauge("shared_bus_connected", "1 while this process is connected to NATS")
CONNECTS = metrics.counter("shared_bus_connects_total", "Connections to NATS established, the first included")
ERRORS = metrics.counter("shared_bus_errors_total", "Asynchronous errors told by the NATS client", ("error",))


@dataclass
class Line:
    """One client's life. `lost` is done as soon as the connection is."""

    client: Client
    lost: asyncio.Future[None]
    n_subscribed: int = 0
    """How many of the link's subscriptions are made on this connection."""

    def lose(self) -> None:
        """Fail what is in flight."""
        if not self.lost.done():
            self.lost.set_result(None)

    async def race(self, work: Awaitable[T], timeout_s: float) -> T:
        """The result of `work`; Unavailable when the connection is lost or the time over before."""
        task = asyncio.ensure_future(work)
        try:
            both: set[asyncio.Future[Any]] = {task, self.lost}
            await asyncio.wait(both, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if task.cancelled():
                raise Unavailable("NATS: the client gave up the request")
            if task.done():
                return task.result()
            raise Unavailable("the connection to NATS was lost" if self.lost.done() else "NATS timed out")
        except (nats.errors.Error, OSError) as exc:
            raise translated(exc) from exc
        finally:
            if not task.done():
                task.add_done_callback(_forget)
                task.cancel()


def _forget(task: asyncio.Future[T]) -> None:
    """Take the result of a task that nobody waits for, so that its failure is not reported as missed."""
    if not task.cancelled():
        task.exception()


def _bury(client: Any) -> None:
    """End what nats-py leaves behind when its own closing failed, which a reset connection makes it do."""
    for task in (client._flusher_task, client._reading_task, client._ping_interval_task):
        if task is not None:
            task.add_done_callback(_forget)
            task.cancel()
    for subscription in list(client._subs.values()):
        if subscription._wait_for_msgs_task is not None:
            subscription._wait_for_msgs_task.cancel()
    if client._transport is not None:
        client._transport.close()


def translated(error: Exception) -> ServiceError:
    """Our error for one of nats-py's."""
    if isinstance(error, nats.errors.MaxPayloadError):
        return TooLarge("the message is over the NATS server's max_payload")
    return Unavailable(f"NATS: {type(error).__name__} {error}".strip()[:200])


@dataclass
class _Interest:
    subject: str
    queue_group: str
    callback: Callback


@dataclass
class Link:
    """Connects for ever. `line` is the present connection, None while there is none."""

    url: str
    name: str
    on_up: Callable[[Line], Awaitable[None]]
    """Called on each new connection before its subscriptions are restored."""
    after_up: Callable[[], Awaitable[None]]
    """Called on each new connection when everything is restored; cancelled when it is lost."""
    line: Line | None = None
    tried: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first attempt to connect has ended, well or not."""
    _is_closing: bool = False
    _up: asyncio.Event = field(default_factory=asyncio.Event)
    _interests: list[_Interest] = field(default_factory=list)
    _rng: random.Random = field(default_factory=random.Random)

    async def run(self) -> None:
        """Keep a connection until cancelled or closed."""
        delay_s, failures = RETRY_MIN_S, 0
        while not self._is_closing:
            attempt = asyncio.create_task(self._establish())
            try:
                await asyncio.wait({attempt})
            finally:
                attempt.cancel()
            self.tried.set()
            if error := Unavailable("cancelled") if attempt.cancelled() else attempt.exception():
                if failures == 0:
                    told = {"url": redacted_url(self.url), "code": Unavailable.code, "reason": repr(error)}
                    log.warning("bus_unreachable", extra=told)
                failures += 1
                await asyncio.sleep(self.jittered(delay_s))
                delay_s = min(delay_s * 2, RETRY_MAX_S)
                continue
            delay_s, failures = RETRY_MIN_S, 0
            await self._stay_up(attempt.result())
            await asyncio.sleep(self.jittered(delay_s))

    def jittered(self, delay_s: float) -> float:
        """Between half of the delay and the delay, so that a fleet does not return in step."""
        return delay_s * self._rng.uniform(0.5, 1.0)

    async def _stay_up(self, line: Line) -> None:
        self.line = line
        CONNECTED.set(1)
        CONNECTS.inc()
        log.info("bus_connected", extra={"url": redacted_url(self.url)})
        telling = asyncio.create_task(self._tell(line))
        try:
            # nats-py skips its callback when closing fails, which happens with bytes still to be sent.
            while not line.lost.done() and not line.client.is_closed:
                await asyncio.wait({line.lost}, timeout=WATCH_S)
        finally:
            line.lose()
            _bury(line.client)
            telling.cancel()
            self.line = None
            self._up.clear()
            CONNECTED.set(0)
        if not self._is_closing:
            log.warning("bus_lost", extra={"url": redacted_url(self.url)})

    async def _tell(self, line: Line) -> None:
        await self._catch_up(line)
        self._up.set()
        await self.after_up()

    async def _establish(self) -> Line:
        client = Client()
        line = Line(client, asyncio.get_running_loop().create_future())

        async def closed() -> None:
            line.lose()

        try:
            await client.connect(
                [part.strip() for part in self.url.split(",")],
                name=self.name,
                error_cb=_count_error,
                closed_cb=closed,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=int(CONNECT_S),
                ping_interval=PING_S,
                max_outstanding_pings=MAX_MISSED_PINGS,
                drain_timeout=int(DRAIN_S),
                flush_timeout=CONNECT_S,
            )
            await self.on_up(line)
            await self._catch_up(line)
        except BaseException:
            await client.close()
            raise
        return line

    async def _catch_up(self, line: Line) -> None:
        """Make the subscriptions that this connection lacks, and see that the server has them.

        It may run twice at once.
        """
        while line.n_subscribed < len(self._interests):
            interest = self._interests[line.n_subscribed]
            line.n_subscribed += 1
            await line.client.subscribe(
                interest.subject,
                queue=interest.queue_group,
                cb=interest.callback,
                pending_msgs_limit=MAX_PENDING_MESSAGES,
                pending_bytes_limit=MAX_PENDING_BYTES,
            )
        await line.client.flush(int(CONNECT_S))

    async def subscribe(self, subject: str, queue_group: str, callback: Callback) -> None:
        """Call `callback` for each message, now and after every reconnect."""
        self._interests.append(_Interest(subject, queue_group, callback))
        if self.line is not None:
            try:
                await self.line.race(self._catch_up(self.line), CONNECT_S)
            except Unavailable:
                log.debug("subscription_later", extra={"subject": subject})

    async def wait_up(self) -> Line:
        """The present connection, as soon as there is one."""
        while self.line is None:
            await self._up.wait()
        return self.line

    def now(self) -> Line:
        """The present connection; raises Unavailable without one, or when it is choked."""
        line = self.line
        if line is None or line.lost.done() or line.client.is_closed:
            raise Unavailable("not connected to NATS")
        if line.client.pending_data_size > MAX_UNSENT_BYTES:
            raise Unavailable(f"more than {MAX_UNSENT_BYTES} bytes are waiting to be sent to NATS")
        return line

    async def close(self) -> None:
        """Let subscriptions finish what they have received, flush, disconnect; no further connection."""
        self._is_closing = True
        line = self.line  # whoever keeps the line up forgets it as soon as it is lost
        if line is not None and not line.lost.done():
            try:
                await line.race(line.client.drain(), DRAIN_S + 1)
            except Unavailable:
                await line.client.close()


async def _count_error(error: Exception) -> None:
    ERRORS.labels(type(error).__name__).inc()

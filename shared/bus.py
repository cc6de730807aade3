"""The bus: core NATS, and JetStream's durable streams behind handlers that outlive outages.

Delivery is at least once, so a handler is idempotent by the message's id.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from nats.aio.msg import Msg
from nats.js.errors import NoStreamResponseError

from shared.codec import M, encode
from shared.core_nats import PUBLISHED, RECEIVED, CoreNats, decoded, guarded, settle
from shared.errors import ServiceError, Unavailable
from shared.follow import Follower, pulled, read_on
from shared.messages.message import Message
from shared.pull import Consumer
from shared.subjects import Stream

log = logging.getLogger(__name__)

MAX_RETRY_S = 30
"""A retried message comes again after 1, 2, 4, … seconds, at most this."""
MAX_CRASHES = 5
"""A message whose handler fails with a bug is given up after so many deliveries."""
REPLAY_BATCH = 512
REOPEN_S = 0.2
"""Between two attempts to open a consumer, jittered."""


class Outcome(StrEnum):
    """What becomes of a durable message after its handler."""

    ACK = "ack"
    RETRY = "retry"
    """Delivered again after 1 to 30 s, longer each time."""
    TERM = "term"
    """Never delivered again."""


@dataclass(frozen=True)
class Delivery:
    """Where a durable message came from, and how often."""

    subject: str
    seq: int
    """In the stream."""
    n_delivered: int
    """1 for the first time."""
    message: Msg

    async def in_progress(self) -> None:
        """Start the acknowledgement's deadline anew; call it while a handler takes long."""
        await settle(self.message.in_progress())

    async def settle(self, outcome: Outcome) -> None:
        """Tell JetStream."""
        if outcome is Outcome.ACK:
            await settle(self.message.ack())
        elif outcome is Outcome.TERM:
            await settle(self.message.term())
        else:
            await settle(self.message.nak(min(2 ** min(self.n_delivered - 1, 10), MAX_RETRY_S)))


BatchHandler = Callable[[list[tuple[M, Delivery]]], Awaitable[Outcome]]
Work = Callable[[deque[Msg]], Awaitable[None]]


def judge(result: Outcome | ServiceError, n_delivered: int) -> Outcome:
    """The outcome of a handler that returned or raised `result`."""
    if isinstance(result, Outcome):
        return result
    is_bug = type(result) is ServiceError
    return Outcome.RETRY if result.retryable or (is_bug and n_delivered < MAX_CRASHES) else Outcome.TERM


@asynccontextmanager
async def _extended(waiting: deque[Msg], every_s: float) -> AsyncIterator[None]:
    """Keep what waits for its turn from being delivered elsewhere; give it back when we are cancelled."""

    async def extend() -> None:
        while True:
            await asyncio.sleep(every_s)
            for received in list(waiting):
                await settle(received.in_progress())

    task = asyncio.create_task(extend())
    try:
        yield
    finally:
        task.cancel()
        for received in waiting:
            await settle(received.nak())


async def _handle(received: list[Msg], kind: type[M], handler: BatchHandler[M]) -> None:
    """Decode, hand over, settle. Cancelled half-way, the messages go back at once."""
    pairs = []
    for raw in received:
        message, facts = decoded(raw, kind), raw.metadata
        delivery = Delivery(raw.subject, facts.sequence.stream, facts.num_delivered, raw)
        if message is None:
            await delivery.settle(Outcome.TERM)
        else:
            pairs.append((message, delivery))
    if not pairs:
        return
    try:
        result = await guarded(kind.KIND, handler(pairs))
    except asyncio.CancelledError:
        for _, delivery in pairs:
            await settle(delivery.message.nak())
        raise
    for _, delivery in pairs:
        outcome = judge(result, delivery.n_delivered)
        RECEIVED.labels(kind.KIND, outcome).inc()
        await delivery.settle(outcome)


class Bus(CoreNats):
    """CoreNats with durable publishing and consuming."""

    async def publish_durable(
        self, subject: str, message: Message, msg_id: str, timeout_s: float = 2.0
    ) -> int:
        """Store in the subject's stream, once per msg_id; returns its sequence there.

        Raises Unavailable when it may not be stored.
        """
        line, data = self._link.now(), encode(message)

        async def store() -> int:
            js = line.client.jetstream(timeout=timeout_s)
            headers = {"Nats-Msg-Id": msg_id}
            try:
                return (await js.publish(subject, data, headers=headers)).seq
            except NoStreamResponseError:
                await self._ensure_streams(line)
                return (await js.publish(subject, data, headers=headers)).seq

        try:
            seq = await line.race(store(), timeout_s)
        except ServiceError:
            PUBLISHED.labels(message.KIND, "failed").inc()
            raise
        PUBLISHED.labels(message.KIND, "stored").inc()
        return seq

    async def follow(self, stream: Stream, kind: type[M], follower: Follower[M]) -> None:
        """Hand every message after the follower's place over, in the stream's order, for ever.

        The same loop replays what was missed and hears what is new, so there is no seam between the two.
        """
        await self._link.tried.wait()
        while True:
            if self._link.line is None:
                follower.away()
            line = await self._link.wait_up()
            try:
                await read_on(line, stream, kind, follower)
            except Unavailable as exc:
                log.info("log_reopens", extra={"stream": stream.name, "detail": exc.detail})
            follower.away()
            await asyncio.sleep(self._link.jittered(REOPEN_S))

    async def consume(
        self,
        stream: Stream,
        durable: str,
        kind: type[M],
        handler: Callable[[M, Delivery], Awaitable[Outcome]],
        *,
        filter_subject: str = "",
        batch: int = 64,
        ack_wait_s: float = 30,
        max_deliver: int = -1,
        max_in_flight: int = 256,
    ) -> None:
        """Hand over the stream's messages one by one, for ever; several processes share one `durable`.

        A message that waits for its turn is kept from being delivered elsewhere; the one in the handler's
        hands has ack_wait_s, renewed by Delivery.in_progress. Long work takes batch=1.
        """

        async def work(waiting: deque[Msg]) -> None:
            while waiting:
                await _handle([waiting.popleft()], kind, lambda pairs: handler(*pairs[0]))

        plan = Consumer(durable, filter_subject, batch, ack_wait_s, max_deliver, max_in_flight)
        await self._consume(stream, plan, work)

    async def consume_batches(
        self,
        stream: Stream,
        durable: str,
        kind: type[M],
        handler: BatchHandler[M],
        *,
        filter_subject: str = "",
        batch: int = 64,
        ack_wait_s: float = 30,
        max_deliver: int = -1,
        max_in_flight: int = 256,
    ) -> None:
        """As `consume`, with all that has come (at most `batch`) at once, and one outcome for all of it."""

        async def work(waiting: deque[Msg]) -> None:
            received = list(waiting)
            waiting.clear()
            await _handle(received, kind, handler)

        plan = Consumer(durable, filter_subject, batch, ack_wait_s, max_deliver, max_in_flight)
        await self._consume(stream, plan, work)

    async def _consume(self, stream: Stream, plan: Consumer, work: Work) -> None:
        while True:
            line = await self._link.wait_up()
            try:
                async with pulled(line, stream, plan) as pull:
                    log.info("consuming", extra={"stream": stream.name, "durable": plan.durable})
                    while True:
                        waiting = deque(await pull.next())
                        async with _extended(waiting, plan.ack_wait_s / 3):
                            await work(waiting)
            except Unavailable as exc:
                told = {"stream": stream.name, "durable": plan.durable, "detail": exc.detail}
                log.info("consumer_reopens", extra=told)
            await asyncio.sleep(self._link.jittered(REOPEN_S))

    async def replay(
        self, stream: Stream, kind: type[M], *, filter_subject: str = "", start_seq: int = 1
    ) -> AsyncIterator[tuple[int, M]]:
        """The stream's messages with their sequence, up to its present end. Raises Unavailable.

        What is not a `kind` is counted and skipped. After an Unavailable go on with start_seq = last + 1.
        """
        plan = Consumer("", filter_subject, batch=REPLAY_BATCH, start_seq=start_seq)
        async with pulled(self._link.now(), stream, plan) as pull:
            n_left = pull.n_pending
            while n_left > 0 and (found := await pull.take()):
                n_left -= len(found)
                for received in found:
                    message = decoded(received, kind)
                    if message is not None:
                        yield received.metadata.sequence.stream, message

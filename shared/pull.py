"""JetStream below the bus: streams as declared, durable consumers, one pull request at a time.

nats-py's `fetch` waits for a whole batch; this hands over what has come, and asks again when it is used up.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Self

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import api
from nats.js.errors import APIError

from shared.errors import Unavailable
from shared.link import Line
from shared.subjects import Stream

API_S = 5.0
"""How long a call of the JetStream API may take."""
PULL_S = 20.0
"""A pull request ends after this and is made anew."""
HEARTBEAT_S = 4.0
"""The server says at least this often that a waiting request still stands."""
SILENCE_S = 3 * HEARTBEAT_S
"""So long without a sign, the request counts as forgotten."""
_NAME_IN_USE = 10058
_HEARTBEAT = "100"
_OVER = ("404", "408", "Batch Completed", "MaxAckPending")
"""Status or reason of a request that ended with less than it asked for, and nothing wrong."""


@dataclass(frozen=True)
class Consumer:
    """What to ask of JetStream for a durable consumer (or, without a name, for a passing one)."""

    durable: str
    filter_subject: str = ""
    batch: int = 64
    ack_wait_s: float = 30.0
    max_deliver: int = -1
    max_in_flight: int = 256
    start_seq: int = 0

    def config(self) -> api.ConsumerConfig:
        """As the JetStream API has it."""
        if not self.durable:
            return api.ConsumerConfig(
                ack_policy=api.AckPolicy.NONE,
                deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=max(1, self.start_seq),
                filter_subject=self.filter_subject or None,
                inactive_threshold=SILENCE_S * 2,
                mem_storage=True,
                num_replicas=1,
            )
        return api.ConsumerConfig(
            durable_name=self.durable,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=self.ack_wait_s,
            max_deliver=self.max_deliver,
            max_ack_pending=self.max_in_flight,
            filter_subject=self.filter_subject or None,
        )


def stream_config(stream: Stream) -> api.StreamConfig:
    """As the JetStream API has it. A full work queue refuses; a full log drops its oldest."""
    return api.StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        retention=api.RetentionPolicy.WORK_QUEUE if stream.is_work_queue else api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.NEW if stream.is_work_queue else api.DiscardPolicy.OLD,
        max_bytes=stream.max_bytes,
        max_age=stream.max_age_s,
        duplicate_window=stream.duplicate_window_s,
        storage=api.StorageType.FILE,
    )


async def ensure_stream(line: Line, stream: Stream) -> None:
    """Create the stream, or update it to its declaration. Raises Unavailable."""
    js, config = line.client.jetstream(timeout=API_S), stream_config(stream)

    async def apply() -> None:
        try:
            await js.add_stream(config)
        except APIError as exc:
            if exc.err_code != _NAME_IN_USE:
                raise
            await js.update_stream(config)

    await line.race(apply(), API_S)


class Pull:
    """A consumer's messages as they come. Nothing is on the way here except during `next`.

    So what this process is too busy to take goes to the others that share the consumer.
    """

    def __init__(self, line: Line, consumer: Consumer, stream: str, info: api.ConsumerInfo) -> None:
        self._line = line
        self._consumer = consumer
        self._inbox = line.client.new_inbox()
        self._ask_subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{info.name}"
        self._delete_subject = f"$JS.API.CONSUMER.DELETE.{stream}.{info.name}"
        self._arrived: asyncio.Queue[Msg] = asyncio.Queue()  # never more than the request's batch
        self._subscription: Subscription | None = None
        self.n_pending = info.num_pending or 0
        """What matched in the stream when the consumer was opened."""

    @classmethod
    async def open(cls, line: Line, stream: Stream, consumer: Consumer) -> Self:
        """Bind to the consumer, creating stream and consumer when they are missing. Raises Unavailable."""
        await ensure_stream(line, stream)
        js = line.client.jetstream(timeout=API_S)
        info = await line.race(js.add_consumer(stream.name, consumer.config()), API_S)
        pull = cls(line, consumer, stream.name, info)
        pull._subscription = await line.race(line.client.subscribe(pull._inbox, cb=pull._arrive), API_S)
        return pull

    async def _arrive(self, message: Msg) -> None:
        self._arrived.put_nowait(message)

    async def next(self) -> list[Msg]:
        """At least one message, at most a batch. Raises Unavailable when the consumer must be opened anew."""
        while True:
            if found := await self.take():
                return found
            if found := await self._ask(1, expires=int(PULL_S * 1e9), idle_heartbeat=int(HEARTBEAT_S * 1e9)):
                return found

    async def take(self) -> list[Msg]:
        """What is there now, at most a batch; empty at the stream's end."""
        return await self._ask(self._consumer.batch, no_wait=True)

    async def _ask(self, batch: int, **how: int) -> list[Msg]:
        """Up to `batch` messages, until the server says that the request is over."""
        order = json.dumps({"batch": batch, **how}).encode()
        await self._line.race(self._line.client.publish(self._ask_subject, order, self._inbox), API_S)
        found: list[Msg] = []
        while len(found) < batch:
            if self._arrived.empty():
                message = await self._line.race(self._arrived.get(), SILENCE_S)
            else:
                message = self._arrived.get_nowait()
            headers = message.headers or {}
            status, reason = headers.get("Status"), headers.get("Description", "")
            if status is None:
                found.append(message)
            elif status in _OVER or any(word in reason for word in _OVER):
                break
            elif status != _HEARTBEAT:
                raise Unavailable(f"the pull request ended: {status} {reason}")
        return found

    async def close(self) -> None:
        """Give the inbox back; delete a passing consumer."""
        if self._subscription is not None:
            await self._subscription.unsubscribe()
        if not self._consumer.durable:
            await self._line.client.publish(self._delete_subject, b"")

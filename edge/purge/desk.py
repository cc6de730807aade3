"""Where orders are given and receipts collected: by the operator, for every node, or for this one alone."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec import structs

from edge.purge.node import Purges
from edge.purge.plan import Answer, Ledger
from shared import subjects
from shared.bus import Bus
from shared.clock import Clock
from shared.errors import ServiceError
from shared.messages.nodes import EdgeHeartbeat
from shared.messages.purge import PurgeOrder, PurgeReceipt

log = logging.getLogger(__name__)
ALIVE_S = 15.0
"""A node counts as living for so long after a heartbeat: three of them."""
PAY_S = 1.0
"""Between two attempts to tell the others what they have missed."""
RECEIPT_AGE_MS = 60_000
"""Nobody waits any more for the receipt of an older order."""
MAX_NODES = 10_000


@dataclass(frozen=True)
class Report:
    """What became of an order within the time that it was waited for."""

    order: PurgeOrder
    revision: int
    """In the log; 0 when the log could not be reached, or there is none."""
    is_local: bool
    """The other nodes have not been told, and will be when NATS is back."""
    answers: list[Answer]

    @property
    def is_complete(self) -> bool:
        """Whether every living node has done it."""
        return not self.is_local and all(answer.receipt is not None for answer in self.answers)


class Desk(Protocol):
    """Who takes orders."""

    purges: Purges
    """Of this node."""

    async def issue(self, order: PurgeOrder, wait_s: float) -> Report:
        """Give the order, and wait at most so long for the receipts of all living nodes."""


async def _done_here(purges: Purges, order: PurgeOrder, clock: Clock) -> PurgeReceipt:
    began = clock.monotonic()
    n_objects = await purges.apply(order)
    await purges.keep()
    took_ms = (clock.monotonic() - began) * 1000
    return PurgeReceipt(
        id=order.id,
        node=order.issuer,
        revision=0,
        n_objects=n_objects,
        took_ms=round(took_ms, 3),
        at_ms=clock.wall_ms(),
    )


class LocalDesk:
    """Of a node without neighbours."""

    def __init__(self, purges: Purges, clock: Clock) -> None:
        self.purges = purges
        self._clock = clock

    async def issue(self, order: PurgeOrder, wait_s: float) -> Report:
        """As Desk's; there is nobody to wait for."""
        receipt = await _done_here(self.purges, order, self._clock)
        return Report(order, 0, is_local=False, answers=[Answer(receipt.node, receipt, receipt.took_ms)])


class BusDesk:
    """Of a node among others: orders go through the log, receipts come to a subject of its own."""

    def __init__(self, bus: Bus, purges: Purges, node: str, clock: Clock) -> None:
        self._bus = bus
        self.purges = purges
        self._node = node
        self._clock = clock
        self._open: dict[str, tuple[Ledger, float, asyncio.Event]] = {}
        self._heard_s: dict[str, float] = {}
        self._owes = asyncio.Event()

    async def listen(self) -> None:
        """Subscribe to the receipts of our orders, and to who lives."""
        await self._bus.subscribe(subjects.receipts(self._node), PurgeReceipt, self.hear_receipt)
        await self._bus.subscribe(subjects.ALL_HEARTBEATS, EdgeHeartbeat, self._hear_beat)

    async def issue(self, order: PurgeOrder, wait_s: float) -> Report:
        """As Desk's. Without NATS it is applied here, and owed to the others."""
        ledger, began, changed = Ledger(self._living()), self._clock.monotonic(), asyncio.Event()
        self._open[order.id] = (ledger, began, changed)
        try:
            # Here first: our own echo from the log, a moment later, finds nothing more to count.
            self.purges.n_unsent += 1
            try:
                done = await _done_here(self.purges, order, self._clock)
                revision = await self._publish(order)
            finally:
                self.purges.n_unsent -= 1
            await self.hear_receipt(structs.replace(done, revision=revision))
            await _until(lambda: ledger.is_complete or not revision, changed, wait_s)
        finally:
            del self._open[order.id]
        return Report(order, revision, is_local=not revision, answers=ledger.rows())

    async def _publish(self, order: PurgeOrder) -> int:
        """The order's place in the log; 0 when it cannot be put there now, and is owed from then on."""
        try:
            revision = await self._bus.publish_durable(subjects.PURGE_ORDERS, order, order.id)
            self.purges.published(revision)
            return revision
        except ServiceError as exc:
            log.warning("purge_local_only", extra={"id": order.id, "code": exc.code})
            self.purges.owe(order)
            await self.purges.keep()
            self._owes.set()
            return 0

    def _living(self) -> frozenset[str]:
        now_s = self._clock.monotonic()
        return frozenset({self._node, *(n for n, at_s in self._heard_s.items() if now_s - at_s <= ALIVE_S)})

    async def _hear_beat(self, beat: EdgeHeartbeat) -> None:
        self._heard_s.pop(beat.edge_id, None)
        self._heard_s[beat.edge_id] = self._clock.monotonic()
        while len(self._heard_s) > MAX_NODES:
            del self._heard_s[next(iter(self._heard_s))]

    async def hear_receipt(self, receipt: PurgeReceipt) -> None:
        """A node has done one of our orders."""
        if waiting := self._open.get(receipt.id):
            ledger, began, changed = waiting
            ledger.note(receipt, round((self._clock.monotonic() - began) * 1000, 3))
            changed.set()

    async def tell(self, order: PurgeOrder, revision: int, n_objects: int, took_ms: float) -> None:
        """Send our receipt to whoever gave the order, unless that is long ago, or ourselves."""
        now_ms = self._clock.wall_ms()
        if order.issuer == self._node or abs(now_ms - order.at_ms) > RECEIPT_AGE_MS:
            return
        receipt = PurgeReceipt(
            id=order.id,
            node=self._node,
            revision=revision,
            n_objects=n_objects,
            took_ms=round(took_ms, 3),
            at_ms=now_ms,
        )
        try:
            await self._bus.publish(subjects.receipts(order.issuer), receipt)
        except ServiceError as exc:
            log.info("receipt_not_sent", extra={"id": order.id, "code": exc.code})

    async def pay_forever(self) -> None:
        """Put into the log what is owed, in its order, as soon as NATS takes it."""
        while True:
            pending = self.purges.pending
            if not pending:
                self._owes.clear()
                await self._owes.wait()
                continue
            try:
                await self._bus.publish_durable(subjects.PURGE_ORDERS, pending[0], pending[0].id)
            except ServiceError:
                await asyncio.sleep(PAY_S)
                continue
            self.purges.paid(pending[0])
            await self.purges.keep()


async def _until(is_met: Callable[[], bool], changed: asyncio.Event, limit_s: float) -> None:
    try:
        async with asyncio.timeout(limit_s):
            while not is_met():
                changed.clear()
                await changed.wait()
    except TimeoutError:
        return

"""The transactional outbox: messages written with the change that they tell, sent later by `origin.bus`.

A row leaves only when JetStream has acknowledged it. Several processes may send at once: the message id makes
the second one a duplicate, which JetStream drops.
"""

import msgspec
from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.database import Database
from origin.catalog.schema import outbox
from shared import codec
from shared.messages.catalog import CatalogEvent
from shared.messages.jobs import TranscodeJob
from shared.messages.message import Message

BATCH = 64
"""Rows read and sent at a time."""

_KINDS: dict[str, type[Message]] = {kind.KIND: kind for kind in (CatalogEvent, TranscodeJob)}


class Letter(msgspec.Struct, frozen=True):
    """A message that waits to be sent."""

    row: int
    subject: str
    msg_id: str
    message: Message


async def post(conn: AsyncConnection, subject: str, message: Message, msg_id: str) -> None:
    """Send `message` if, and only if, this transaction commits."""
    row = {
        "subject": subject,
        "kind": message.KIND,
        "msg_id": msg_id,
        "body": codec.encode(message),
    }
    await conn.execute(insert(outbox).values(**row))


class Outbox:
    """What was posted and not yet acknowledged, oldest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waiting(self, limit: int = BATCH) -> list[Letter]:
        """The oldest letters."""
        async with self._database.read() as conn:
            rows = (await conn.execute(select(outbox).order_by(outbox.c.id).limit(limit))).all()
        return [
            Letter(row.id, row.subject, row.msg_id, codec.decode(row.body, _KINDS[row.kind])) for row in rows
        ]

    async def acknowledged(self, rows: list[int]) -> None:
        """Forget what JetStream has."""
        async with self._database.write() as conn:
            await conn.execute(delete(outbox).where(outbox.c.id.in_(rows)))

    async def depth(self) -> int:
        """How many letters wait."""
        async with self._database.read() as conn:
            return (await conn.execute(select(func.count()).select_from(outbox))).scalar_one()

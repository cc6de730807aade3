"""Bytes of unfinished uploads: one growing file each in a folder, and a row that outlives a restart.

The file's size is the offset: what was written before a crash counts, and nothing has to agree with it.
"""

import asyncio
import errno
from collections.abc import AsyncIterator
from io import FileIO
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from origin.catalog.database import Database
from origin.catalog.schema import uploads
from origin.errors import DiskFull
from origin.uploads.tus import UploadState
from shared.errors import NotFound, TooLarge

WRITE_BYTES = 1024 * 1024
"""Collected in memory before one write."""


class UploadStore:
    """Uploads by id. Only one request at a time appends to one; the caller sees to that."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, upload_id: str) -> Path:
        """Where the bytes are."""
        return self.folder / upload_id

    def size(self, upload_id: str) -> int:
        """Bytes that are there."""
        path = self.path(upload_id)
        return path.stat().st_size if path.exists() else 0

    async def create(self, state: UploadState, *, is_resumable: bool) -> None:
        """An empty upload."""
        row = {
            "id": state.id,
            "video_id": state.video_id,
            "length": state.length,
            "metadata": state.metadata,
            "expires_ms": state.expires_ms,
            "is_resumable": is_resumable,
            "is_done": False,
        }
        async with self._database.write() as conn:
            await conn.execute(insert(uploads).values(**row))
        self.path(state.id).touch()

    async def find(self, upload_id: str) -> UploadState:
        """The resumable upload. Raises NotFound."""
        wanted = select(uploads).where(uploads.c.id == upload_id, uploads.c.is_resumable)
        async with self._database.read() as conn:
            row = (await conn.execute(wanted)).one_or_none()
        if row is None or not (row.is_done or self.path(upload_id).exists()):
            raise NotFound("no such upload: it never was, was refused, or expired")
        return self._state(row)

    async def n_unfinished(self) -> int:
        """How many uploads, anywhere, have no video yet."""
        wanted = select(func.count()).select_from(uploads).where(uploads.c.is_done.is_(False))
        async with self._database.read() as conn:
            return (await conn.execute(wanted)).scalar_one()

    async def unfinished(self) -> list[UploadState]:
        """Every resumable upload whose video does not exist yet."""
        wanted = select(uploads).where(uploads.c.is_resumable, uploads.c.is_done.is_(False))
        async with self._database.read() as conn:
            rows = (await conn.execute(wanted)).all()
        return [self._state(row) for row in rows if self.path(row.id).exists()]

    async def append(self, upload_id: str, body: AsyncIterator[bytes], room: int) -> int:
        """Write `body` behind what is there; how many bytes came. Raises TooLarge after `room` bytes.

        Whatever ends it, the pieces that came before are in the file.
        """
        n_written, held = 0, bytearray()
        with self.path(upload_id).open("ab", buffering=0) as file:
            try:
                async for piece in body:
                    if n_written + len(held) + len(piece) > room:
                        raise TooLarge(
                            f"more bytes came than the limit of {room}",
                            limit_bytes=room,
                            actual_bytes=n_written + len(held) + len(piece),
                        )
                    held += piece
                    if len(held) >= WRITE_BYTES:
                        full, held = held, bytearray()
                        n_written += await _in_thread(file, full)
            finally:
                n_written += _write_all(file, held)
        return n_written

    async def extend(self, upload_id: str, expires_ms: int) -> None:
        """More bytes came: it lives longer."""
        async with self._database.write() as conn:
            changed = update(uploads).where(uploads.c.id == upload_id).values(expires_ms=expires_ms)
            await conn.execute(changed)

    def drop_bytes(self, upload_id: str) -> None:
        """Free the disk; the row may stay, to answer a late HEAD."""
        self.path(upload_id).unlink(missing_ok=True)

    async def remove(self, upload_id: str) -> None:
        """Forget the upload, bytes first."""
        self.drop_bytes(upload_id)
        async with self._database.write() as conn:
            await conn.execute(delete(uploads).where(uploads.c.id == upload_id))

    async def expired(self, now_ms: int) -> list[UploadState]:
        """Uploads whose time is over."""
        wanted = select(uploads).where(uploads.c.expires_ms <= now_ms)
        async with self._database.read() as conn:
            return [self._state(row) for row in await conn.execute(wanted)]

    async def cut_off(self) -> list[UploadState]:
        """Plain uploads whose bytes are here: after a restart, nobody can send the rest of them."""
        wanted = select(uploads).where(uploads.c.is_resumable.is_(False), uploads.c.is_done.is_(False))
        async with self._database.read() as conn:
            return [self._state(row) for row in await conn.execute(wanted) if self.path(row.id).exists()]

    async def strays(self) -> list[Path]:
        """Files that no unfinished upload owns."""
        here = list(self.folder.iterdir())
        async with self._database.read() as conn:
            owned = (await conn.execute(select(uploads.c.id).where(uploads.c.is_done.is_(False)))).scalars()
            known = set(owned)
        return [path for path in here if path.name not in known]

    def _state(self, row: Any) -> UploadState:
        return UploadState(
            id=row.id,
            length=row.length,
            offset=row.length if row.is_done else self.size(row.id),
            expires_ms=row.expires_ms,
            metadata=row.metadata,
            video_id=row.video_id,
            is_done=row.is_done,
        )


def _write_all(file: FileIO, data: bytearray) -> int:
    left = memoryview(data)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull("the disk is full") from exc
        raise
    return len(data)


async def _in_thread(file: FileIO, data: bytearray) -> int:
    """`_write_all` beside the loop; a cancelled caller still waits, because it closes the file next."""
    writing = asyncio.ensure_future(asyncio.to_thread(_write_all, file, data))
    try:
        return await asyncio.shield(writing)
    finally:
        await asyncio.wait({writing})

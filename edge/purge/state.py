"""What a node remembers of purges, in one file: places in the logs, marks, tombstones, untold orders."""

import asyncio
import logging
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from edge import atomic
from edge.cache.marks import SavedMarks
from edge.cache.tombstones import Tombstone
from shared.errors import DecodeError
from shared.messages.purge import PurgeOrder
from shared.resume import Place

log = logging.getLogger(__name__)
CHECKSUM_BYTES = 4


class SavedPurges(msgspec.Struct, frozen=True):
    """The file's content."""

    places: dict[str, Place] = {}
    """By stream."""
    marks: SavedMarks = SavedMarks()
    tombstones: list[Tombstone] = []
    pending: list[PurgeOrder] = []


class PurgeFile:
    """The file at `path`; None: a node without a disk, which keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = asyncio.Lock()
        self._n_asked = 0
        self._n_kept = 0

    def load(self) -> SavedPurges:
        """What was kept; nothing when there is no file. Raises DecodeError when it is damaged."""
        if self._path is None or not self._path.exists():
            return SavedPurges()
        data = self._path.read_bytes()
        checksum, body = data[:CHECKSUM_BYTES], data[CHECKSUM_BYTES:]
        if zlib.crc32(body).to_bytes(CHECKSUM_BYTES, "big") != checksum:
            raise DecodeError(f"{self._path} does not match its checksum")
        try:
            return msgspec.msgpack.decode(body, type=SavedPurges)
        except msgspec.DecodeError as exc:
            raise DecodeError(f"{self._path}: {exc}") from exc

    async def keep(self, state: Callable[[], SavedPurges]) -> None:
        """Return when a state at least as new as the present one is on the medium. Calls share a write.

        A disk that refuses is logged: what was purged is purged; after a restart it is replayed from the log.
        """
        if self._path is None:
            return
        self._n_asked += 1
        mine = self._n_asked
        async with self._lock:
            if self._n_kept >= mine:
                return
            covers, body = self._n_asked, msgspec.msgpack.encode(state())
            data = zlib.crc32(body).to_bytes(CHECKSUM_BYTES, "big") + body
            try:
                await asyncio.to_thread(_write, self._path, data)
            except OSError as exc:
                log.error("purges_not_kept", extra={"reason": str(exc)})
            else:
                self._n_kept = covers


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, data)

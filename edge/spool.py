"""Bounded disk queue of event batches: appended before the answer, published in the background.

Segments of records (edge/records.py) under one folder. A batch leaves the disk when JetStream has
acknowledged it; a restart publishes again what was not, under the same message id. When the bound is reached
the oldest segment goes, counted. An append is one write to the page cache: it survives the process, and
`flush_forever` carries it to the disk within `flush_s`.
"""

import asyncio
import logging
import os
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from edge import metrics, records
from shared.config import setting
from shared.errors import ServiceError

log = logging.getLogger(__name__)
READ_BYTES = 256 * 1024
RETRY_MIN_S, RETRY_MAX_S = 0.1, 5.0
Publish = Callable[[bytes], Awaitable[None]]


@dataclass(frozen=True)
class SpoolLimits:
    """How much may wait on disk."""

    max_bytes: int = setting(
        256 * 1024**2, "event batches on disk; the oldest segment goes first", unit="bytes", low=65_536
    )
    segment_bytes: int = setting(1024**2, "size at which a segment is closed", unit="bytes", low=4_096)
    flush_s: float = setting(1.0, "longest time until an appended batch is on the disk", unit="s", low=0.01)
    n_in_flight: int = setting(64, "batches published at once", low=1, high=1_000)


class Position(NamedTuple):
    """A place in the spool: everything before it was read."""

    segment: int
    offset: int


class Spool:
    """One folder of segments. Invariant: at most max_bytes (and one record) wait; the order is kept."""

    def __init__(self, folder: Path, limits: SpoolLimits) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._limits = limits
        self._sizes = {int(file.stem): file.stat().st_size for file in sorted(folder.glob("*.spool"))}
        self._next = max(self._sizes, default=0) + 1
        self._active = -1
        self._file = -1
        self._retired: list[int] = []
        self._is_dirty = False
        self._read = Position(min(self._sizes, default=0), 0)
        self._wake = asyncio.Event()
        self._rng = random.Random()
        if self._sizes:
            self._wake.set()
        self._count_bytes()

    @property
    def n_bytes(self) -> int:
        """What waits on disk."""
        return sum(self._sizes.values())

    def append(self, payload: bytes) -> bool:
        """Write a batch; False (and counted) when the disk refuses it."""
        record = records.frame(payload)
        try:
            self._write(record)
        except OSError as exc:
            metrics.SPOOL_RECORDS.labels("refused").inc()
            log.error("spool_append_failed", extra={"reason": exc.strerror or str(exc)})
            return False
        self._is_dirty = True
        metrics.SPOOL_RECORDS.labels("appended").inc()
        while self.n_bytes > self._limits.max_bytes and len(self._sizes) > 1:
            self._drop_oldest()
        self._count_bytes()
        self._wake.set()
        return True

    async def pump_forever(self, publish: Publish) -> None:
        """Publish what waits, oldest first, and go on when there is more; retries while `publish` fails."""
        delay_s = RETRY_MIN_S
        while True:
            payloads, after = self.peek(self._limits.n_in_flight)
            if not payloads:
                self._wake.clear()
                await self._wake.wait()
                continue
            results = await asyncio.gather(*(publish(one) for one in payloads), return_exceptions=True)
            failures = [result for result in results if isinstance(result, BaseException)]
            if not failures:
                self.acknowledge(after, len(payloads))
                delay_s = RETRY_MIN_S
                continue
            for failure in failures:
                if not isinstance(failure, ServiceError):
                    raise failure
            await asyncio.sleep(delay_s * self._rng.uniform(0.5, 1.0))
            delay_s = min(2 * delay_s, RETRY_MAX_S)

    async def flush_forever(self) -> None:
        """Carry what was appended to the disk, every flush_s."""
        while True:
            await asyncio.sleep(self._limits.flush_s)
            await self.flush()

    async def flush(self) -> None:
        """Carry what was appended so far to the disk."""
        retired, self._retired = self._retired, []
        if self._is_dirty and self._file >= 0:
            retired.append(os.dup(self._file))
        self._is_dirty = False
        if retired:
            await asyncio.to_thread(_sync_and_close, retired)

    async def close(self) -> None:
        """Flush and close; an empty segment leaves no file."""
        await self.flush()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            if not self._sizes[self._active]:
                self._delete(self._active)
            self._active = -1

    def peek(self, limit: int) -> tuple[list[bytes], Position]:
        """The oldest at most `limit` batches, and the position after them; nothing is removed."""
        while self._sizes:
            segment, offset = self._read
            data = self._load(segment, offset, READ_BYTES)
            payloads, length = records.read(data, limit)
            if not payloads and len(data) == READ_BYTES:
                data = self._load(segment, offset, records.HEAD_BYTES + records.MAX_RECORD_BYTES)
                payloads, length = records.read(data, limit)
            if payloads:
                return payloads, Position(segment, offset + length)
            if segment == self._active:
                break
            if data:
                metrics.SPOOL_RECORDS.labels("torn").inc()
            self._delete(segment)
        return [], self._read

    def acknowledge(self, after: Position, n_records: int) -> None:
        """Everything before `after` is safe elsewhere: free its disk."""
        metrics.SPOOL_RECORDS.labels("published").inc(n_records)
        if after.segment not in self._sizes:
            return  # dropped meanwhile, for want of room
        self._read = after
        if after.offset >= self._sizes[after.segment]:
            if after.segment == self._active:
                os.ftruncate(self._file, 0)
                self._sizes[self._active] = 0
                self._read = Position(self._active, 0)
            else:
                self._delete(after.segment)
        self._count_bytes()

    def _write(self, record: bytes) -> None:
        if self._file < 0 or self._sizes[self._active] + len(record) > self._limits.segment_bytes:
            self._roll()
        before = self._sizes[self._active]
        try:
            if os.write(self._file, record) != len(record):
                raise OSError("short write")
        except OSError:
            os.ftruncate(self._file, before)
            raise
        self._sizes[self._active] = before + len(record)

    def _roll(self) -> None:
        path = self._path(self._next)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if self._file >= 0:
            self._retired.append(self._file)
        self._file, self._active = file, self._next
        self._sizes[self._active] = 0
        self._next += 1
        if len(self._sizes) == 1:
            self._read = Position(self._active, 0)

    def _load(self, segment: int, offset: int, n_bytes: int) -> bytes:
        with self._path(segment).open("rb") as file:
            file.seek(offset)
            return file.read(n_bytes)

    def _drop_oldest(self) -> None:
        oldest = next(iter(self._sizes))
        offset = self._read.offset if self._read.segment == oldest else 0
        lost, _ = records.read(self._load(oldest, offset, self._sizes[oldest]), self._sizes[oldest])
        metrics.SPOOL_RECORDS.labels("dropped").inc(len(lost))
        log.error("spool_overflow", extra={"n_batches_lost": len(lost)})
        self._delete(oldest)

    def _delete(self, segment: int) -> None:
        del self._sizes[segment]
        self._path(segment).unlink(missing_ok=True)
        if self._read.segment == segment:
            self._read = Position(next(iter(self._sizes), 0), 0)

    def _path(self, segment: int) -> Path:
        return self._folder / f"{segment:012d}.spool"

    def _count_bytes(self) -> None:
        metrics.SPOOL_BYTES.set(self.n_bytes)


def _sync_and_close(files: list[int]) -> None:
    for file in files:
        os.fsync(file)
        os.close(file)

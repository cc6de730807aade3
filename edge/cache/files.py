"""The files of the disk tier: one an object, named by its number, written beside and renamed. In threads.

Below the folder: `objects/<last byte of the number>/<number>.obj`, `tmp/` with what is being written, and
`gone/` with whole folders on their way out.
"""

# ruff: noqa: PTH104, PTH123 - where each object passes, strings cost a tenth of what paths do

import errno
import fcntl
import logging
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from edge.cache import metrics
from edge.cache.entry import Entry, complete
from edge.cache.frame import Prefix, check_body, framed, read_head, read_listed, read_prefix
from edge.cache.freshness import StorageRules
from edge.cache.journal import Listed
from edge.cache.posix import read_exactly, renamed, sync, unlink, write_file
from edge.cache.writing import Write
from shared.errors import ServiceError

log = logging.getLogger(__name__)

TEMPORARY = "tmp"
FIRST_READ_BYTES = 8192
"""Prefix and head of nearly every object, and all of a small one."""
PIECE_BYTES = 256 * 1024
"""How much is verified at a time."""
PLENTY_BYTES, N_UNASKED = 256 * 1024 * 1024, 16
"""With more to spare than this, so many writes go by until it is asked again how much that is."""
N_LOCK_TRIES, LOCK_PAUSE_S = 40, 0.05
"""A process that is just ending may still have the folder."""
SHORT_OF_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class DiskShort(Exception):
    """The file system has no room for this object, or less than the reserve would be left."""

    def __init__(self, missing_bytes: int) -> None:
        super().__init__(f"{missing_bytes} bytes are missing")
        self.missing_bytes = missing_bytes


class FolderInUse(ServiceError):
    """Another process has the folder."""

    code = "cache_folder_in_use"


class ObjectFiles:
    """Reads and writes whole objects. A file is complete if and only if it has its final name."""

    def __init__(self, folder: Path, reserve_bytes: int, storage: StorageRules) -> None:
        self._folder = folder
        self._name = str(folder)
        """Of the folder: where each object passes, paths are strings, a tenth of the price."""
        self._objects = folder / "objects"
        self._temporary = folder / TEMPORARY
        self._gone = folder / "gone"
        self._reserve_bytes = reserve_bytes
        self._storage = storage
        self._lock_fd = -1
        self._spare_bytes = self._n_unasked = 0

    def prepare(self) -> None:
        """Take the folder for this process, make what is below it, and drop what a killed writer left.

        Raises FolderInUse: two processes would give the same numbers to different objects.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock_fd = _locked(self._folder / "lock")
        for folder in (self._objects, self._temporary, self._gone):
            folder.mkdir(parents=True, exist_ok=True)
        for leftover in self._temporary.iterdir():
            leftover.unlink()
        for former in self._folder.glob("[0-9a-f][0-9a-f]"):
            former.rename(self._gone / former.name)  # a layout that is not read any more

    def release(self) -> None:
        """Let another process have the folder."""
        os.close(self._lock_fd)

    def numbers(self) -> Iterator[int]:
        """Of all files that are there; what has no number for a name is deleted."""
        for shard in self._objects.iterdir():
            for name in os.listdir(shard):  # noqa: PTH208 - 100,000 paths would take a second
                number = _number(name)
                if number is not None and f"{number & 0xFF:02x}" == shard.name:
                    yield number
                else:
                    (shard / name).unlink(missing_ok=True)

    def _path(self, number: int) -> str:
        return f"{self._name}/objects/{number & 0xFF:02x}/{_name(number)}"

    def shortage_bytes(self, n_new_bytes: int = 0) -> int:
        """How much must go before so much may come; 0 or less: nothing."""
        told = os.statvfs(self._name)
        return self._reserve_bytes + n_new_bytes - told.f_bavail * told.f_frsize

    def _missing_bytes(self, n_new_bytes: int) -> int:
        """As `shortage_bytes`, for a write; it is asked only now and then while there is plenty."""
        self._spare_bytes -= n_new_bytes
        self._n_unasked += 1
        if self._spare_bytes < PLENTY_BYTES or self._n_unasked > N_UNASKED:
            self._spare_bytes, self._n_unasked = -self.shortage_bytes(n_new_bytes), 0
        return -self._spare_bytes

    def write(self, write: Write, former: int | None, *, syncs: bool) -> int:
        """The length of the file written, 0 when nobody wants it any more. `former` is a file that is not
        needed: it goes, or is written over, which saves the kernel half of its work.

        Raises DiskShort, OSError, and ValueError for an entry that cannot be framed; nothing stays behind.
        """
        temporary, n_bytes = f"{self._name}/{TEMPORARY}/{write.number:x}.tmp", 0
        is_used = former is not None and renamed(self._path(former), temporary)
        try:
            head, body = framed(write.entry, write.number)
            n_bytes = len(head) + len(body)
            if write.is_wanted:
                if (missing := self._missing_bytes(n_bytes)) > 0:
                    raise DiskShort(missing)
                write_file(temporary, head, body, is_used=is_used, syncs=syncs)
            if not write.is_wanted:
                unlink(temporary)
                return 0
            self._place(temporary, write.number)
        except (OSError, DiskShort, ValueError) as exc:
            unlink(temporary)
            if isinstance(exc, OSError) and exc.errno in SHORT_OF_SPACE:
                raise DiskShort(n_bytes) from exc
            raise
        if syncs:
            sync(_shard(self._path(write.number)))
        return n_bytes

    def _place(self, temporary: str, number: int) -> None:
        path = self._path(number)
        try:
            os.rename(temporary, path)
        except FileNotFoundError:
            Path(_shard(path)).mkdir(parents=True, exist_ok=True)
            os.rename(temporary, path)

    def sync(self, numbers: Iterable[int]) -> None:
        """Bring these files and their names to the medium; one that is gone needs it no more."""
        shards = set()
        for number in numbers:
            path = self._path(number)
            shards.add(_shard(path))
            try:
                sync(path)
            except FileNotFoundError:
                continue
        for shard in shards:
            sync(shard)

    def read(self, number: int) -> Entry:
        """The verified entry. Raises OSError, and ValueError for a file that is not as it was written."""
        with open(self._path(number), "rb", buffering=0) as file:
            fd = file.fileno()
            prefix, first = _first(fd)
            meta = read_head(prefix, prefix.head_of(first), number, self._storage)
            _check_length(fd, prefix.body_at + meta.size_bytes)
            body = first[prefix.body_at :]
            if len(body) != meta.size_bytes:
                # Straight into the body's own buffer: no second copy.
                body = read_exactly(fd, meta.size_bytes, prefix.body_at)
        check_body(prefix, body)
        return complete(meta, body)

    def read_listed(self, number: int) -> Listed:
        """What the file's head says for the index; the body only has the right length. Raises as `read`."""
        with open(self._path(number), "rb", buffering=0) as file:
            prefix, first = _first(file.fileno())
            listed = read_listed(prefix, prefix.head_of(first), number)
            _check_length(file.fileno(), listed.file_bytes)
        return listed

    def told(self, number: int) -> Listed | None:
        """What a file that the journal does not know says of itself; a damaged one goes."""
        try:
            return self.read_listed(number)
        except (OSError, ValueError) as exc:
            metrics.CORRUPT.inc()
            log.warning("file_dropped", extra={"number": number, "reason": str(exc)})
            self.remove([number])
            return None

    def verify(self, number: int) -> Listed:
        """As `read_listed`, with the body's digest too; no more than a piece is held at a time."""
        with open(self._path(number), "rb", buffering=0) as file:
            fd = file.fileno()
            prefix, first = _first(fd)
            listed = read_listed(prefix, prefix.head_of(first), number)
            _check_length(fd, listed.file_bytes)
            digest, place = prefix.layout.hashed(b""), prefix.body_at
            while piece := os.pread(fd, PIECE_BYTES, place):
                digest.update(piece)
                place += len(piece)
        if digest.digest() != prefix.body_digest:
            raise ValueError("the body does not match its digest")
        return listed

    def remove(self, numbers: Iterable[int]) -> None:
        """Delete these files; one that is gone already is as good."""
        for number in numbers:
            unlink(self._path(number))

    def remove_all(self, name: int) -> None:
        """Take every file out of sight at once; `empty_gone` deletes them. `name` is used once."""
        self._objects.rename(self._gone / f"{name:x}")
        with suppress(OSError):  # a full file system; the next write tries again
            self._objects.mkdir()

    def empty_gone(self) -> None:
        """Delete what `remove_all` took away."""
        for folder in self._gone.iterdir():
            shutil.rmtree(folder, ignore_errors=True)


def _shard(path: str) -> str:
    return path.rpartition("/")[0]


def _locked(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    tries_left = N_LOCK_TRIES
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        except BlockingIOError as exc:
            tries_left -= 1
            if not tries_left:
                os.close(fd)
                raise FolderInUse(f"another process has {path.parent}") from exc
        time.sleep(LOCK_PAUSE_S)


def _name(number: int) -> str:
    return f"{number:012x}.obj"


def _number(name: str) -> int | None:
    try:
        number = int(name[:12], 16)
    except ValueError:
        return None
    return number if _name(number) == name else None


def _first(fd: int) -> tuple[Prefix, bytes]:
    """The prefix, and the bytes from the start of the file to at least the end of the head."""
    first = os.pread(fd, FIRST_READ_BYTES, 0)
    prefix = read_prefix(first)
    if len(first) < prefix.body_at:
        first += os.pread(fd, prefix.body_at - len(first), len(first))
    return prefix, first


def _check_length(fd: int, expected_bytes: int) -> None:
    actual_bytes = os.fstat(fd).st_size
    if actual_bytes != expected_bytes:
        raise ValueError(f"has {actual_bytes} bytes and not {expected_bytes}: torn")

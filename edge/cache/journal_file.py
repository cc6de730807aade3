"""The journal on disk: one append-only file, read whole at start, compacted beside. In threads."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from edge.cache import journal, metrics
from edge.cache.journal import Listed, Replayed
from edge.cache.posix import sync

PAUSE_S = 0.001
"""Between two blocks of a compaction, for it holds the interpreter's lock that requests need."""


class JournalFile:
    """Appends are made by one thread; `compact` may run in another one meanwhile."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._new = path.with_suffix(".new")
        self.n_records = 0
        """In the file, of objects that are held and that are gone."""

    def load(self) -> Replayed:
        """What the file says; a file that is not there says nothing."""
        self._new.unlink(missing_ok=True)
        data = self._path.read_bytes() if self._path.exists() else b""
        replayed = journal.replay(data)
        metrics.JOURNAL_DAMAGED.inc(replayed.n_damaged)
        self.n_records = len(replayed.listed) + len(replayed.dropped)
        return replayed

    def append(self, listed: list[Listed], dropped: list[int], *, syncs: bool) -> None:
        """Raises OSError; what was torn then is skipped by `load`."""
        data = journal.stored(listed) + journal.dropped(dropped)
        with self._path.open("ab") as file:
            file.write(data)
            if syncs:
                file.flush()
                os.fsync(file.fileno())
        self.n_records += len(listed) + len(dropped)

    def compact(self, is_held: Callable[[Listed], bool]) -> int:
        """Write what still holds beside; returns how far the journal was read. Slow on purpose."""
        data = self._path.read_bytes()
        with self._new.open("wb") as file:
            for block in journal.blocks(data):
                if block is not None and block[0] == journal.STORED:
                    file.write(journal.stored(filter(is_held, (Listed(*record) for record in block[1]))))
                time.sleep(PAUSE_S)
        return len(data)

    def swap(self, n_read_bytes: int, n_held: int) -> None:
        """Put the compacted journal in place, with what was appended meanwhile. For the appending thread."""
        with self._path.open("rb") as former, self._new.open("ab") as file:
            former.seek(n_read_bytes)
            file.write(former.read())
            file.flush()
            os.fsync(file.fileno())
        self._new.replace(self._path)
        sync(self._path.parent)
        self.n_records = n_held

"""A folder for one job, gone afterwards, also when the worker was killed with -9.

Each folder holds a lock file that the kernel unlocks when its owner dies; `sweep` removes what nobody holds.
"""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK_NAME = "lock"
_PREFIX = "job-"


@contextmanager
def workspace(root: Path) -> Iterator[Path]:
    """An own folder below `root` for as long as the context lasts."""
    root.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
    try:
        with (folder / _LOCK_NAME).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(root: Path) -> int:
    """Remove the folders of dead workers; returns how many."""
    n_removed = 0
    for folder in root.glob(f"{_PREFIX}*"):
        if _is_abandoned(folder):
            shutil.rmtree(folder, ignore_errors=True)
            n_removed += 1
    return n_removed


def _is_abandoned(folder: Path) -> bool:
    try:
        with (folder / _LOCK_NAME).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        # Between mkdtemp and the lock: another worker is just starting. The next sweep will tell.
        return False
    except BlockingIOError:
        return False
    return True

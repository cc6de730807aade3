"""The RAM tier's memory, touched at start instead of body by body.

A page that a process writes to for the first time costs a fault of 2 µs and more: of a body of 256 KiB,
150 µs, a third of a miss. So the heap is made as large as the tier and kept so (mallopt(3)), and its pages
are populated in the background (madvise(2), MADV_POPULATE_WRITE: Linux 5.14), which changes no byte of them:
they may be in use already. Where something of that is missing, bodies cost what they did.
"""

import asyncio
import ctypes
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from edge.cache.settings import CacheLimits
from shared.lifecycle import Lifecycle

log = logging.getLogger(__name__)

PIECE_BYTES = 1024 * 1024
"""Populated in one go, 0.5 to 2 ms in a thread; then it pauses for as long as that took."""
N_UNCHECKED = 32
"""Pieces until it is asked again how much is free."""
MAPPED_BYTES = 32 * 1024 * 1024
"""Only what is larger is mapped alone, to fresh pages: the most that every glibc takes."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _MADV_POPULATE_WRITE = -1, -3, 23
_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/proc/self/cgroup")
_V1 = Path("/sys/fs/cgroup/memory"), ("memory.limit_in_bytes", "memory.usage_in_bytes")
_V2 = Path("/sys/fs/cgroup"), ("memory.max", "memory.current")


def supervise(life: Lifecycle, limits: CacheLimits) -> None:
    """Reserve the RAM tier's memory in the background, if that is wanted."""

    async def reserve_all() -> None:
        await reserve(limits.memory_bytes)

    if limits.is_reserved:
        life.supervise("memory", reserve_all)


async def reserve(n_bytes: int) -> int:
    """Populate so many bytes of the heap, or as many as leave half of what is free now; how many.

    For the main thread, whose heap is the one that bodies come from. Cancellation leaves what is done.
    """
    began_s, n_done, reason = time.monotonic(), 0, ""
    try:
        pieces = _grown(n_bytes)
        floor_bytes = free_bytes() // 2
        for number, piece in enumerate(pieces):
            if number % N_UNCHECKED == 0 and free_bytes() - N_UNCHECKED * PIECE_BYTES < floor_bytes:
                reason = "half of the free memory is left to others"
                break
            step_s = time.monotonic()
            await asyncio.to_thread(_populate, piece)
            n_done += PIECE_BYTES
            await asyncio.sleep(time.monotonic() - step_s)
    except (OSError, ValueError, AttributeError) as exc:  # another kernel, or another libc
        reason = str(exc)
    told = {"bytes": n_done, "of": n_bytes, "took_ms": int((time.monotonic() - began_s) * 1000)}
    log.info("memory_reserved", extra=told | ({"reason": reason} if reason else {}))
    return n_done


def _grown(n_bytes: int) -> list[int]:
    """Addresses of pieces of the heap, free again but never given back. As many as there could be had."""
    libc = ctypes.CDLL(None)
    libc.malloc.argtypes, libc.malloc.restype = (ctypes.c_size_t,), ctypes.c_void_p
    libc.free.argtypes, libc.free.restype = (ctypes.c_void_p,), None
    libc.mallopt(_M_MMAP_THRESHOLD, MAPPED_BYTES)
    libc.mallopt(_M_TRIM_THRESHOLD, -1)
    pieces = []
    for _ in range(n_bytes // PIECE_BYTES):
        piece = libc.malloc(PIECE_BYTES)
        if not piece:
            break
        pieces.append(piece)
    for piece in pieces:
        libc.free(piece)
    return pieces


def _populate(address: int) -> None:
    """Populate the pages of one piece. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    start = address - address % os.sysconf("SC_PAGESIZE")
    if libc.madvise(start, PIECE_BYTES, _MADV_POPULATE_WRITE):
        number = ctypes.get_errno()
        raise OSError(number, f"madvise: {os.strerror(number)}")


def free_bytes() -> int:
    """What this process may still take: of the machine, and of each control group that it is in."""
    (available,) = (line for line in _MEMINFO.read_text().splitlines() if line.startswith("MemAvailable:"))
    return min(int(available.split()[1]) * 1024, *_group_rooms())


def _group_rooms() -> Iterator[int]:
    yield sys.maxsize
    for line in _CGROUP.read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        root, names = _V1 if controllers == "memory" else _V2
        if controllers not in ("", "memory"):
            continue
        group = root / own.strip("/")
        for folder in (group, *group.parents):  # in a container those above may not be there
            if folder.is_relative_to(root):
                yield from _room(*(folder / name for name in names))


def _room(limit: Path, used: Path) -> Iterator[int]:
    try:
        told = limit.read_text().strip()
        if told != "max":
            yield int(told) - int(used.read_text())
    except FileNotFoundError:
        return

"""Whole files by system calls. In threads."""

# ruff: noqa: PTH104, PTH108 - where each object passes, strings cost a tenth of what paths do

import os
from contextlib import suppress
from pathlib import Path

from edge.cache.entry import Body
from edge.cache.writing import BLOCK_BYTES


def unlink(path: str) -> None:
    """Delete a file, if it is there."""
    with suppress(FileNotFoundError):
        os.unlink(path)


def renamed(path: str, new: str) -> bool:
    """Whether there was a file to rename."""
    try:
        os.rename(path, new)
    except FileNotFoundError:
        return False
    return True


def write_file(path: str, head: bytes, body: Body, *, is_used: bool, syncs: bool) -> None:
    """Write a file from its beginning; `is_used`: over one that may be longer or shorter."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if is_used:  # the last page not to be read for what it held
            n_bytes = len(head) + len(body)
            os.ftruncate(fd, n_bytes - n_bytes % BLOCK_BYTES)
        left = [memoryview(head), memoryview(body)]
        while left:
            n_written = os.writev(fd, left)
            while left and n_written >= len(left[0]):
                n_written -= len(left.pop(0))
            if left:
                left[0] = left[0][n_written:]
        if syncs:
            os.fsync(fd)
    finally:
        os.close(fd)


def sync(path: Path | str) -> None:
    """fsync of a file or folder by its name."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def read_exactly(fd: int, n_bytes: int, place: int) -> bytes:
    """So many bytes from a place on. Raises ValueError when the file ends early."""
    body = os.pread(fd, n_bytes, place)
    while len(body) < n_bytes:
        more = os.pread(fd, n_bytes - len(body), place + len(body))
        if not more:
            raise ValueError("ended early")
        body += more
    return body

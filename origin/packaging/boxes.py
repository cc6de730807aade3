"""ISO base media boxes (ISO/IEC 14496-12 §4.2): walk them, read numbers from them, never past their end.

Pure. Whatever the bytes, the answer is a value or NotCmaf.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from shared.errors import ServiceError


class NotCmaf(ServiceError):
    """The bytes are not a fragmented MP4 of the form that we make."""

    code = "not_cmaf"


class Data(Protocol):
    """Bytes that can be sliced: `bytes`, or an `mmap` of a large file."""

    def __getitem__(self, part: slice, /) -> bytes: ...

    def __len__(self) -> int: ...


class Box(NamedTuple):
    """A box's place in the data."""

    kind: bytes
    start: int
    body: int
    """Where its content begins, after size and type."""
    end: int


def uint(data: Data, offset: int, n_bytes: int, end: int) -> int:
    """The big-endian number at `offset`, which must lie before `end`."""
    if offset + n_bytes > end:
        raise NotCmaf(f"a number of {n_bytes} bytes at {offset} runs past the end of its box at {end}")
    return int.from_bytes(data[offset : offset + n_bytes], "big")


def boxes(data: Data, start: int, end: int) -> Iterator[Box]:
    """The boxes that fill `start` to `end`, in order."""
    while start < end:
        size, kind, body = uint(data, start, 4, end), data[start + 4 : start + 8], start + 8
        if size == 1:
            size, body = uint(data, start + 8, 8, end), start + 16
        elif size == 0:
            size = end - start
        if size < body - start or start + size > end or len(kind) < 4:
            raise NotCmaf(f"box {kind!r} at {start} claims {size} bytes, {end - start} are there")
        yield Box(kind, start, body, start + size)
        start += size


def child(data: Data, box: Box, *path: bytes) -> Box:
    """The first box under `box` by `path`; raises NotCmaf when one is missing."""
    found = find(data, box, *path)
    if found is None:
        raise NotCmaf(f"no {b'/'.join(path).decode('latin-1')} in {box.kind.decode('latin-1')}")
    return found


def find(data: Data, box: Box, *path: bytes) -> Box | None:
    """The first box under `box` by `path`, or None."""
    for kind in path:
        inner = next((b for b in boxes(data, box.body, box.end) if b.kind == kind), None)
        if inner is None:
            return None
        box = inner
    return box

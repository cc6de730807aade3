"""The index of the disk tier as bytes: blocks of records, each block with its length and CRC-32.

Pure. What exists is what the folder lists; the journal only remembers heads. A file's number is never given
to another object, so a record can name the right file or none. Hence the whole recovery:
1. a block that is torn or damaged is left out, and reading goes on at the next marker;
2. a record whose file is gone says nothing; a file without a record tells its own head;
3. of two files of one key the higher number is the later one; what a record says was dropped stays dropped.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from sys import intern
from typing import Any, NamedTuple

import msgpack

from edge.cache.key import PrimaryKey, StorageKey, VaryValues, storage_key

MARKER = b"\xf5HSJ1\r\n\xf6"
"""Begins every block; names the layout, too. No UTF-8 text has these bytes."""
BLOCK_RECORDS = 256
"""At most so many in a block: what one damaged byte can cost."""
_HEAD = struct.Struct(">8sII")
HEAD_BYTES = _HEAD.size
STORED, DROPPED = 0, 1
"""What a block says of its items: records of objects, or numbers of deleted files."""


class Listed(NamedTuple):
    """What the index knows of one object: enough to find, purge and count it."""

    number: int
    """Of its file; a later object has a higher one."""
    primary: PrimaryKey
    vary: VaryValues
    tags: tuple[str, ...]
    file_bytes: int
    language: str = ""
    """Content-Language, when there are variants."""

    @property
    def key(self) -> StorageKey:
        return storage_key(self.primary, self.vary)


@dataclass(slots=True)
class Replayed:
    """What the intact blocks of a journal say."""

    listed: dict[int, Listed] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    n_damaged: int = 0
    """Stretches of bytes that are no block."""

    @property
    def last_number(self) -> int:
        """The highest number that was ever recorded."""
        return max(max(self.listed, default=0), max(self.dropped, default=0))


class Found(NamedTuple):
    """The journal beside the folder."""

    listed: list[Listed]
    """With their files, the longest stored first."""
    unknown: list[int]
    """Files whose own head must be read."""
    dropped: list[int]
    """Files to delete."""


def stored(records: Iterable[Listed]) -> bytes:
    """The blocks that say that these objects are stored."""
    return b"".join(_blocks(STORED, [tuple(record) for record in records]))


def dropped(numbers: Iterable[int]) -> bytes:
    """The blocks that say that these files are deleted, though they may still be there."""
    return b"".join(_blocks(DROPPED, list(numbers)))


def _blocks(kind: int, items: list[Any]) -> Iterator[bytes]:
    for start in range(0, len(items), BLOCK_RECORDS):
        payload = msgpack.packb(
            (kind, items[start : start + BLOCK_RECORDS]), unicode_errors="surrogateescape"
        )
        assert isinstance(payload, bytes)
        yield _HEAD.pack(MARKER, len(payload), _checksum(payload)) + payload


def _checksum(payload: bytes | memoryview) -> int:
    return zlib.crc32(payload, len(payload))


def blocks(data: bytes) -> Iterator[tuple[int, Any] | None]:
    """The content of each intact block in turn; None for each stretch that is none."""
    place, view = 0, memoryview(data)
    while place < len(data):
        payload = _payload(view, place)
        read = None if payload is None else _unpacked(payload)
        yield read
        if payload is not None and read is not None:
            place += HEAD_BYTES + len(payload)
        else:
            place = data.find(MARKER, place + 1)
            place = len(data) if place < 0 else place


def _payload(view: memoryview, place: int) -> memoryview | None:
    if len(view) - place < HEAD_BYTES:
        return None
    marker, n_bytes, checksum = _HEAD.unpack_from(view, place)
    payload = view[place + HEAD_BYTES : place + HEAD_BYTES + n_bytes]
    is_whole = marker == MARKER and len(payload) == n_bytes and _checksum(payload) == checksum
    return payload if is_whole else None


def _unpacked(payload: memoryview) -> tuple[int, Any] | None:
    try:
        kind, items = msgpack.unpackb(payload, use_list=False, unicode_errors="surrogateescape")
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
    return kind, items


def replay(data: bytes) -> Replayed:
    """Everything that the intact blocks of `data` say. O(bytes); equal tags become one object."""
    result = Replayed()
    known_tags: dict[tuple[str, ...], tuple[str, ...]] = {}
    for block in blocks(data):
        if block is None:
            result.n_damaged += 1
        elif block[0] == DROPPED:
            result.dropped.update(block[1])
        else:
            for number, primary, vary, tags, file_bytes, language in block[1]:
                same = known_tags.get(tags)
                if same is None:
                    same = known_tags[tags] = tuple(map(intern, tags))
                result.listed[number] = Listed(number, primary, vary, same, file_bytes, language)
    return result


def beside(replayed: Replayed, numbers: Iterable[int]) -> Found:
    """What is stored, given the numbers of the files that are there."""
    found = Found([], [], [])
    for number in sorted(numbers):
        if number in replayed.dropped:
            found.dropped.append(number)
        elif (record := replayed.listed.get(number)) is not None:
            found.listed.append(record)
        else:
            found.unknown.append(number)
    return found


def latest(listed: Iterable[Listed]) -> tuple[dict[StorageKey, Listed], list[int]]:
    """The latest object of each key, the longest stored first; and the numbers of those that it replaced."""
    held: dict[StorageKey, Listed] = {}
    replaced: list[int] = []
    for record in sorted(listed, key=_number):
        key = record.key
        former = held.pop(key, None)
        if former is not None:
            replaced.append(former.number)
        held[key] = record
    return held, replaced


def _number(record: Listed) -> int:
    return record.number

"""The bytes of one object on disk: magic, length and digest of the head, digest of the body, head, body.

Pure. Every byte is covered: the head by its digest, the body by its own, the digests by not matching. A file
that is torn, flipped or from another format is a ValueError, never an object; so is one that was written as
another file: a name may come to the medium before the bytes, when a file is used again. The digest is XXH3 of
128 bits: it finds what a disk does to bytes, and is not meant against who may write to the folder.
"""

import hashlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

import msgpack
import xxhash
from multidict import CIMultiDict, MultiMapping

from edge.cache.entry import Body, Entry, Fields, Meta, Times, tags_of
from edge.cache.freshness import StorageRules, policy
from edge.cache.journal import Listed
from edge.cache.key import PrimaryKey

MAX_HEAD_BYTES = 256 * 1024
N_FIELDS = 7
"""Of a head, before the number of the file, which heads did not always tell."""


class Hash(Protocol):
    """What makes a digest, piece by piece."""

    def update(self, data: Body, /) -> None: ...
    def digest(self) -> bytes: ...


class Layout(NamedTuple):
    """A form of the file."""

    magic: bytes
    prefix: struct.Struct
    hashed: Callable[[Body], Hash]


WRITTEN: Final = Layout(b"HSE2", struct.Struct(">4sI16s16s"), xxhash.xxh3_128)
FORMER: Final = Layout(b"HSE1", struct.Struct(">4sI32s32s"), hashlib.sha256)
"""Written until XXH3 took a twentieth of its time; still read."""
_LAYOUTS: Final = {layout.magic: layout for layout in (WRITTEN, FORMER)}


@dataclass(frozen=True, slots=True)
class Prefix:
    """What stands before the head."""

    layout: Layout
    head_bytes: int
    head_digest: bytes
    body_digest: bytes

    @property
    def body_at(self) -> int:
        """Where the body begins."""
        return self.layout.prefix.size + self.head_bytes

    def head_of(self, data: bytes) -> bytes:
        """The head, from the first bytes of the file."""
        return data[self.layout.prefix.size : self.body_at]


def framed(entry: Entry, number: int) -> tuple[bytes, Body]:
    """Prefix and head of file `number` as one piece, and the body. Raises ValueError for too long a head."""
    meta = entry.meta
    times = (meta.times.request_ms, meta.times.response_ms)
    told = (meta.primary, meta.vary, meta.status, tuple(meta.fields), times, meta.initial_age_s)
    head = msgpack.packb((*told, meta.size_bytes, number), unicode_errors="surrogateescape")
    assert isinstance(head, bytes)
    if len(head) > MAX_HEAD_BYTES:
        raise ValueError(f"a head of {len(head)} bytes is over {MAX_HEAD_BYTES}")
    digests = WRITTEN.hashed(head).digest(), WRITTEN.hashed(entry.body).digest()
    return WRITTEN.prefix.pack(WRITTEN.magic, len(head), *digests) + head, entry.body


def read_prefix(data: bytes) -> Prefix:
    """The prefix at the start of a file. Raises ValueError."""
    layout = _LAYOUTS.get(data[:4])
    if layout is None:
        raise ValueError(f"starts with {data[:4]!r}")
    if len(data) < layout.prefix.size:
        raise ValueError("shorter than its prefix")
    _, head_bytes, head_digest, body_digest = layout.prefix.unpack_from(data)
    if head_bytes > MAX_HEAD_BYTES:
        raise ValueError(f"tells of a head of {head_bytes} bytes")
    return Prefix(layout, head_bytes, head_digest, body_digest)


def read_head(prefix: Prefix, head: bytes, number: int, storage: StorageRules) -> Meta:
    """The meta in these bytes of file `number`. Raises ValueError on anything that `framed` did not write."""
    try:
        primary, vary, status, fields, times, age, size = _unpacked(prefix, head, number)
        headers = CIMultiDict(_pairs(fields))
        return Meta(
            primary=PrimaryKey(str(primary)),
            vary=_pairs(vary),
            status=int(status),
            fields=tuple(headers.items()),
            times=Times(int(times[0]), int(times[1])),
            policy=policy(int(status), headers, storage),
            initial_age_s=float(age),
            tags=tags_of(headers),
            size_bytes=int(size),
        )
    except (TypeError, IndexError) as exc:
        raise ValueError(f"not a stored head: {exc}") from exc


def read_listed(prefix: Prefix, head: bytes, number: int) -> Listed:
    """What the index must know, from the head of file `number`. Raises ValueError as `read_head` does."""
    try:
        primary, vary, _, fields, _, _, size = _unpacked(prefix, head, number)
        headers, file_bytes = CIMultiDict(_pairs(fields)), prefix.body_at + int(size)
        told = tags_of(headers), file_bytes, _language(vary, headers)
        return Listed(number, PrimaryKey(str(primary)), _pairs(vary), *told)
    except TypeError as exc:
        raise ValueError(f"not a stored head: {exc}") from exc


def listed_of(entry: Entry, number: int, file_bytes: int) -> Listed:
    """What the index must know of an entry that was written as file `number`."""
    meta = entry.meta
    language = _language(meta.vary, entry.headers) if meta.vary else ""
    return Listed(number, meta.primary, meta.vary, meta.tags, file_bytes, language)


def _language(vary: Fields, headers: MultiMapping[str]) -> str:
    return headers.get("Content-Language", "") if vary else ""


def check_body(prefix: Prefix, body: bytes) -> None:
    """Raises ValueError when these are not the bytes that were written."""
    if prefix.layout.hashed(body).digest() != prefix.body_digest:
        raise ValueError("the body does not match its digest")


def _unpacked(prefix: Prefix, head: bytes, number: int) -> tuple[Any, ...]:
    if prefix.layout.hashed(head).digest() != prefix.head_digest:
        raise ValueError("the head does not match its digest")
    try:
        read = msgpack.unpackb(head, use_list=False, unicode_errors="surrogateescape")
    except msgpack.UnpackException as exc:
        raise ValueError(f"not a stored head: {exc}") from exc
    if not isinstance(read, tuple):
        raise ValueError("not a stored head")
    if read[N_FIELDS:] not in ((number,), ()):
        raise ValueError(f"was written as another file than {number}")
    return read[:N_FIELDS]


def _pairs(value: Iterable[Any]) -> Fields:
    return tuple((str(name), str(text)) for name, text in value)

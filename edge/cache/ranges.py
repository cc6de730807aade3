"""Byte ranges: what a request asks for, what a 206 brings, and which of both may be combined (RFC 9110 14).

Pure. A Range field that cannot be read, of another unit or of too many parts is as good as none, which
section 14.2 allows. Parts that overlap, or whose gap costs less than a part's head, are sent as one
(15.3.7.2), so that no request gets more bytes than the whole has.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from multidict import MultiMapping

from edge.cache.directives import http_date_s

MAX_PARTS = 8
"""Of one answer; a request for more gets the whole (section 17.15)."""
PART_HEAD_BYTES = 120
"""About what a part of a multipart answer costs beside its bytes."""
MAX_OFFSET = 10**18

_UNIT = re.compile(r"bytes=(.*)\Z", re.ASCII | re.IGNORECASE | re.DOTALL)
_SPEC = re.compile(r"(\d*)-(\d*)\Z", re.ASCII)
_CONTENT_RANGE = re.compile(r"bytes +(\d{1,18})-(\d{1,18})/(\d{1,18}|\*)\Z", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RangeLimits:
    """What an operator sets about ranges of objects that are not stored as a whole."""

    block_bytes: int = 1024 * 1024
    """The origin is asked for whole blocks of this size."""
    span_bytes: int = 8 * 1024 * 1024
    """The most that is asked for at once."""
    gap_bytes: int = 1024 * 1024
    """A range that begins further ahead of a fill is fetched by itself."""


class Unsatisfiable(StrEnum):
    """A range that has no byte of the representation: 416."""

    RANGE = "range"


class Spec(NamedTuple):
    """One range as it was asked: first and last position, or (None, length) for the end of the whole."""

    first: int | None
    last: int | None

    def within(self, size: int) -> tuple[int, int]:
        """Start and stop in a representation of `size` bytes; start >= stop when it has none of them."""
        if self.first is None:
            return max(0, size - (self.last or 0)), size
        return self.first, size if self.last is None else min(self.last + 1, size)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `start` to `stop - 1` of `size` bytes; never empty."""

    start: int
    stop: int
    size: int

    def __len__(self) -> int:
        return self.stop - self.start

    def content_range(self) -> str:
        """The value of Content-Range."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


def specs(value: str | None) -> tuple[Spec, ...] | None:
    """The ranges of a Range field; None when it says nothing that is understood, or asks for too many."""
    match = _UNIT.match(value.strip()) if value else None
    if match is None:
        return None
    read = [_spec(text.strip(" \t")) for text in match[1].split(",") if text.strip(" \t")]
    found = tuple(spec for spec in read if spec is not None)
    return found if 0 < len(found) == len(read) <= MAX_PARTS else None


def _spec(text: str) -> Spec | None:
    match = _SPEC.match(text)
    if match is None or match[1] == match[2] == "":
        return None
    first, last = _offset(match[1]), _offset(match[2])
    return None if first is not None and last is not None and last < first else Spec(first, last)


def _offset(digits: str) -> int | None:
    if not digits:
        return None
    return min(int(digits), MAX_OFFSET) if len(digits) <= 18 else MAX_OFFSET


def resolved(asked: Sequence[Spec], size: int) -> tuple[ByteRange, ...] | Unsatisfiable:
    """The parts to send of a representation of `size` bytes, apart from each other, in the order asked."""
    found = [(*spec.within(size), place) for place, spec in enumerate(asked)]
    joined: list[tuple[int, int, int]] = []
    for start, stop, place in sorted(one for one in found if one[0] < one[1]):
        if joined and start <= joined[-1][1] + PART_HEAD_BYTES:
            first, end, earlier = joined.pop()
            joined.append((first, max(end, stop), min(earlier, place)))
        else:
            joined.append((start, stop, place))
    joined.sort(key=lambda part: part[2])
    return tuple(ByteRange(start, stop, size) for start, stop, _ in joined) or Unsatisfiable.RANGE


class ContentRange(NamedTuple):
    """What a 206 says that it brings."""

    start: int
    stop: int
    total: int | None
    """Of the whole; None when the origin does not know."""


def content_range(headers: MultiMapping[str]) -> ContentRange | None:
    """The Content-Range of a 206; None when there is none, it cannot be read, or it cannot be true."""
    match = _CONTENT_RANGE.match(headers.get("Content-Range", "").strip())
    if match is None:
        return None
    start, stop = int(match[1]), int(match[2]) + 1
    total = None if match[3] == "*" else int(match[3])
    is_true = start < stop and (total is None or stop <= total)
    return ContentRange(start, stop, total) if is_true else None


def strong_validator(headers: MultiMapping[str]) -> str | None:
    """What tells this version from every other, byte by byte: a strong entity tag, else Last-Modified when
    the origin had a second to tell two versions apart (section 8.8.2.2); else None. Fit for If-Range."""
    tag = headers.get("ETag", "").strip()
    if tag:
        return tag if tag.startswith('"') and tag.endswith('"') and len(tag) > 1 else None
    value = headers.get("Last-Modified", "").strip()
    modified, date = http_date_s(value), http_date_s(headers.get("Date"))
    return value if modified is not None and date is not None and date >= modified + 1 else None


def rest_of(status: int, headers: MultiMapping[str], n_reached: int) -> dict[str, str] | None:
    """The fields that ask for what is missing of a broken answer; None when it cannot be continued."""
    validator = strong_validator(headers)
    came = content_range(headers) if status == 206 else None
    if validator is None or (status != 200 and came is None):
        return None
    start = n_reached + (came.start if came else 0)
    last = str(came.stop - 1) if came else ""
    return {"Range": f"bytes={start}-{last}", "If-Range": validator}


def does_continue(asked: MultiMapping[str], status: int, headers: MultiMapping[str]) -> bool:
    """Whether an answer to `rest_of` brings just that: the same version, from that byte to the end."""
    came, wanted = content_range(headers), specs(asked.get("Range"))
    if status != 206 or came is None or wanted is None or strong_validator(headers) != asked.get("If-Range"):
        return False
    first, last = wanted[0]
    return came.start == first and came.stop == (came.total if last is None else last + 1)


def aligned(first: int, last: int, block_bytes: int) -> tuple[int, int]:
    """Start and stop of the whole blocks around the bytes `first` to `last`."""
    return first // block_bytes * block_bytes, (last // block_bytes + 1) * block_bytes

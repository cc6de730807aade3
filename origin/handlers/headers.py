"""Conditional and range requests on an immutable object: which status, which bytes.

Pure. RFC 9110 §13 (preconditions) and §14 (ranges); one range at a time, a list of ranges gets the whole
object, as §14.2 allows. Validators here are always strong.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

from origin.errors import RangeNotSatisfiable

IMMUTABLE = "public, max-age=31536000, immutable"
EXPOSED_HEADERS = "Cache-Status, ETag, Content-Range, Age, Repr-Digest"

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")
_CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".m4s": "video/iso.segment",
    ".m3u8": "application/vnd.apple.mpegurl",
    ".vtt": "text/vtt; charset=utf-8",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """What to answer: a status, and the bytes [start, stop) of the object."""

    status: int
    start: int
    stop: int


def select(headers: Mapping[str, str], etag: str, size_bytes: int) -> Selection:
    """What a GET with these headers gets of an object. Raises RangeNotSatisfiable."""
    if matches(headers.get("If-None-Match", ""), etag):
        return Selection(304, 0, 0)
    whole = Selection(200, 0, size_bytes)
    found = _RANGE.match(headers.get("Range", "").replace(" ", ""))
    if not found or headers.get("If-Range", etag) != etag or found.groups() == ("", ""):
        return whole
    first, last = found.groups()
    if not first:
        start, stop = max(0, size_bytes - int(last)), size_bytes
    else:
        start, stop = int(first), min(size_bytes, int(last) + 1 if last else size_bytes)
        if last and int(last) < int(first):
            return whole
    if start >= size_bytes:
        raise RangeNotSatisfiable(f"the object has {size_bytes} bytes", limit_bytes=size_bytes, actual=start)
    return Selection(206, start, stop)


def matches(if_none_match: str, etag: str) -> bool:
    """Does the list of validators name `etag` (weakly compared), or anything at all?"""
    listed = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in listed or "*" in listed


def content_type(path: str) -> str:
    """The media type of a stored object by the ending of its name."""
    return _CONTENT_TYPES.get(path[path.rfind(".") :], "application/octet-stream")


def etag_of(sha256_hex: str) -> str:
    """The strong validator of an object with this digest."""
    return f'"{sha256_hex[:32]}"'


def repr_digest(sha256_hex: str) -> str:
    """The `Repr-Digest` field of an object with this digest (RFC 9530)."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256_hex)).decode()}:"


def surrogate_key(video: str, creator: str) -> str:
    """The tags by which an edge can purge."""
    return f"video:{video} creator:{creator}"

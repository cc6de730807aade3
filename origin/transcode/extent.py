"""Does a container claim more bytes than the file has? Read from the outermost headers alone.

Pure: bytes come from `read_at(offset, n)`. This finds a cut upload before any demuxer runs, also one that
claims 4 GB in 200 bytes. ISO/IEC 14496-12 §4.2 (size 1: 64 bits follow; size 0: to the end); RFC 8794 §4-6.
"""

from collections.abc import Callable

from origin.transcode.errors import BrokenMedia
from origin.transcode.sniff import Container

MAX_BOXES = 10_000
"""Outermost boxes that we walk: a fragmented file has two a fragment."""

ReadAt = Callable[[int, int], bytes]
_MUST_BE_WHOLE = {b"mdat", b"moov", b"moof", b"ftyp"}
_EBML_SEGMENT = 0x18538067


def check_extent(container: Container, size_bytes: int, read_at: ReadAt) -> None:
    """Raise BrokenMedia when the file of `size_bytes` ends before its boxes or elements do. Cost O(boxes)."""
    if container is Container.MOV:
        _check_boxes(size_bytes, read_at)
    else:
        _check_elements(size_bytes, read_at)


def _truncated(what: str, claimed: int, actual: int) -> BrokenMedia:
    text = f"truncated: {what} claims {claimed} bytes, the file ends after {actual}"
    return BrokenMedia(text, claimed_bytes=claimed, actual_bytes=actual)


def _check_boxes(size_bytes: int, read_at: ReadAt) -> None:
    offset, seen = 0, set[bytes]()
    for _ in range(MAX_BOXES):
        head = read_at(offset, 16)
        if len(head) < 8:
            break
        kind, box_bytes = head[4:8], int.from_bytes(head[:4], "big")
        if box_bytes == 1:
            box_bytes = int.from_bytes(head[8:16], "big")
        if box_bytes == 0:
            box_bytes = size_bytes - offset
        if offset + box_bytes > size_bytes and kind in _MUST_BE_WHOLE:
            raise _truncated(f"the {kind.decode()} box", box_bytes, size_bytes - offset)
        if box_bytes < 8:
            break
        seen.add(kind)
        offset += box_bytes
    if b"moov" not in seen:
        raise BrokenMedia("truncated: there is no moov box, which says where the frames are")
    if not seen & {b"mdat", b"moof"}:
        raise BrokenMedia("truncated: there is no mdat box, so no frame")


def _vint(data: bytes, keep_marker: bool) -> tuple[int, int]:
    """The variable-size integer at the start of `data` and its length; length 0 when there is none."""
    if not data or not data[0]:
        return 0, 0
    length = 9 - data[0].bit_length()
    if len(data) < length:
        return 0, 0
    value = int.from_bytes(data[:length], "big")
    return value if keep_marker else value & ((1 << 7 * length) - 1), length


def _check_elements(size_bytes: int, read_at: ReadAt) -> None:
    offset = 0
    for _ in range(MAX_BOXES):
        head = read_at(offset, 12)
        kind, kind_bytes = _vint(head, keep_marker=True)
        body_bytes, length_bytes = _vint(head[kind_bytes:], keep_marker=False)
        if not kind_bytes or not length_bytes:
            break
        body = offset + kind_bytes + length_bytes
        is_unknown = body_bytes == (1 << 7 * length_bytes) - 1
        if not is_unknown and body + body_bytes > size_bytes:
            raise _truncated(f"element {kind:X}", body_bytes, max(size_bytes - body, 0))
        if kind == _EBML_SEGMENT:
            return
        if is_unknown:
            break
        offset = body + body_bytes
    raise BrokenMedia("truncated: there is no Segment element, so no frame")

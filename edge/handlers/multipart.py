"""The body of a 206 with several parts: multipart/byteranges (RFC 9110 section 14.6).

Pure. The boundary is the caller's to choose: 128 random bits, which nobody who writes an object can foresee,
looked for in the parts wherever they are at hand.
"""

from collections.abc import AsyncIterator, Sequence

from multidict import CIMultiDict, MultiMapping

from edge.cache.ranges import ByteRange
from edge.upstream.pieces import Piece


class Multipart:
    """Several parts of one representation. Invariant: `length_bytes` is what `body` and `stream` bring."""

    def __init__(self, parts: Sequence[ByteRange], content_type: str | None, boundary: str) -> None:
        self.parts = parts
        told = f"\r\nContent-Type: {content_type}" if content_type else ""
        self._heads = [
            f"\r\n--{boundary}{told}\r\nContent-Range: {part.content_range()}\r\n\r\n".encode()
            for part in parts
        ]
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self._boundary = boundary
        self.length_bytes = sum(map(len, parts)) + sum(map(len, self._heads)) + len(self._tail)

    def headers(self, whole: MultiMapping[str]) -> CIMultiDict[str]:
        """The fields of the 206, from those of the whole; each part tells its own Content-Range."""
        kept = CIMultiDict(whole)
        kept.popall("Content-Range", None)
        kept["Content-Type"] = f"multipart/byteranges; boundary={self._boundary}"
        kept["Content-Length"] = str(self.length_bytes)
        return kept

    def body(self, pieces: Sequence[bytes]) -> bytes:
        """All of it, from the bytes of each part."""
        joined = (both for pair in zip(self._heads, pieces, strict=True) for both in pair)
        return b"".join((*joined, self._tail))

    async def stream(self, pieces: Sequence[AsyncIterator[Piece]]) -> AsyncIterator[Piece]:
        """All of it, from the bytes of each part as they come."""
        for head, piece in zip(self._heads, pieces, strict=True):
            yield head
            async for chunk in piece:
                yield chunk
        yield self._tail


async def cut(chunks: AsyncIterator[Piece], place: int, start: int, stop: int) -> AsyncIterator[Piece]:
    """The bytes `start` to `stop - 1` of a stream that begins at `place`; no more of it is read than that."""
    async for chunk in chunks:
        first, end = max(0, start - place), min(len(chunk), stop - place)
        place += len(chunk)
        if first < end:
            yield chunk[first:end]
        if place >= stop:
            return

"""multipart/byteranges: read back by another parser, length told, cut out of a stream."""

import asyncio
from collections.abc import AsyncIterator
from email.parser import BytesParser

from hypothesis import given
from hypothesis import strategies as st

from edge.cache.ranges import ByteRange
from edge.handlers.multipart import Multipart, cut
from tests.edge_cache_builders import headers

WHOLE = bytes(range(256)) * 40


async def pieces(data: bytes, chunk_bytes: int) -> AsyncIterator[bytes]:
    for start in range(0, len(data), chunk_bytes):
        yield data[start : start + chunk_bytes]


@given(
    st.lists(st.tuples(st.integers(0, 9000), st.integers(1, 900)), min_size=2, max_size=8),
    st.integers(1, 5000),
)
def test_a_mail_parser_reads_every_part_back(asked: list[tuple[int, int]], chunk_bytes: int) -> None:
    parts = [ByteRange(start, start + length, len(WHOLE)) for start, length in asked]
    multipart = Multipart(parts, "video/mp4", "fence")

    body = multipart.body([WHOLE[part.start : part.stop] for part in parts])

    async def streamed() -> bytes:
        cuts = [cut(pieces(WHOLE, chunk_bytes), 0, part.start, part.stop) for part in parts]
        return b"".join([chunk async for chunk in multipart.stream(cuts)])

    told = multipart.headers(headers(Content_Type="video/mp4", Content_Length="9", ETag='"one"'))
    assert asyncio.run(streamed()) == body
    assert int(told["Content-Length"]) == len(body) and told["ETag"] == '"one"'
    message = BytesParser().parsebytes(b"Content-Type: " + told["Content-Type"].encode() + b"\r\n\r\n" + body)
    read = message.get_payload()
    assert [part["Content-Range"] for part in read] == [part.content_range() for part in parts]  # type: ignore[index]
    assert all(part["Content-Type"] == "video/mp4" for part in read)  # type: ignore[index]


def test_the_bytes_between_two_fences_are_exactly_the_part() -> None:
    part, other = ByteRange(0, 3, 9), ByteRange(6, 9, 9)

    body = Multipart([part, other], None, "fence").body([b"\r\n-", b"--f"])

    assert body == (
        b"\r\n--fence\r\nContent-Range: bytes 0-2/9\r\n\r\n\r\n-"
        b"\r\n--fence\r\nContent-Range: bytes 6-8/9\r\n\r\n--f"
        b"\r\n--fence--\r\n"
    )

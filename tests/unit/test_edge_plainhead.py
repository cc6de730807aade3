"""Heads that are read without the full parser: what it says, and that the full parser says the same."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp.http import HttpResponseParser
from hypothesis import example, given
from hypothesis import strategies as st

from edge.headers import end_to_end
from edge.upstream.plainhead import KIND_CHARS, N_KINDS, HeadReader, PlainHead

NAMES: tuple[str, ...] = (
    "Content-Length",
    "content-length",
    "ETag",
    "date",
    "X-Own",
    "x-own",
    "Cache-Control",
    "Vary",
)
NAMES += ("Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Set-Cookie", "bad name", "", "Upgrade")
VALUES: tuple[str, ...] = (
    "5",
    "05",
    "5, 5",
    "0",
    "-5",
    '"a"',
    "max-age=1",
    "keep-alive",
    "Keep-Alive",
    "close",
    "chunked",
    "",
)
VALUES += ("a\tb", " b ", "caf\u00e9", "\x00", "a\rb", "timeout=5", "h2c")
SEPARATORS = (":", ": ", ":  ", ":\t", " : ", "")
STATUSES = (
    "HTTP/1.1 200 OK",
    "HTTP/1.1 200 ",
    "HTTP/1.1 200",
    "HTTP/1.0 200 OK",
    "HTTP/1.1 206 OK",
    "HTTP/2 200 OK",
)
ENDS = ("\r\n", "\r\n", "\r\n", "\n", "\r\n ")
lines = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(NAMES) | st.text("aB-_:", max_size=3),
    st.sampled_from(SEPARATORS),
    st.sampled_from(VALUES) | st.text(max_size=4),
    st.sampled_from(ENDS),
)


def head(*fields: str, length: int = 5) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", f"Content-Length: {length}", *fields)).encode()


def parsed(head: bytes) -> Any:
    """What the full parser makes of a head."""
    protocol = cast(Any, SimpleNamespace())
    loop = asyncio.new_event_loop()
    try:
        parser = HttpResponseParser(protocol, loop, 2**16, read_until_eof=True, auto_decompress=False)
        messages, _, _ = parser.feed_data(head + b"\r\n\r\n")
    finally:
        loop.close()
    ((message, _),) = messages
    return message


@given(st.sampled_from(STATUSES), st.lists(lines, max_size=5), st.integers(0, 10**13))
@example("HTTP/1.1 200 OK", ["connection: keep-alive\r\n", "Keep-Alive: timeout=5\r\n", "eTAG: a\r\n"], 5)
def test_what_it_reads_the_full_parser_reads_alike(status: str, fields: list[str], length: int) -> None:
    told = f"{status}\r\n{''.join(fields)}Content-Length: {length}".encode("utf-8", "surrogatepass")
    reader = HeadReader()
    read = reader.read(told)

    assert read == reader.read(told)
    if read is None:
        return
    message = parsed(told)
    assert (message.code, message.reason) == (read.code, read.reason)
    assert not (message.should_close or message.chunked or message.upgrade)
    assert list(end_to_end(message.headers).items()) == list(read.headers.items())
    assert message.headers.getall("Content-Length") == [str(read.n_bytes)]


@pytest.mark.parametrize(
    "line",
    [
        "Transfer-Encoding: chunked",
        "Connection: close",
        "Connection: keep-alive, X-Own",
        "Upgrade: h2c",
        "Trailer: ETag",
        "Content-Length: 5",
        "X-Own : 1",
        "X-Own:",
        " folded",
        "X-Own: a\nETag: b",
        "X-Own: caf\u00e9",
    ],
)
def test_what_is_unusual_is_for_the_full_parser(line: str) -> None:
    reader = HeadReader()

    assert reader.read(head("Date: x")) is not None
    assert reader.read(head(line)) is None


@pytest.mark.parametrize("length", ["0", "05", "+5", "5 5", "9999999999999"])
def test_a_length_is_a_plain_number_and_not_nothing(length: str) -> None:
    assert HeadReader().read(f"HTTP/1.1 200 OK\r\nContent-Length: {length}".encode()) is None


def test_fields_of_the_connection_end_here() -> None:
    read = HeadReader().read(head("Connection: keep-alive", "Keep-Alive: timeout=5", "etag: a"))

    assert isinstance(read, PlainHead)
    assert list(read.headers.items()) == [("Content-Length", "5"), ("Etag", "a")]


def test_two_heads_share_their_kind_and_no_fields() -> None:
    reader = HeadReader()
    one, other = reader.read(head("X-Own: a")), reader.read(head("X-Own: b"))
    assert one is not None and other is not None

    one.headers["X-Own"] = "c"

    assert one.kind is other.kind
    assert (one.headers["X-Own"], other.headers["X-Own"]) == ("a", "b")


def test_kinds_that_are_remembered_are_few_and_short() -> None:
    reader = HeadReader()
    for number in range(N_KINDS + 10):
        reader.read(head(f"X-Own-{number}: 1"))
        reader.read(head(f"X-{'a' * KIND_CHARS}: {number}"))

    assert len(reader._kinds) <= N_KINDS
    assert all(sum(map(len, names)) <= KIND_CHARS for names in reader._kinds)

"""The allow-list of header blocks, and where a request ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.serving.headblock import HARMLESS, MAX_BLOCK_BYTES, UNSURE, WHOLE, judge, unread

HOST = b"Host: edge.example:8080\r\n"
PLAYER = (
    HOST
    + b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\nAccept-Encoding: gzip, br\r\n"
    + b"Connection: keep-alive\r\nOrigin: https://watch.example\r\nSec-Fetch-Mode: cors\r\n"
)


def test_a_players_block_asks_for_the_whole() -> None:
    assert judge(PLAYER + b"\r\n") is WHOLE


@pytest.mark.parametrize(
    ("value", "span"),
    [
        (b"bytes=0-", (0, -1)),
        (b"bytes=0-0", (0, 0)),
        (b"bytes=100-299", (100, 299)),
        (b"bytes=007-9", (7, 9)),
        (b"bytes=-5", None),
        (b"bytes=9-3", None),
        (b"bytes=0-1,3-4", None),
        (b"bytes=0-1, 3-4", None),
        (b"bytes = 0-1", None),
        (b"Bytes=0-1", None),
        (b"items=0-1", None),
        (b"bytes=0-9999999999999999", None),
        (b"", None),
    ],
)
def test_a_single_simple_range_is_read(value: bytes, span: tuple[int, int] | None) -> None:
    assert judge(PLAYER + b"Range: " + value + b"\r\n\r\n") == span


@pytest.mark.parametrize("tag", [b'"one"', b'W/"one"', b'""', b'"a,b"'])
def test_a_single_entity_tag_is_read(tag: bytes) -> None:
    assert judge(PLAYER + b"If-None-Match: " + tag + b"\r\n\r\n") == tag


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\r\n",
        b"Accept: */*\r\n\r\n",
        HOST,
        HOST + HOST + b"\r\n",
        HOST + b"host: other\r\n\r\n",
        b"Host:\r\n\r\n",
        b"Host: a b\r\n\r\n",
        b"Host: a/b\r\n\r\n",
        b"Host: user@a\r\n\r\n",
        b"Host: a:123456\r\n\r\n",
        HOST + b"Cookie: a=b\r\n\r\n",
        HOST + b"Authorization: Bearer x\r\n\r\n",
        HOST + b"Cache-Control: no-cache\r\n\r\n",
        HOST + b"Pragma: no-cache\r\n\r\n",
        HOST + b"If-None-Match: *\r\n\r\n",
        HOST + b"If-None-Match: one\r\n\r\n",
        HOST + b'If-None-Match: "one", "two"\r\n\r\n',
        HOST + b'If-None-Match: w/"one"\r\n\r\n',
        HOST + b'If-None-Match: "o"e"\r\n\r\n',
        HOST + b'If-None-Match: "one"\r\nIf-None-Match: "one"\r\n\r\n',
        HOST + b'If-None-Match: "one"\r\nRange: bytes=0-1\r\n\r\n',
        HOST + b'If-None-Match: "one"\r\nIf-Modified-Since: x\r\n\r\n',
        HOST + b'Range: bytes=0-1\r\nIf-Range: "one"\r\n\r\n',
        HOST + b"Range: bytes=0-1\r\nRange: bytes=0-1\r\n\r\n",
        HOST + b"Connection: close\r\n\r\n",
        HOST + b"Connection: keep-alive, upgrade\r\n\r\n",
        HOST + b"Content-Length: 0\r\n\r\n",
        HOST + b"Transfer-Encoding: chunked\r\n\r\n",
        HOST + b"Upgrade: websocket\r\n\r\n",
        HOST + b"Expect: 100-continue\r\n\r\n",
        HOST + b"Forwarded: for=1\r\n\r\n",
        HOST + b"Accept : */*\r\n\r\n",
        HOST + b" Accept: */*\r\n\r\n",
        HOST + b"Accept: a\r\n b\r\n\r\n",
        HOST + b"Accept: a\tb\r\n\r\n",
        HOST + b"Accept: a\x00b\r\n\r\n",
        HOST + b"Accept: a\x7fb\r\n\r\n",
        HOST + b"Accept: \xe9\r\n\r\n",
        HOST + b"Accept: a\nb\r\n\r\n",
        HOST + b"Accept: a\rb\r\n\r\n",
        HOST + b"Accept\r\n\r\n",
        HOST + b"\r\nGET / HTTP/1.1\r\n\r\n",
        HOST + b"\r\n" + HOST + b"\r\n",
        HOST + b"Accept: " + b"a" * MAX_BLOCK_BYTES + b"\r\n\r\n",
    ],
)
def test_anything_else_is_not_harmless(block: bytes) -> None:
    assert judge(block) is None


@given(st.lists(st.tuples(st.sampled_from(sorted(HARMLESS)), st.binary(max_size=20)), max_size=6))
def test_a_harmless_block_has_known_names_once_and_printable_values(
    fields: list[tuple[bytes, bytes]],
) -> None:
    block = HOST + b"".join(b"%b: %b\r\n" % field for field in fields) + b"\r\n"

    if judge(block) is not None:
        names = [name for name, _ in fields]
        assert len({*names, b"host"}) == len(names) + 1
        assert all(32 <= byte < 127 for _, value in fields for byte in value)


@pytest.mark.parametrize(
    ("left", "data", "after"),
    [
        (0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0),
        (0, b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 0),
        (0, b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na", 2),
        (2, b"b", 1),
        (2, b"bc", 0),
        (2, b"bcd", UNSURE),
        (0, b"GET / HTTP/1.1\r\nHost", UNSURE),
        (0, b"GET / HTTP/1.1\r\n\r\nGET", UNSURE),
        (0, b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", UNSURE),
        (0, b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", UNSURE),
        (0, b"POST / HTTP/1.1\r\nContent-Length : 0\r\n\r\n", UNSURE),
        (0, b"POST / HTTP/1.1\r\nX: a\r\n Content-Length: 3\r\n\r\n", UNSURE),
        (0, b"POST / HTTP/1.1\nContent-Length: 3\r\n\r\n", UNSURE),
        (0, b"GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n", UNSURE),
        (0, b"GET / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n", UNSURE),
        (0, b"CONNECT a:1 HTTP/1.1\r\n\r\n", UNSURE),
        (UNSURE, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", UNSURE),
    ],
)
def test_the_end_of_a_request_is_told_or_unsure(left: int, data: bytes, after: int) -> None:
    assert unread(left, data) == after

"""Requests that are nearly right: a grammar of pieces, and mutations of what is there."""

import random

PIECES = [
    *(
        b"GET ",
        b"HEAD ",
        b"POST ",
        b"PUT ",
        b"OPTIONS ",
        b"DELETE ",
        b"CONNECT ",
        b"TRACE ",
        b"PRI * ",
        b"get ",
    ),
    *(b"/hot", b"/a", b"/big", b"/a?b=c", b"/%2e%2e/a", b"/../", b"/a#b", b"http://x/a", b"http://y/a", b"*"),
    *(
        b"//a",
        b"/%",
        b"/%00",
        b"/\xc3\xa9",
        b"/a/b/../c",
        b"http://x",
        b"http://x@y/",
        b"/a;b",
        b"\\",
        b"/%zz",
    ),
    *(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/2.0\r\n", b" HTTP/0.9\r\n", b" HTTP/1.1\n", b"\r\n"),
    *(b"Host: x\r\n", b"Host: y\r\n", b"Host:\r\n", b"host : x\r\n", b"Host: x/y\r\n", b"HOST:x\r\n"),
    *(
        b"Content-Length: 3\r\n",
        b"Content-Length: 0\r\n",
        b"Content-Length: +3\r\n",
        b"Content-Length: 3,3\r\n",
    ),
    *(b"Content-Length: 99999999999999999999\r\n", b"Content-Length:\r\n", b"Content-Length: 0x3\r\n"),
    *(
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
    ),
    *(
        b"Transfer-Encoding: Chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
        b"Transfer_Encoding: chunked\r\n",
    ),
    *(
        b"Connection: close\r\n",
        b"Connection: keep-alive\r\n",
        b"Connection: upgrade\r\n",
        b"Upgrade: websocket\r\n",
    ),
    *(b"Upgrade: h2c\r\n", b"Connection: X-A, host\r\n", b"X-A: b\r\n", b" folded\r\n", b"X-A: \x01\r\n"),
    *(b"X-A: \xff\r\n", b"X-A: a\rb\r\n", b"X-A: a\0b\r\n", b": a\r\n", b"X A: b\r\n", b"X-A b\r\n", b"\n"),
    *(b"Range: bytes=0-\r\n", b"Range: bytes=1-2,4-5\r\n", b"Range: bytes=-0\r\n", b"Range: bytes=9-1\r\n"),
    *(b"If-None-Match: *\r\n", b"If-Range: x\r\n", b"If-Modified-Since: x\r\n", b"If-Match: *\r\n"),
    *(b"Cache-Control: no-cache\r\n", b"Cache-Control: only-if-cached\r\n", b"Cache-Control: no-store\r\n"),
    *(
        b"Cache-Control: max-age=-1,,=\r\n",
        b"Pragma: no-cache\r\n",
        b"Authorization: x\r\n",
        b"Cookie: a=b\r\n",
    ),
    *(
        b"Expect: 100-continue\r\n",
        b"Expect: x\r\n",
        b"TE: trailers\r\n",
        b"Trailer: X\r\n",
        b"CDN-Loop: x\r\n",
    ),
    *(b"Via: 1.1 x\r\n", b"Max-Forwards: 0\r\n", b"Accept-Encoding: gzip\r\n", b"Headstart-Hop: shield\r\n"),
    *(b"Headstart-Purge-Revision: 99\r\n", b"Content-Encoding: gzip\r\n", b"Sec-WebSocket-Key1: a\r\n"),
    *(
        b"abc",
        b"3\r\nabc\r\n0\r\n\r\n",
        b"0\r\n\r\n",
        b"3;x=y\r\nabc\r\n",
        b"3\nabc\n0\n\n",
        b"0\r\nX: y\r\n\r\n",
    ),
    *(
        b"-1\r\n",
        b"fffffffffffffffff\r\n",
        b"3 \r\nabc\r\n",
        b"\0",
        b" ",
        b"\t",
        b"\r",
        b":",
        b"\x7f",
        b"\xff",
    ),
    *(b"GET /hot HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"),
    *(b"POST /a HTTP/1.1\r\nHost: x\r\n", b"X-Long: " + b"a" * 9000 + b"\r\n", b"X: y\r\n" * 110),
]
STARTS = [
    b"GET /hot HTTP/1.1\r\nHost: x\r\n",
    b"POST /a HTTP/1.1\r\nHost: x\r\n",
    b"GET /a HTTP/1.1\r\nHost: x\r\n",
]


def generated(rng: random.Random) -> bytes:
    """A few requests out of pieces."""
    parts = []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        parts.append(rng.choice(STARTS) if rng.random() < 0.7 else b"")
        parts += rng.choices(PIECES, k=rng.randrange(6))
        if rng.random() < 0.8:
            parts.append(b"\r\n")
        if rng.random() < 0.3:
            parts.append(rng.choice(PIECES))
    return b"".join(parts)


def mutated(data: bytes, rng: random.Random) -> bytes:
    """The same with something wrong."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3, 5))):
        place = rng.randrange(len(changed) + 1)
        match rng.randrange(5):
            case 0:
                changed[place:place] = rng.choice(PIECES)
            case 1:
                del changed[place : place + rng.randrange(1, 9)]
            case 2 if place < len(changed):
                changed[place] = rng.choice((0, 9, 10, 13, 32, 58, 127, 255, rng.randrange(256)))
            case 3:
                start = rng.randrange(len(changed) + 1)
                changed[place:place] = changed[start : start + rng.randrange(1, 40)]
            case _:
                changed = changed[:place] + changed[rng.randrange(len(changed) + 1) :]
    return bytes(changed[:65536])

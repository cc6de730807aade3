"""Both paths, driven with the same bytes, answer with the same bytes: requests of every kind, cut anywhere,
pipelined, with and without TLS. Only the values of Age and Date, and a random boundary, may differ."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import NamedTuple

import pytest
import uvloop
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edge.cache.tags import Purge
from edge.serving.guard import RequestLimits
from edge.serving.listener import ListenSettings
from tests.certificates import self_signed
from tests.fast_edges import BIG, Served, heated, serving
from tests.origins import FRESH, Reply, ScriptedOrigin
from tests.wire import Wire, connected, get

MASKED = re.compile(rb"(?<=\r\nAge: )\d+|(?<=\r\nDate: )[^\r]*|[0-9a-f]{32}")
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
LIMITS = RequestLimits(head_s=0.2, body_s=0.2)

TARGETS = ("/a", "/big")
SPANS = ("0-", "0-99999", "3-5", "0-7")

LINES = st.sampled_from(
    [b"GET /a HTTP/1.1", b"GET /big HTTP/1.1"] * 6
    + [
        b"HEAD /a HTTP/1.1",
        b"GET /a HTTP/1.0",
        b"GET /a?x=1 HTTP/1.1",
        b"GET /missing HTTP/1.1",
        b"GET /%61 HTTP/1.1",
        b"GET //a HTTP/1.1",
        b"GET /a#f HTTP/1.1",
        b"GET /x/../a HTTP/1.1",
        b"GET http://edge.example/a HTTP/1.1",
        b"get /a HTTP/1.1",
        b"GET  /a HTTP/1.1",
        b"GET /a HTTP/1.1 ",
        b"\r\nGET /a HTTP/1.1",
        b"GET /a http/1.1",
        b"GET /a HTTP/1.2",
        b"GET /a",
        b"POST /a HTTP/1.1",
        b"OPTIONS /a HTTP/1.1",
        b"TRACE /a HTTP/1.1",
    ]
)
HOSTS = st.sampled_from(
    [[b"Host: edge.example"]] * 8
    + [
        [],
        [b"Host: a", b"Host: a"],
        [b"Host:"],
        [b"Host: a b"],
        [b"host: a:80"],
        [b"Host : a"],
        [b"Host: [::1]"],
    ]
)
FIELDS = st.lists(
    st.sampled_from(
        [
            b"Accept: */*",
            b"accept:*/*",
            b"Accept:",
            b"Accept: */*",
            b"User-Agent: player/1.0 (x; y)",
            b"User-Agent: caf\xc3\xa9",
            b"Origin: https://watch.example",
            b"Connection: keep-alive",
            b"Connection: Keep-Alive",
            b"Connection: close",
            b"Connection: x-odd",
            b"Range: bytes=0-",
            b"Range: bytes=0-99999",
            b"Range: bytes=3-5",
            b"Range: bytes=5-3",
            b"Range: bytes=-4",
            b"Range: bytes=99999999-",
            b"Range: bytes=0-1,4-5",
            b"Range: bytes=00-7",
            b"Range:  bytes=1-2 ",
            b"Range: BYTES=1-2",
            b"range: items=1-2",
            b'If-Range: "one"',
            b'If-None-Match: "one"',
            b'If-None-Match: "two"',
            b"If-Modified-Since: Fri, 15 Jan 2027 08:00:00 GMT",
            b"Cookie: a=b",
            b"Authorization: Bearer x",
            b"Cache-Control: only-if-cached",
            b"Cache-Control: max-age=0, only-if-cached",
            b"Pragma: x",
            b"Content-Length: 0",
            b"Content-Length: 5",
            b"Content-Length: +5",
            b"Transfer-Encoding: chunked",
            b"Expect: 100-continue",
            b"Upgrade: websocket",
            b"X-Forwarded-For: 10.0.0.1",
            b"X-Unknown: 1",
            b"Accept : */*",
            b" folded",
            b"NoColon",
            b"X-Nul: a\x00b",
            b"X-Cr: a\rb",
            b"X-Lf: a\nb",
            b"X-Tab: a\tb",
            b"",
        ]
    )
    | st.binary(max_size=12),
    max_size=4,
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One request, and the body that its fields announce, mostly."""
    fields = [*draw(HOSTS), *draw(FIELDS)]
    end = draw(st.sampled_from([b"\r\n"] * 9 + [b"\n"]))
    body = b""
    if b"Content-Length: 5" in fields:
        body = b"12345"
    if b"Transfer-Encoding: chunked" in fields:
        body = b"3\r\nabc\r\n0\r\n\r\n"
    return end.join([draw(LINES), *fields, b"", body])


RANGES = [[f"Range: bytes={span}"] for span in SPANS]
HEAT = [get(target, *fields) for target in TARGETS for fields in ([], *RANGES)]


class Heard(NamedTuple):
    """What came until the connection ended."""

    data: bytes
    is_reset: bool


async def _heard(wire: Wire) -> Heard:
    data = bytearray()
    is_reset = False
    try:
        async with asyncio.timeout(10):
            while piece := await wire.reader.read(1 << 20):
                data += piece
    except ConnectionError:
        is_reset = True
    return Heard(MASKED.sub(b"*", bytes(data)), is_reset)


class Pair:
    """A loop of our own, and both listeners in it."""

    def __init__(self, runner: asyncio.Runner, served: Served) -> None:
        self._runner = runner
        self._served = served
        self.n_fast = 0
        """Answers that the fast path has given."""

    def compare(self, pieces: Sequence[bytes]) -> bytes:
        """What both answer to these pieces, written one after the other. Fails when they differ."""
        fast = self._runner.run(self._answers(self._served.fast, pieces))
        plain = self._runner.run(self._answers(self._served.plain, pieces))
        if fast.is_reset or plain.is_reset:  # by unread input: how much of the answer survives that is luck
            assert fast.data.startswith(plain.data) or plain.data.startswith(fast.data), pieces
        else:
            assert fast.data == plain.data, pieces
        return fast.data

    def _is_as_it_was(self) -> bool:
        """Whether both find what they found before: an answer may have stored or dropped something."""
        delivery = self._served.delivery
        n_parts = sum(map(len, delivery.hot.parts.values()))
        is_hot = all(self._served.is_hot(target) for target in TARGETS)
        is_all = set(delivery.cache.memory.keys()) == set(TARGETS)
        return is_all and is_hot and n_parts == len(SPANS) * len(TARGETS)

    async def _answers(self, url: str, pieces: Sequence[bytes]) -> Heard:
        if not self._is_as_it_was():
            await self._served.delivery.cache.purge(Purge())
            async with connected(self._served.fast) as wire:
                await heated(wire, *HEAT)
            assert self._is_as_it_was()
        async with connected(url) as wire:
            for piece in pieces:
                if wire.writer.transport.is_closing():
                    break  # the answer to an earlier piece was the last
                wire.writer.write(piece)
                for _ in range(4):
                    await asyncio.sleep(0)
            mine = [one for one in self._served.listener.connections if url == self._served.fast]
            answered = await _heard(wire)
            self.n_fast += sum(one.n_answered for one in mine if one.transport is None)
        return answered


@asynccontextmanager
async def _both(listening: ListenSettings) -> AsyncIterator[Served]:
    async with ScriptedOrigin() as origin:
        fields = {**FRESH, "Last-Modified": "Fri, 15 Jan 2027 08:00:00 GMT", "Content-Type": "video/mp4"}
        origin.replies["/a"] = Reply(b"0123456789", headers=fields)
        origin.replies["/big"] = Reply(BIG[:80_000], headers=fields)
        origin.replies["/last"] = Reply(b"last", headers={})
        async with serving(origin, requests=LIMITS, listening=listening) as served:
            yield served


@pytest.fixture(scope="module", params=["plain", "tls"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    chain, key = self_signed() if request.param == "tls" else ("", "")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        both = _both(ListenSettings(tls_cert=chain, tls_key=key))
        served = runner.run(both.__aenter__())
        yield Pair(runner, served)
        runner.run(both.__aexit__(None, None, None))


PLAIN = get("/a")
RANGED = get("/big", "Range: bytes=0-99999")
BAD_CHUNK = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\r\n3\r\nabc\r\n0\r\n\r\n"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    sent=st.lists(st.tuples(requests(), st.booleans()), min_size=1, max_size=3),
    cuts=st.just([]) | st.lists(st.integers(0, 400), max_size=3),
)
@example(sent=[(PLAIN, True), (PLAIN, True), (PLAIN, False)], cuts=[])
@example(sent=[(PLAIN, True), (get("/a", "Cookie: a"), False), (PLAIN, True)], cuts=[])
@example(sent=[(RANGED, False), (PLAIN, True)], cuts=[9])
@example(sent=[(BAD_CHUNK, False)], cuts=[])
def test_both_paths_answer_the_same_bytes_alike(
    pair: Pair, sent: list[tuple[bytes, bool]], cuts: list[int]
) -> None:
    """Each request with whether it is written apart from the one before; and places to cut at besides."""
    whole, places = b"", {0}
    for request, is_apart in [*sent, (LAST, True)]:
        places |= {len(whole)} if is_apart else set()
        whole += request
    bounds = sorted({*places, *(cut for cut in cuts if cut < len(whole)), len(whole)})

    pair.compare([whole[begin:end] for begin, end in pairwise(bounds)])


@pytest.mark.parametrize("request_bytes", [PLAIN, RANGED], ids=["plain", "ranged"])
def test_a_request_cut_at_any_place_is_answered_alike(pair: Pair, request_bytes: bytes) -> None:
    whole = pair.compare([request_bytes, LAST])

    for cut in range(1, len(request_bytes)):
        assert pair.compare([request_bytes[:cut], request_bytes[cut:], LAST]) == whole


@pytest.mark.parametrize("n_requests", [2, 3, 40])
def test_pipelined_requests_are_answered_alike_and_in_order(pair: Pair, n_requests: int) -> None:
    one = pair.compare([PLAIN, LAST])
    hot, last = one[: one.index(b"0123456789") + 10], one[one.index(b"0123456789") + 10 :]

    assert pair.compare([PLAIN * n_requests + LAST]) == hot * n_requests + last
    assert pair.compare([*[PLAIN] * n_requests, LAST]) == hot * n_requests + last


def test_these_tests_do_drive_the_fast_path(pair: Pair) -> None:
    hot = pair.compare([PLAIN, RANGED, PLAIN, LAST])

    assert pair.n_fast >= 3
    assert hot.count(b"HTTP/1.1 200 OK") == 3

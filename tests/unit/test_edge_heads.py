"""Heads that are judged by a plan: the same verdict, object and answer as field by field."""

from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from edge.cache.entry import Times, complete
from edge.cache.frame import framed
from edge.cache.freshness import Storable
from edge.cache.key import PrimaryKey
from edge.cache.memory import weight_bytes
from edge.cache.settings import CacheLimits
from edge.fills.headplan import N_PLANS, Plans
from edge.fills.heads import Heads
from edge.fills.want import Arrived, Fetched, FillSettings, Want
from edge.handlers.answer import Answers
from edge.headers import CacheStatus, Completion, Forward
from edge.upstream.exchange import OriginResponse
from edge.upstream.plainhead import HeadReader, PlainHead
from tests.edge_cache_builders import DATE, NOW_MS, FakeClock

EXTRA = (("Access-Control-Allow-Origin", "*"), ("X-Own", "ours 100%"))
SETTINGS = FillSettings(CacheLimits(), "edge", EXTRA)
COMPLETION = Completion.of("edge", EXTRA)
READER, HEADS = HeadReader(), Heads(SETTINGS, COMPLETION, FakeClock())
FIRST = CacheStatus("origin", Forward.MISS, 200, is_stored=True)
LINES = (
    f"Date: {DATE}",
    "Date: Fri, 15 Jan 2027 07:59:00 GMT",
    "date: yesterday",
    "Cache-Control: max-age=60",
    "cache-control: public, max-age=30, stale-while-revalidate=5",
    "Cache-Control: s-maxage=0",
    "Cache-Control: no-store",
    "Cache-Control: private, max-age=60",
    'Cache-Control: max-age=60, private="X-Mine"',
    "Cache-Control: max-age=60, no-cache",
    "CDN-Cache-Control: max-age=5",
    "Expires: Fri, 15 Jan 2027 09:00:00 GMT",
    "Surrogate-Key: video:1 creator:2 video:1",
    "Surrogate-Key: video:3",
    'ETag: "one"',
    "Age: 20",
    "Vary: Accept-Language",
    "Via: 1.1 other",
    "Set-Cookie: a=b",
    "Cache-Status: other; hit",
    "X-Own: theirs 50%s",
    "access-control-allow-origin: https://a.example",
    "X-Mine: 1",
    "Connection: keep-alive",
)


def plain(*lines: str, length: int = 10) -> PlainHead:
    head = READER.read("\r\n".join(("HTTP/1.1 200 OK", *lines, f"Content-Length: {length}")).encode())
    assert head is not None
    return head


def judged(head: PlainHead, delay_ms: int, *, by_plan: bool) -> Fetched:
    told = head if by_plan else None
    response = OriginResponse(200, head.reason, head.headers, cast(Any, None), plain=told)
    want = Want(PrimaryKey("/a"), CIMultiDictProxy(CIMultiDict({"Host": "a"})), "/a", is_plain=True)
    return HEADS.judged(Arrived(want, response, Times(NOW_MS - delay_ms, NOW_MS), 3), 0)


@given(st.lists(st.sampled_from(LINES), max_size=8), st.sampled_from((0, 1500)))
@example([LINES[0], LINES[3], LINES[12], LINES[14]], 0)
@example([LINES[1], LINES[4], LINES[20], LINES[21], LINES[23]], 1500)
def test_a_plan_judges_and_answers_as_field_by_field(lines: list[str], delay_ms: int) -> None:
    head = plain(*lines)
    planned, ordinary = (judged(head, delay_ms, by_plan=by_plan) for by_plan in (True, False))

    assert list(planned.headers.items()) == list(ordinary.headers.items())
    assert (planned.verdict, planned.is_shared, planned.vary) == (
        ordinary.verdict,
        ordinary.is_shared,
        ordinary.vary,
    )
    assert planned.meta._replace(size_bytes=0) == ordinary.meta
    if planned.verdict is Storable.YES:
        one, other = (complete(head.meta, b"0123456789") for head in (planned, ordinary))
        assert one == other
        assert list(one.headers.items()) == list(other.headers.items())
        assert weight_bytes(one) == weight_bytes(other)
        assert framed(one, 1)[0] == framed(other, 1)[0]
    if planned.plan is not None:
        template = planned.plan.template(FIRST.render("edge"))
        start = template % (head.reason, head.text)
        assert start.encode() == Answers("edge").rendered({}, ordinary, FIRST)


@pytest.mark.parametrize(
    ("lines", "has_plan"),
    [
        (LINES[:1] + LINES[3:4], True),
        (("Date: Fri, 15 Jan 2027 08:00:00 GMT", "Cache-Control: max-age=60", 'ETag: "two"'), True),
        (LINES[3:4], False),
        (LINES[:1] + LINES[5:6], True),
        (LINES[:1] + LINES[11:12], False),
        (LINES[:1] + LINES[3:4] + LINES[16:17], False),
        (LINES[:1] + LINES[3:4] + LINES[10:11], False),
    ],
)
def test_only_heads_of_which_one_line_decides_have_a_plan(lines: tuple[str, ...], has_plan: bool) -> None:
    assert (judged(plain(*lines), 0, by_plan=True).plan is not None) is has_plan


def test_plans_that_are_remembered_are_few() -> None:
    plans = Plans(SETTINGS.limits.storage(), COMPLETION)
    first = plain(LINES[0], "Cache-Control: max-age=0")
    for seconds in range(N_PLANS + 10):
        plans.of(plain(LINES[0], f"Cache-Control: max-age={seconds}"))

    assert len(plans._known) <= N_PLANS
    assert plans.of(first) is plans.of(first)

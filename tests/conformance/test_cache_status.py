"""RFC 9211: Cache-Status, with a reason for every no.

Each answer tells whether it is a hit, why the origin was asked, what it said, and why nothing was stored.
"""

from dataclasses import replace

import pytest

from edge.cache.settings import CacheLimits
from tests.conformance.lab import Lab, opened
from tests.conformance.wire import Told, told

TAG = ("ETag", '"abc"')
CUT = Told(is_cut=True)


async def test_a_miss_is_stored_and_a_hit_is_one(lab: Lab) -> None:
    path = lab.tell(told("max-age=600"))

    assert [(await lab.ask(path)).how for _ in range(2)] == [
        "fwd=uri-miss; fwd-status=200; stored; detail=origin",
        "hit; detail=memory",
    ]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (told("no-store"), "no-store"),
        (told("private, max-age=9"), "private"),
        (told(None), "no-freshness"),
        (told("max-age=9", ("Vary", "*")), "vary-star"),
        (told("max-age=9, must-understand", status=599), "not-understood"),
        (told("max-age=9", status=206), "status"),
        (told("max-age=9", ("CDN-Cache-Control", "no-store")), "no-store"),
    ],
)
async def test_what_is_not_stored_has_a_reason(lab: Lab, reply: Told, reason: str) -> None:
    answer = await lab.ask(lab.tell(reply))

    assert answer.how == f"fwd=uri-miss; fwd-status={reply.status}; detail={reason}"


@pytest.mark.parametrize(
    ("field", "reason"),
    [(("Cache-Control", "no-store"), "request-no-store"), (("Authorization", "Basic x"), "authorization")],
)
async def test_a_request_that_keeps_an_answer_from_being_stored_is_a_reason(
    lab: Lab, field: tuple[str, str], reason: str
) -> None:
    answer = await lab.ask(lab.tell(told("max-age=9")), field)

    assert answer.how == f"fwd=uri-miss; fwd-status=200; detail={reason}"


async def test_a_cookie_and_a_size_are_reasons() -> None:
    async with opened(replace(CacheLimits(), object_bytes=1024)) as lab:
        cookie = await lab.ask(lab.tell(told("max-age=9", ("Set-Cookie", "a=b"))))
        large = await lab.ask(lab.tell(told("max-age=9", body=bytes(2000))))

    assert cookie.how == "fwd=uri-miss; fwd-status=200; detail=set-cookie"
    assert large.how == "fwd=uri-miss; fwd-status=200; detail=too-large"


@pytest.mark.parametrize(("then", "how"), [(304, "detail=memory"), (200, "detail=origin")])
async def test_a_stale_answer_that_was_validated_or_replaced_says_so(lab: Lab, then: int, how: str) -> None:
    path = lab.tell(told("max-age=2", TAG), told("max-age=600", TAG, status=then))
    await lab.ask(path)
    lab.clock.advance(3)

    assert (await lab.ask(path)).how == f"fwd=stale; fwd-status={then}; stored; {how}"


async def test_a_request_that_wants_the_origin_is_named(lab: Lab) -> None:
    path = lab.tell(told("max-age=600"))
    await lab.ask(path)

    assert "fwd=request" in (await lab.ask(path, ("Cache-Control", "no-cache"))).how


async def test_another_variant_is_a_vary_miss(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Vary", "Foo")))
    await lab.ask(path, ("Foo", "1"))

    assert "fwd=vary-miss" in (await lab.ask(path, ("Foo", "2"))).how


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
async def test_a_method_that_is_not_cached_is_named(lab: Lab, method: str) -> None:
    answer = await lab.ask(lab.tell(told("max-age=600")), method=method)

    assert answer.how == "fwd=method; fwd-status=200; detail=method"


async def test_stale_content_in_place_of_an_error_says_what_the_origin_did(lab: Lab) -> None:
    for then, how in ((CUT, "hit; "), (told(None, status=500), "hit; fwd-status=500; ")):
        path = lab.tell(told("max-age=2, stale-if-error=60"), then)
        await lab.ask(path)
        lab.clock.advance(5)

        assert (await lab.ask(path)).how == f"{how}ttl=-3; detail=memory"


async def test_errors_of_our_own_are_named(lab: Lab) -> None:
    cut = await lab.ask(lab.tell(CUT))
    not_cached = await lab.ask(lab.tell(told("max-age=9")), ("Cache-Control", "only-if-cached"))

    assert (cut.status, cut.how) == (502, "fwd=uri-miss; detail=origin_unreachable")
    assert (not_cached.status, not_cached.how) == (504, "detail=not_cached")


async def test_the_caches_on_the_way_keep_their_say(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Cache-Status", "inner; hit")))

    first, stored = await lab.ask(path), await lab.ask(path)

    assert (first.get("Cache-Status") or "").startswith("inner; hit, headstart-edge; fwd=uri-miss")
    assert stored.get("Cache-Status") == "headstart-edge; hit; detail=memory"

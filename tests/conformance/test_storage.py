"""RFC 9111 section 3: storing responses.

A response is stored when its method, status and directives let a shared cache, and when it says for how long.
"""

import pytest

from edge.cache.settings import CacheLimits
from tests.conformance.lab import Lab, opened
from tests.conformance.wire import told

STATUSES = (200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599)


@pytest.mark.parametrize(
    "control",
    [
        "no-store",
        "No-StOrE",
        "no-store, max-age=600",
        "max-age=600, no-store",
        "private, max-age=600",
        "PRIVATE, s-maxage=600",
        "max-age=600, private, public",
        "",
        "public",
    ],
)
async def test_a_shared_cache_does_not_store(lab: Lab, control: str) -> None:
    assert not await lab.is_reused(told(control))


async def test_a_response_without_any_freshness_is_not_stored(lab: Lab) -> None:
    assert not await lab.is_reused(told(None, ("ETag", '"a"'), ("Last-Modified", lab.date(-86400))))


@pytest.mark.optimal
@pytest.mark.parametrize("status", STATUSES)
async def test_a_fresh_answer_is_reused_whatever_its_status(lab: Lab, status: int) -> None:
    assert await lab.is_reused(told("max-age=600", status=status), after_s=3)


@pytest.mark.parametrize("status", STATUSES)
async def test_a_stale_answer_is_not_reused_whatever_its_status(lab: Lab, status: int) -> None:
    assert not await lab.is_reused(told("max-age=600", status=status), after_s=601)


@pytest.mark.parametrize("status", [206, 304])
async def test_an_answer_that_makes_no_sense_for_a_plain_get_is_not_stored(lab: Lab, status: int) -> None:
    path = lab.tell(told("max-age=600", status=status))
    await lab.ask(path)
    await lab.ask(path)

    assert lab.n_seen(path) == 2


async def test_must_understand_keeps_an_unknown_status_out(lab: Lab) -> None:
    assert not await lab.is_reused(told("max-age=600, must-understand", status=599))
    assert not await lab.is_reused(told("max-age=600, no-store, must-understand", status=599))


@pytest.mark.optimal
async def test_must_understand_overrides_no_store_for_a_known_status(lab: Lab) -> None:
    assert await lab.is_reused(told("max-age=600, no-store, must-understand"))


async def test_a_request_with_no_store_leaves_nothing_behind(lab: Lab) -> None:
    path = lab.tell(told("max-age=600"))
    await lab.ask(path, ("Cache-Control", "no-store"))
    await lab.ask(path)

    assert lab.n_seen(path) == 2


@pytest.mark.optimal
async def test_a_cookie_of_the_request_does_not_keep_a_fresh_answer_from_being_reused(lab: Lab) -> None:
    assert await lab.is_reused(told("max-age=600"), ("Cookie", "a=b"))


@pytest.mark.optimal
async def test_a_cookie_of_the_answer_does_not_inhibit_storing_to_the_letter(lab: Lab) -> None:
    assert await lab.is_reused(told("max-age=600", ("Set-Cookie", "a=b")))


async def test_a_cookie_of_the_answer_inhibits_storing_by_default() -> None:
    async with opened(CacheLimits()) as lab:
        assert not await lab.is_reused(told("max-age=600", ("Set-Cookie", "a=b")))


async def test_different_queries_are_different_resources(lab: Lab) -> None:
    path = lab.tell(told("max-age=600"))
    for query in ("?a=1", "?a=2"):
        lab.origin.replies[path + query] = [told("max-age=600", body=query.encode())]

    answers = [(await lab.ask(path + query)).body for query in ("?a=1", "?a=2", "?a=1", "?a=2")]

    assert answers == [b"?a=1", b"?a=2", b"?a=1", b"?a=2"]
    assert lab.n_seen(path + "?a=1") == 1


async def test_a_newer_answer_that_is_not_stored_makes_the_older_one_untrue(lab: Lab) -> None:
    path = lab.tell(
        told("max-age=5", body=b"one"), told("no-store", body=b"two"), told("no-store", body=b"3")
    )
    await lab.ask(path)
    lab.clock.advance(6)

    assert [(await lab.ask(path)).body for _ in range(2)] == [b"two", b"3"]

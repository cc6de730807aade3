"""RFC 9111 section 4.2: freshness, and how its fields are read (1.2.2, 5.2, 5.3).

The first of s-maxage, max-age and Expires that is there decides; what cannot be read counts as stale.
"""

from dataclasses import replace

import pytest

from tests.conformance.lab import Lab, opened
from tests.conformance.wire import told
from tests.origins import PLAIN


@pytest.mark.optimal
@pytest.mark.parametrize(
    "control",
    [
        "max-age=3600",
        "MaX-aGe=3600",
        "max-age=003600",
        "max-age=2147483647",
        "max-age=2147483648",
        "max-age=99999999999",
        "foobar, max-age=3600",
        "max-age=3600, foobar=baz",
        "max-age=1, s-maxage=3600",
        "s-maxage=3600, max-age=0",
        'max-age="3600"',
        "max-age=3600, must-revalidate",
    ],
)
async def test_a_lifetime_is_obeyed(lab: Lab, control: str) -> None:
    assert await lab.is_reused(told(control), after_s=3)


@pytest.mark.parametrize(
    "control",
    [
        "max-age=0",
        "max-age=1",
        "max-age=-3600",
        "max-age=3600.0",
        "max-age=a3600",
        "max-age=3600a",
        "max-age='3600'",
        "max-age",
        "max-age=",
        "s-maxage=1, max-age=3600",
        "max-age=3600, s-maxage=0",
        'extension="max-age=3600", max-age=1',
        'max-age=1, extension="max-age=3600"',
        "max-age=3600, max-age=1",
        "max-age=1, max-age=3600",
    ],
)
async def test_no_lifetime_or_one_that_cannot_be_read_is_stale(lab: Lab, control: str) -> None:
    assert not await lab.is_reused(told(control), after_s=3)


@pytest.mark.optimal
@pytest.mark.parametrize(
    "expires",
    [
        "Tue, 19 Jan 2038 14:14:08 GMT",
        "Sun, 21 Nov 2286 04:46:39 GMT",
        "Thursday, 18-Aug-50 02:01:18 GMT",
        "Thu Aug  8 02:01:18 2050",
        "THU, 18 Aug 2050 02:01:18 GMT",
        "Thu, 18 AUG 2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02:01:18 gMT",
    ],
)
async def test_a_date_in_every_form_is_read(lab: Lab, expires: str) -> None:
    assert await lab.is_reused(told(None, ("Expires", expires)), after_s=3)


@pytest.mark.parametrize(
    "expires",
    [
        "0",
        "-1",
        "",
        "Thu, 18 Aug 2050 02:01:18 UTC",
        "Thu, 18 Aug 2050 02:01:18 AEST",
        "Thu, 18 Aug 2050 02:01:18 +0000",
        "Thu, 18 Aug 50 02:01:18 GMT",
        "Thu 18 Aug 2050 02:01:18 GMT",
        "Thu, 18  Aug  2050 02:01:18 GMT",
        "Thu, 18-Aug-2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02.01.18 GMT",
        "Thu, 18 Aug 2050 2:01:18 GMT",
        "Thu, 99 Aug 2050 02:01:18 GMT",
        "Thu, 18 Aug 2020 02:01:18 GMT",
    ],
)
async def test_a_date_that_is_past_or_none_is_stale(lab: Lab, expires: str) -> None:
    assert not await lab.is_reused(told(None, ("Expires", expires)))


async def test_two_expires_lines_are_stale(lab: Lab) -> None:
    one, two = ("Expires", "Thu, 18 Aug 2050 02:01:18 GMT"), ("Expires", "Thu, 18 Aug 2050 02:01:19 GMT")

    assert not await lab.is_reused(told(None, one, two))


@pytest.mark.parametrize(
    ("expires_s", "date_s", "age", "is_reused"),
    [
        (60, 0, None, True),
        (0, 0, None, False),
        (300, 400, None, False),
        (10, -10, "25", False),
        (20, 10, "15", False),
    ],
)
async def test_expires_counts_from_date(
    lab: Lab, expires_s: int, date_s: int, age: str | None, *, is_reused: bool
) -> None:
    fields = [("Expires", lab.date(expires_s)), ("Date", lab.date(date_s))]
    fields += [("Age", age)] if age else []

    assert await lab.is_reused(told(None, *fields)) is is_reused


@pytest.mark.optimal
async def test_expires_with_a_date_that_is_none_counts_from_now(lab: Lab) -> None:
    assert await lab.is_reused(told(None, ("Expires", lab.date(10)), ("Date", "foo")))


async def test_max_age_wins_over_expires_whichever_is_longer(lab: Lab) -> None:
    assert await lab.is_reused(told("max-age=600", ("Expires", lab.date(-60))), after_s=3)
    assert not await lab.is_reused(told("max-age=1", ("Expires", lab.date(600))), after_s=3)


async def test_several_lines_of_cache_control_are_one(lab: Lab) -> None:
    assert not await lab.is_reused(told("max-age=600", ("Cache-Control", "no-store")))
    assert not await lab.is_reused(told("max-age=600", ("Cache-Control", "max-age=1")), after_s=3)


async def test_pragma_says_nothing_in_an_answer_with_cache_control(lab: Lab) -> None:
    assert await lab.is_reused(told("max-age=600", ("Pragma", "no-cache")))


@pytest.mark.parametrize("status", [200, 201, 202, 403, 502, 503, 504, 599])
async def test_without_configuration_there_is_no_heuristic_freshness(lab: Lab, status: int) -> None:
    assert not await lab.is_reused(told(None, ("Last-Modified", lab.date(-86400)), status=status))


@pytest.mark.parametrize("status", [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])
async def test_configured_heuristics_hold_for_the_statuses_that_allow_them(status: int) -> None:
    async with opened(replace(PLAIN, heuristic_share=0.1)) as lab:
        reply = told(None, ("Last-Modified", lab.date(-86400)), status=status)

        assert await lab.is_reused(reply, after_s=3)


@pytest.mark.parametrize("status", [201, 202, 302, 307, 403, 500, 502, 503, 504, 599])
async def test_configured_heuristics_do_not_hold_for_any_other_status(status: int) -> None:
    async with opened(replace(PLAIN, heuristic_share=0.1)) as lab:
        reply = told(None, ("Last-Modified", lab.date(-86400)), status=status)

        assert not await lab.is_reused(reply)


async def test_public_makes_any_status_heuristically_cacheable_once_configured() -> None:
    async with opened(replace(PLAIN, heuristic_share=0.1)) as lab:
        fields = ("Last-Modified", lab.date(-86400))

        assert await lab.is_reused(told("public", fields, status=599), after_s=3)
        assert not await lab.is_reused(told("public", fields, status=599), after_s=8641)

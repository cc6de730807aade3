"""RFC 9213: targeted cache control.

CDN-Cache-Control is for caches like this one: where it is well-formed it is the only one that counts.
"""

from dataclasses import replace

import pytest

from tests.conformance.lab import Lab, opened
from tests.conformance.wire import told
from tests.origins import PLAIN

TARGETED = "CDN-Cache-Control"


@pytest.mark.optimal
@pytest.mark.parametrize(
    ("targeted", "control"),
    [
        ("max-age=3600", None),
        ("max-age=2147483648", None),
        ("max-age=99999999999", None),
        ("foobar, max-age=3600", None),
        ("max-age=3600;a=b", None),
        ("max-age=3600", "max-age=1"),
        ("max-age=3600", "no-store"),
        ("max-age=3600", "private"),
        ("s-maxage=3600, max-age=1", "no-store"),
    ],
)
async def test_the_targeted_field_lets_store(lab: Lab, targeted: str, control: str | None) -> None:
    assert await lab.is_reused(told(control, (TARGETED, targeted)), after_s=3)


@pytest.mark.optimal
@pytest.mark.parametrize("expires", ["0", "Thu, 18 Aug 2020 02:01:18 GMT"])
async def test_expires_does_not_count_beside_it(lab: Lab, expires: str) -> None:
    assert await lab.is_reused(told(None, (TARGETED, "max-age=3600"), ("Expires", expires)), after_s=3)


@pytest.mark.parametrize(
    "targeted",
    ["max-age=0", "max-age=1", "private", "no-cache", "no-store", "foobar", "max-age=3600, no-store"],
)
async def test_the_targeted_field_forbids_what_cache_control_and_expires_allow(
    lab: Lab, targeted: str
) -> None:
    reply = told("max-age=10000", (TARGETED, targeted), ("Expires", lab.date(10000)))

    assert not await lab.is_reused(reply, after_s=3)


async def test_the_age_that_arrives_counts_against_it(lab: Lab) -> None:
    assert not await lab.is_reused(told(None, (TARGETED, "max-age=3600"), ("Age", "7200")))


@pytest.mark.parametrize(
    "malformed",
    [
        "max-age=10000, &&&&&",
        'max-age="10000"',
        "max-age =10000",
        "max-age= 10000",
        "MaX-aGe=10000",
        "max-age=10000,",
        "max-age=1.5",
        "max-age=-1",
        "",
    ],
)
async def test_a_field_that_is_malformed_or_empty_is_not_there(lab: Lab, malformed: str) -> None:
    assert not await lab.is_reused(told("no-store", (TARGETED, malformed)), after_s=3)
    assert await lab.is_reused(told("max-age=600", (TARGETED, malformed)), after_s=3)


async def test_lines_of_it_are_one_field(lab: Lab) -> None:
    reply = told("no-store", (TARGETED, "foobar"), (TARGETED, "max-age=3600"))

    assert await lab.is_reused(reply, after_s=3)


async def test_it_goes_on_to_the_next_cache_with_the_age_and_dates_untouched(lab: Lab) -> None:
    expires = ("Expires", lab.date(1))
    path = lab.tell(told("max-age=1", (TARGETED, "max-age=10000"), expires))
    date = lab.date()
    await lab.ask(path)
    lab.clock.advance(3)

    stored = await lab.ask(path)

    assert (stored.get(TARGETED), stored.get("Date"), stored.get("Expires")) == (
        "max-age=10000",
        date,
        expires[1],
    )
    assert (stored.age, lab.n_seen(path)) == (3, 1)


async def test_a_304_updates_by_its_targeted_field(lab: Lab) -> None:
    tag = ("ETag", '"a"')
    path = lab.tell(
        told("no-store", tag, (TARGETED, "max-age=2")),
        told("no-store", tag, (TARGETED, "max-age=600"), status=304),
    )
    await lab.ask(path)
    lab.clock.advance(3)
    await lab.ask(path)
    lab.clock.advance(300)
    await lab.ask(path)

    assert lab.n_seen(path) == 2


async def test_the_first_configured_target_that_is_there_counts() -> None:
    async with opened(replace(PLAIN, targets=("Edge-Cache-Control", TARGETED))) as lab:
        both = (("Edge-Cache-Control", "max-age=600"), (TARGETED, "no-store"))

        assert await lab.is_reused(told(None, *both), after_s=3)
        assert not await lab.is_reused(told("max-age=600", both[1]))


async def test_no_configured_target_is_plain_cache_control() -> None:
    async with opened(replace(PLAIN, targets=())) as lab:
        assert await lab.is_reused(
            told("max-age=600", (TARGETED, "no-store"), ("Surrogate-Control", "no-store"))
        )


async def test_surrogate_control_counts_only_when_it_speaks_of_caching(lab: Lab) -> None:
    assert await lab.is_reused(told("no-store", ("Surrogate-Control", "max-age=600")), after_s=3)
    assert not await lab.is_reused(told("max-age=600", ("Surrogate-Control", "no-store")))
    assert await lab.is_reused(told("max-age=600", ("Surrogate-Control", 'content="ESI/1.0"')), after_s=3)

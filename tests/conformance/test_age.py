"""RFC 9111 sections 4.2.3 and 5.1: age, in and out.

Age counts from the origin, over every cache on the way, and is told with every stored answer.
"""

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import told


@pytest.mark.parametrize(
    ("lines", "is_reused"),
    [
        (("7200",), False),
        (("7200, 0",), False),
        (("7200", "0"), False),
        (("2147483647",), False),
        (("2147483648",), False),
        (("99999999999999999999",), False),
        (("0, 7200",), True),
        (("0", "7200"), True),
        (("0, 0",), True),
        (("100, 100",), True),
        (("abc",), True),
        (("-7200",), True),
        (("7200.0",), True),
        (("",), True),
    ],
)
async def test_the_age_that_arrives_is_its_first_member_or_none(
    lab: Lab, lines: tuple[str, ...], *, is_reused: bool
) -> None:
    reply = told("max-age=3600", *(("Age", line) for line in lines))

    assert await lab.is_reused(reply, after_s=3) is is_reused


async def test_a_stored_answer_tells_its_age(lab: Lab) -> None:
    path = lab.tell(told("max-age=600"))
    await lab.ask(path)
    lab.clock.advance(7)

    assert (await lab.ask(path)).age == 7


@pytest.mark.parametrize("is_expires", [True, False])
async def test_the_age_that_arrives_is_added_to(lab: Lab, *, is_expires: bool) -> None:
    freshness = ("Expires", lab.date(6000)) if is_expires else ("Cache-Control", "max-age=6000")
    path = lab.tell(told(None, freshness, ("Age", "30")))
    await lab.ask(path)
    lab.clock.advance(5)

    stored = await lab.ask(path)

    assert stored.age == 35
    assert [name for name, _ in stored.fields].count("Age") == 1


async def test_a_date_in_the_past_is_age(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Date", lab.date(-100))))
    await lab.ask(path)

    assert (await lab.ask(path)).age == 100


async def test_a_date_in_the_past_uses_up_freshness(lab: Lab) -> None:
    assert not await lab.is_reused(told("max-age=90", ("Date", lab.date(-100))))


async def test_a_date_in_the_future_is_no_negative_age(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Date", lab.date(100))))
    await lab.ask(path)

    assert (await lab.ask(path)).age == 0


async def test_an_answer_passed_on_at_once_keeps_the_age_it_came_with(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Age", "12")))

    assert (await lab.ask(path)).get("Age") == "12"


@pytest.mark.parametrize(("after_s", "is_reused"), [(-5, True), (-86_400, False)])
async def test_what_was_stored_by_a_clock_that_was_far_ahead_is_not_fresh(
    lab: Lab, after_s: float, *, is_reused: bool
) -> None:
    assert await lab.is_reused(told("max-age=600"), after_s=after_s) is is_reused

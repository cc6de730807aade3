"""RFC 9111 section 4.2.4 and RFC 5861: serving stale responses.

Stale is served where the answer, the request or a dead origin allows it, and never where it is forbidden.
"""

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import Told, told
from tests.waiting import eventually

CUT = Told(is_cut=True)
BROKEN = told(None, status=503, body=b"broken")
TAG = ("ETag", '"abc"')


async def stale_answer(
    lab: Lab, control: str, then: Told, after_s: float = 3, *asked: tuple[str, str]
) -> int:
    """The status that a client gets once the answer is so old and the origin does this."""
    path = lab.tell(told(control), then)
    await lab.ask(path)
    lab.clock.advance(after_s)
    return (await lab.ask(path, *asked)).status


@pytest.mark.optimal
async def test_stale_is_served_when_the_origin_cannot_be_reached(lab: Lab) -> None:
    assert await stale_answer(lab, "max-age=2", CUT) == 200


@pytest.mark.parametrize(
    "control",
    [
        "max-age=2, must-revalidate",
        "max-age=2, proxy-revalidate",
        "max-age=2, no-cache",
        "max-age=2, s-maxage=2",
        "max-age=2, must-revalidate, stale-if-error=60",
        "max-age=2, must-revalidate, stale-while-revalidate=60",
    ],
)
async def test_stale_is_not_served_where_the_answer_forbids_it(lab: Lab, control: str) -> None:
    assert await stale_answer(lab, control, CUT) >= 500


@pytest.mark.optimal
@pytest.mark.parametrize("then", [CUT, BROKEN, told(None, status=500), told(None, status=504)])
async def test_stale_if_error_is_used(lab: Lab, then: Told) -> None:
    assert await stale_answer(lab, "max-age=2, stale-if-error=60", then) == 200


@pytest.mark.parametrize("then", [CUT, BROKEN])
async def test_stale_if_error_has_an_end(lab: Lab, then: Told) -> None:
    assert await stale_answer(lab, "max-age=2, stale-if-error=60", then, after_s=63) >= 500


async def test_an_error_is_no_excuse_where_nobody_allowed_it(lab: Lab) -> None:
    assert await stale_answer(lab, "max-age=2", BROKEN) == 503


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_client_error_is_an_answer_and_no_excuse(lab: Lab, status: int) -> None:
    assert await stale_answer(lab, "max-age=2, stale-if-error=60", told(None, status=status)) == status


@pytest.mark.parametrize(("after_s", "status"), [(3, 200), (14, 503)])
async def test_a_request_may_allow_stale_if_error(lab: Lab, after_s: float, status: int) -> None:
    asked = ("Cache-Control", "stale-if-error=10")

    assert await stale_answer(lab, "max-age=2", BROKEN, after_s, asked) == status


@pytest.mark.optimal
async def test_stale_while_revalidate_answers_at_once_and_validates_behind(lab: Lab) -> None:
    swr = "max-age=1, stale-while-revalidate=3600"
    path = lab.tell(told(swr, TAG, body=b"old"), told("max-age=600", ("ETag", '"def"'), body=b"new"))
    await lab.ask(path)
    lab.clock.advance(3)

    assert (await lab.ask(path)).body == b"old"

    async def is_new() -> bool:
        return (await lab.ask(path)).body == b"new"

    await eventually(is_new)
    assert (lab.n_seen(path), lab.last(path).get("If-None-Match")) == (2, '"abc"')


async def test_stale_while_revalidate_has_an_end(lab: Lab) -> None:
    path = lab.tell(told("max-age=1, stale-while-revalidate=4", TAG), told("no-cache", body=b"new"))
    await lab.ask(path)
    lab.clock.advance(6)

    assert (await lab.ask(path)).body == b"new"


async def test_a_stale_answer_tells_its_age_and_that_it_is_stale(lab: Lab) -> None:
    path = lab.tell(told("max-age=2"), CUT)
    await lab.ask(path)
    lab.clock.advance(9)

    answer = await lab.ask(path)

    assert answer.age == 9
    assert "ttl=-7" in answer.how


async def test_an_origin_that_hangs_up_on_one_request_is_asked_the_others(lab: Lab) -> None:
    broken, other = (
        lab.tell(told("max-age=2"), CUT),
        lab.tell(told("max-age=0"), told("max-age=0", body=b"new")),
    )
    await lab.ask(broken)
    await lab.ask(other)
    lab.clock.advance(3)
    await lab.ask(broken)

    assert (await lab.ask(other)).body == b"new"


async def test_stale_while_revalidate_is_not_for_who_wants_it_fresh_for_longer(lab: Lab) -> None:
    path = lab.tell(told("max-age=1, stale-while-revalidate=60"), told("max-age=60", body=b"new"))
    await lab.ask(path)
    lab.clock.advance(2)

    assert (await lab.ask(path, ("Cache-Control", "min-fresh=10"))).body == b"new"

"""RFC 9111 section 4.3.5: HEAD, answered from a stored GET, and what its answer does to one.

An answer that agrees with what is stored updates it; one that does not makes it untrue.
"""

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import Told, told

TAG = ("ETag", '"abc"')


@pytest.mark.optimal
async def test_head_is_answered_from_a_stored_get(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", TAG))
    await lab.ask(path)

    answer = await lab.ask(path, method="HEAD")

    assert (answer.status, answer.get("Content-Length"), answer.body) == (200, "4", b"")
    assert lab.n_seen(path) == 1


async def test_an_answer_to_head_is_not_stored_for_get(lab: Lab) -> None:
    path = lab.tell(told("max-age=600"))
    await lab.ask(path, method="HEAD")

    assert (await lab.ask(path)).body == b"body"
    assert [asked.method for asked in lab.origin.seen] == ["HEAD", "GET"]


async def test_head_of_a_stale_answer_reaches_the_origin_as_head(lab: Lab) -> None:
    path = lab.tell(told("max-age=2", TAG))
    await lab.ask(path)
    lab.clock.advance(3)
    await lab.ask(path, method="HEAD")

    assert lab.last(path).method == "HEAD"


@pytest.mark.parametrize("validators", [(TAG,), ()])
async def test_head_that_agrees_freshens_and_updates_what_is_stored(
    lab: Lab, validators: tuple[tuple[str, str], ...]
) -> None:
    path = lab.tell(told("max-age=2", *validators, ("A", "1")), told("max-age=600", *validators, ("A", "2")))
    await lab.ask(path)
    lab.clock.advance(3)
    await lab.ask(path, method="HEAD")

    stored = await lab.ask(path)

    assert (stored.body, stored.get("A"), stored.age) == (b"body", "2", 0)
    assert lab.n_seen(path) == 2


@pytest.mark.parametrize(
    "other",
    [("ETag", '"new"'), ("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT"), ("Content-Length", "5")],
)
async def test_head_that_disagrees_makes_what_is_stored_untrue(lab: Lab, other: tuple[str, str]) -> None:
    path = lab.tell(told("max-age=2", TAG), told("max-age=600", other), told("max-age=600", body=b"new"))
    await lab.ask(path)
    lab.clock.advance(3)
    await lab.ask(path, method="HEAD")

    assert (await lab.ask(path)).body == b"new"


async def test_head_that_is_no_success_changes_nothing(lab: Lab) -> None:
    path = lab.tell(told("max-age=9", TAG), told("max-age=9", ("A", "2"), status=410), told("no-store"))
    await lab.ask(path)
    await lab.ask(path, ("Cache-Control", "no-cache"), method="HEAD")

    stored = await lab.ask(path)

    assert (stored.status, stored.get("A"), lab.n_seen(path)) == (200, None, 2)


async def test_head_that_forbids_storing_drops_what_is_stored(lab: Lab) -> None:
    path = lab.tell(told("max-age=2", TAG), told("private", TAG), told("private", body=b"new"))
    await lab.ask(path)
    lab.clock.advance(3)
    await lab.ask(path, method="HEAD")

    assert (await lab.ask(path)).body == b"new"


async def test_what_is_stale_answers_head_while_the_origin_gives_no_answer(lab: Lab) -> None:
    path, strict = (
        lab.tell(told(control, TAG), Told(is_cut=True))
        for control in ("max-age=2", "max-age=2, must-revalidate")
    )
    await lab.ask(path)
    await lab.ask(strict)
    lab.clock.advance(3)

    answer = await lab.ask(path, method="HEAD")

    assert (answer.status, answer.get("Content-Length"), answer.age) == (200, "4", 3)
    assert "ttl=-1" in answer.how
    assert (await lab.ask(strict, method="HEAD")).status in (502, 504)

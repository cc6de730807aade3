"""RFC 9111 section 4: the same rules for an answer asked for so often that it takes the short way.

Whatever makes hits fast must not make them older, staler or more forgiving than the first one was.
"""

import asyncio

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import Told, told

TAG = ("ETag", '"abc"')
N_WARM = 6


async def hot(lab: Lab, *replies: Told) -> str:
    """A path that was answered from RAM a few times, the last time just now."""
    path = lab.tell(*replies)
    for _ in range(N_WARM):
        await lab.ask(path)
        await asyncio.sleep(0)
    assert lab.n_seen(path) == 1
    return path


async def test_its_age_grows(lab: Lab) -> None:
    path = await hot(lab, told("max-age=600"))
    lab.clock.advance(7)

    assert [(await lab.ask(path)).age for _ in range(3)] == [7, 7, 7]


async def test_it_ends_with_its_freshness(lab: Lab) -> None:
    path = await hot(lab, told("max-age=60", body=b"old"), told("max-age=60", body=b"new"))
    lab.clock.advance(59)
    assert (await lab.ask(path)).body == b"old"
    lab.clock.advance(2)

    assert [(await lab.ask(path)).body for _ in range(3)] == [b"new"] * 3


@pytest.mark.parametrize("asked", ["no-cache", "max-age=0", "min-fresh=1000"])
async def test_a_request_that_wants_the_origin_gets_it(lab: Lab, asked: str) -> None:
    path = await hot(lab, told("max-age=600", body=b"old"), told("max-age=600", body=b"new"))
    lab.clock.advance(5)

    assert (await lab.ask(path, ("Cache-Control", asked))).body == b"new"
    assert (await lab.ask(path)).body == b"new"


@pytest.mark.parametrize(
    ("field", "status"),
    [
        (("If-None-Match", '"abc"'), 304),
        (("If-None-Match", '"x"'), 200),
        (("Range", "bytes=0-1"), 206),
        (("Range", "bytes=99-"), 416),
        (("Pragma", "no-cache"), 200),
    ],
)
async def test_a_condition_and_a_range_are_answered_as_ever(
    lab: Lab, field: tuple[str, str], status: int
) -> None:
    path = await hot(lab, told("max-age=600", TAG))

    assert (await lab.ask(path, field)).status == status
    assert lab.n_seen(path) == (2 if field[0] == "Pragma" else 1)


async def test_head_has_the_fields_and_no_body(lab: Lab) -> None:
    path = await hot(lab, told("max-age=600", TAG, ("X-Odd", "caf\udce9")))

    got, head = await lab.ask(path), await lab.ask(path, method="HEAD")

    assert dict(head.fields) == dict(got.fields)
    assert (head.body, got.get("X-Odd")) == (b"", "caf\udce9")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_change_ends_it_at_once(lab: Lab, method: str) -> None:
    path = await hot(lab, told("max-age=600", body=b"old"), Told(204), told("max-age=600", body=b"new"))
    await lab.ask(path, method=method)

    assert (await lab.ask(path)).body == b"new"


async def test_another_variant_is_another_answer(lab: Lab) -> None:
    path = await hot(
        lab, told("max-age=600", ("Vary", "Foo"), body=b"plain"), told("max-age=600", body=b"foo")
    )

    assert (await lab.ask(path, ("Foo", "1"))).body == b"foo"


async def test_it_has_the_fields_of_a_plain_hit(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", TAG, ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Via", "1.0 x")))
    answers = [await lab.ask(path) for _ in range(N_WARM)]

    assert {(answer.status, answer.body, tuple(sorted(answer.fields))) for answer in answers[1:]} == {
        (200, b"body", tuple(sorted(answers[1].fields)))
    }

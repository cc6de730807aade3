"""RFC 9111 section 4.1: calculating cache keys with Vary.

A stored answer is for requests whose nominated fields say the same as those of its own request did.
"""

import asyncio

import pytest

from edge.cache.settings import CacheLimits
from tests.conformance.lab import Lab, opened
from tests.conformance.wire import Fields, told

FOO = [("Foo", "1")]
ALL = [("Foo", "1"), ("Bar", "abc"), ("Baz", "789")]


async def does_match(
    lab: Lab, vary: tuple[str, ...], first: Fields, second: Fields, *more: tuple[str, str]
) -> bool:
    path = lab.tell(told("max-age=600", *(("Vary", line) for line in vary), *more))
    await lab.ask(path, *first)
    await lab.ask(path, *second)
    return lab.n_seen(path) == 1


@pytest.mark.optimal
@pytest.mark.parametrize(
    ("vary", "first", "second"),
    [
        (("Foo",), FOO, FOO),
        (("foo",), FOO, FOO),
        (("Foo",), FOO, [*FOO, ("Other", "2")]),
        (("Foo, Bar",), ALL[:2], ALL[:2]),
        (("Foo", "Bar"), ALL[:2], ALL[:2]),
        (("Foo, Bar, Baz",), ALL, ALL[::-1]),
        (("Foo, Bar, Baz",), [ALL[0], ALL[2]], [ALL[0], ALL[2]]),
        (("Foo",), [("Foo", "1,2")], [("Foo", " 1, 2 ")]),
        (("Foo",), [("Foo", "1, 2")], [("Foo", "1"), ("Foo", "2")]),
        (("Accept-Language",), [("Accept-Language", "en, de")], [("Accept-Language", "de, en")]),
        (("Accept-Language",), [("Accept-Language", "en, de")], [("Accept-Language", "eN, De")]),
        (("Accept-Language",), [("Accept-Language", "en, de")], [("Accept-Language", " en ,   de")]),
        (("Accept-Encoding",), [("Accept-Encoding", "gzip, br")], [("Accept-Encoding", "br,gzip;q=1.0")]),
        (("",), [], FOO),
    ],
)
async def test_requests_that_say_the_same_share_an_answer(
    lab: Lab, vary: tuple[str, ...], first: Fields, second: Fields
) -> None:
    assert await does_match(lab, vary, first, second)


@pytest.mark.parametrize(
    ("vary", "first", "second"),
    [
        (("Foo",), FOO, [("Foo", "2")]),
        (("Foo",), [], FOO),
        (("Foo",), FOO, []),
        (("Foo",), [("Foo", "")], []),
        (("Foo",), [("Foo", "1, 2")], [("Foo", "2, 1")]),
        (("Foo",), [("Foo", "a")], [("Foo", "A")]),
        (("Foo, Bar",), ALL[:2], [("Foo", "2"), ALL[1]]),
        (("Foo, Bar",), ALL[:2], []),
        (("Foo", "Bar"), ALL[:2], [ALL[0], ("Bar", "x")]),
        (("Foo, Bar, Baz",), ALL, [ALL[0], ALL[2], ("Bar", "abcde")]),
        (("Accept-Language",), [("Accept-Language", "en, de")], [("Accept-Language", "en, de;q=0.1")]),
        (("Cookie",), [("Cookie", "a=1")], [("Cookie", "a=2")]),
    ],
)
async def test_requests_that_say_something_else_do_not(
    lab: Lab, vary: tuple[str, ...], first: Fields, second: Fields
) -> None:
    assert not await does_match(lab, vary, first, second)


@pytest.mark.parametrize(
    "vary", [("*",), ("*, *",), ("*", "*"), (", *",), ("", "*"), ("*, Foo",), ("Foo, *",), ("Foo", "*")]
)
async def test_a_star_anywhere_matches_nothing(lab: Lab, vary: tuple[str, ...]) -> None:
    assert not await does_match(lab, vary, ALL, ALL)


@pytest.mark.optimal
async def test_an_answer_in_the_language_wanted_most_is_reused(lab: Lab) -> None:
    first, second = [("Accept-Language", "en, de")], [("Accept-Language", "fr;q=0.5, de;q=1.0")]

    assert await does_match(lab, ("Accept-Language",), first, second, ("Content-Language", "de"))


@pytest.mark.parametrize("wish", ["fr, de;q=0.5", "fr, de", "fr"])
async def test_an_answer_in_another_language_than_the_one_wanted_most_is_not(lab: Lab, wish: str) -> None:
    first, second = [("Accept-Language", "en, de")], [("Accept-Language", wish)]

    assert not await does_match(lab, ("Accept-Language",), first, second, ("Content-Language", "de"))


@pytest.mark.optimal
async def test_variants_live_side_by_side(lab: Lab) -> None:
    vary = ("Vary", "Foo")
    path = lab.tell(told("max-age=600", vary, body=b"one"), told("max-age=600", vary, body=b"two"))
    wishes = ("1", "2", "1", "2")

    assert [(await lab.ask(path, ("Foo", wish))).body for wish in wishes] == [b"one", b"two", b"one", b"two"]
    assert lab.n_seen(path) == 2


async def test_variants_of_a_url_are_bounded_and_the_oldest_leaves() -> None:
    async with opened(CacheLimits(n_variants=3)) as lab:
        path = lab.tell(told("max-age=600", ("Vary", "Foo")))
        for wish in ("1", "2", "3", "4", "4", "3", "1"):
            await lab.ask(path, ("Foo", wish))

        assert lab.n_seen(path) == 5
        assert len(lab.origin.seen) == 5


async def test_a_variant_does_not_answer_after_the_resource_stopped_to_vary(lab: Lab) -> None:
    path = lab.tell(told("max-age=2", ("Vary", "Foo"), body=b"1"), told("max-age=600", body=b"2"))
    await lab.ask(path, ("Foo", "1"))
    lab.clock.advance(3)
    await lab.ask(path, ("Foo", "2"))

    assert (await lab.ask(path, ("Foo", "1"))).body == b"2"


async def test_a_field_that_the_origin_did_not_see_chooses_no_variant(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Vary", "Foo"), body=b"plain"), told("max-age=600", body=b"foo"))
    await lab.ask(path, ("Foo", "1"), ("Connection", "foo"))

    assert (await lab.ask(path, ("Foo", "1"))).body == b"foo"


async def test_who_waits_for_the_validation_of_another_variant_does_not_get_it(lab: Lab) -> None:
    tag, both, gate = ("ETag", '"a"'), ("Vary", "Foo, Bar"), asyncio.Event()
    path = lab.tell(
        told("max-age=2", tag, both, body=b"one"),
        told("max-age=600", ("Vary", "Foo"), body=b"other"),
        told("max-age=600", tag, both, status=304, gate=gate),
        told("max-age=600", tag, both, body=b"two"),
    )
    await lab.ask(path, ("Foo", "1"), ("Bar", "1"))
    await lab.ask(path, ("Foo", "2"))
    lab.clock.advance(3)
    first = asyncio.create_task(lab.ask(path, ("Foo", "1"), ("Bar", "1")))
    while lab.n_seen(path) < 3:
        await asyncio.sleep(0)
    second = asyncio.create_task(lab.ask(path, ("Foo", "1"), ("Bar", "2")))
    await lab.ask(lab.tell(told("no-store")))
    gate.set()

    assert [(await asking).body for asking in (first, second)] == [b"one", b"two"]


async def test_who_waits_for_a_validation_that_turns_private_does_not_get_it(lab: Lab) -> None:
    tag, gate = ("ETag", '"a"'), asyncio.Event()
    private = told("private", tag, ("Set-Cookie", "ann"), status=304, gate=gate)
    path = lab.tell(told("max-age=2", tag), private, told("private", ("Set-Cookie", "bob")))
    await lab.ask(path)
    lab.clock.advance(3)
    first = asyncio.create_task(lab.ask(path))
    while lab.n_seen(path) < 2:
        await asyncio.sleep(0)
    second = asyncio.create_task(lab.ask(path))
    await lab.ask(lab.tell(told("no-store")))
    gate.set()

    assert [(await asking).get("Set-Cookie") for asking in (first, second)] == ["ann", "bob"]

"""RFC 9111 section 3.1: storing header and trailer fields.

What belongs to one connection or to one client is not kept; all else is, as the origin wrote it.
"""

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import told

KEPT = (
    ("Test-Header", "x"),
    ("Content-Foo", "x"),
    ("Content-Encoding", "br"),
    ("Content-Location", "/foo"),
    ("Content-MD5", "N7UdGUp1E+RbVvZSTy1R8g=="),
    ("Content-Security-Policy", "default-src 'self' cdn.example.com"),
    ("Content-Type", "text/plain;charset=utf-8"),
    ("Clear-Site-Data", "cookies"),
    ("ETag", '"ghijkl"'),
    ("Expires", "Mon, 11 Jan 2038 11:11:11 GMT"),
    ("Public-Key-Pins", "x"),
    ("Set-Cookie", "a=c"),
    ("Set-Cookie2", "a=c"),
    ("WWW-Authenticate", "Basic"),
    ("X-Frame-Options", "sameorigin"),
    ("X-Odd", "caf\u00e9 \udcff"),
)
DROPPED = (
    ("Connection", "x"),
    ("Keep-Alive", "timeout=9"),
    ("Proxy-Authenticate", "Basic"),
    ("Proxy-Authentication-Info", "x"),
    ("Proxy-Authorization", "x"),
    ("Proxy-Connection", "close"),
    ("TE", "x"),
    ("Upgrade", "x/1"),
)


@pytest.mark.parametrize("field", KEPT, ids=lambda field: field[0])
async def test_a_stored_answer_has_the_field(lab: Lab, field: tuple[str, str]) -> None:
    path = lab.tell(told("max-age=600", field))

    answers = [await lab.ask(path) for _ in range(2)]

    assert lab.n_seen(path) == 1
    assert [answer.get(field[0]) for answer in answers] == [field[1], field[1]]


@pytest.mark.parametrize("field", DROPPED, ids=lambda field: field[0])
async def test_a_stored_answer_does_not_have_the_field(lab: Lab, field: tuple[str, str]) -> None:
    path = lab.tell(told("max-age=600", field))

    await lab.ask(path)
    stored = await lab.ask(path)

    assert lab.n_seen(path) == 1
    assert field not in stored.fields


async def test_fields_that_connection_names_go_no_further(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Connection", "a, B"), ("a", "1"), ("b", "2"), ("c", "3")))

    for answer in [await lab.ask(path) for _ in range(2)]:
        assert (answer.get("a"), answer.get("b"), answer.get("c")) == (None, None, "3")


@pytest.mark.parametrize("control", ['private="a, b"', 'no-cache="A,b"', 'no-cache="a", no-cache="b"'])
async def test_fields_named_by_a_qualified_directive_are_for_the_first_client_only(
    lab: Lab, control: str
) -> None:
    path = lab.tell(told(f"max-age=600, {control}", ("a", "1"), ("b", "2"), ("c", "3")))

    first, stored = await lab.ask(path), await lab.ask(path)

    assert (first.get("a"), first.get("b")) == ("1", "2")
    assert (stored.get("a"), stored.get("b"), stored.get("c")) == (None, None, "3")
    assert lab.n_seen(path) == 1


@pytest.mark.parametrize("name", ["Server", "Content-Type"])
async def test_no_field_is_invented(lab: Lab, name: str) -> None:
    path = lab.tell(told("max-age=600"))

    assert [(await lab.ask(path)).get(name) for _ in range(2)] == [None, None]


async def test_a_missing_date_is_added_and_a_wrong_one_replaced(lab: Lab) -> None:
    for reply in (told("max-age=600", is_dated=False), told("max-age=600", ("Date", "foo"))):
        path = lab.tell(reply)

        assert [(await lab.ask(path)).get("Date") for _ in range(2)] == [lab.date(), lab.date()]


async def test_the_date_is_the_origins_for_as_long_as_the_answer_is_stored(lab: Lab) -> None:
    then, path = lab.date(), lab.tell(told("max-age=600"))
    await lab.ask(path)
    lab.clock.advance(60)

    assert (await lab.ask(path)).get("Date") == then


async def test_repeated_lines_stay_repeated(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")))
    await lab.ask(path)

    stored = await lab.ask(path)

    assert [value for name, value in stored.fields if name == "Set-Cookie"] == ["a=1", "b=2"]


async def test_bytes_beyond_the_announced_length_are_not_part_of_the_answer(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Content-Length", "4"), body=b"0123extra"))

    answers = [await lab.ask(path) for _ in range(2)]

    assert [(answer.body, answer.get("Content-Length")) for answer in answers] == [(b"0123", "4")] * 2
    assert (await lab.ask(lab.tell(told("max-age=600")))).body == b"body"


async def test_the_way_is_told_both_ways(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Via", "1.0 inner")))

    answers = [await lab.ask(path, ("Via", "1.1 outer")) for _ in range(2)]

    assert [answer.get("Via") for answer in answers] == ["1.0 inner, 1.1 headstart-edge"] * 2
    assert lab.last(path).get("Via") == "1.1 outer, 1.1 headstart-edge"
    assert (lab.last(path).get("CDN-Loop") or "").startswith("headstart-edge;n=")


async def test_a_request_that_has_been_here_is_refused(lab: Lab) -> None:
    path = lab.tell(told("no-store"))
    await lab.ask(path)
    loop = lab.last(path).get("CDN-Loop") or ""

    assert (await lab.ask(path, ("CDN-Loop", f"other, {loop}"))).status == 508
    assert lab.n_seen(path) == 1


async def test_a_client_cannot_take_the_loop_detection_away(lab: Lab) -> None:
    path = lab.tell(told("no-store"))
    await lab.ask(path, ("CDN-Loop", "other"), ("Connection", "cdn-loop"))

    assert (lab.last(path).get("CDN-Loop") or "").startswith("other, headstart-edge;n=")

"""RFC 9110 section 9.2.2 and RFC 9112 section 9.3.1: repeating requests to the origin.

A connection that the origin closed costs nobody an answer where repeating is safe, and repeats nothing else.
"""

import asyncio

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import Told, told

CUT, DONE = Told(is_cut=True), told("no-store")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_an_idempotent_request_on_a_closed_connection_is_repeated(lab: Lab, method: str) -> None:
    path = lab.tell(DONE, CUT, DONE)
    await lab.ask(path)

    answer = await lab.ask(path, method=method, body=b"abc" if method == "PUT" else b"")

    assert (answer.status, lab.n_seen(path)) == (200, 3)
    assert lab.last(path).body == (b"abc" if method == "PUT" else b"")


@pytest.mark.parametrize("method", ["POST", "PATCH", "M-SEARCH"])
async def test_any_other_request_is_sent_once(lab: Lab, method: str) -> None:
    path = lab.tell(DONE, CUT, DONE)
    await lab.ask(path)

    assert (await lab.ask(path, method=method, body=b"abc")).status == 502
    assert lab.n_seen(path) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
async def test_a_request_does_not_travel_on_a_connection_that_the_origin_left(lab: Lab, method: str) -> None:
    path = lab.tell(DONE)
    await lab.ask(path)
    lab.origin.hang_up()

    assert (await lab.ask(path, method=method, body=b"abc")).status == 200


async def test_a_body_too_long_to_be_held_is_streamed_whole(lab: Lab) -> None:
    path, body = lab.tell(DONE), bytes(range(256)) * 1024

    assert (await lab.ask(path, method="PUT", body=body)).status == 200
    assert lab.last(path).body == body


async def test_two_requests_for_one_fresh_answer_are_one_request_to_the_origin(lab: Lab) -> None:
    gate = asyncio.Event()
    path = lab.tell(told("max-age=600", gate=gate))
    asking = [asyncio.create_task(lab.ask(path)) for _ in range(2)]
    while lab.n_seen(path) == 0:
        await asyncio.sleep(0)
    gate.set()

    answers = await asyncio.gather(*asking)

    assert [answer.body for answer in answers] == [b"body"] * 2
    assert lab.n_seen(path) == 1
    assert any("collapsed" in answer.how for answer in answers)


async def test_a_redirect_of_the_origin_is_the_clients_to_follow(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", ("Location", "/elsewhere"), status=302))

    answer = await lab.ask(path)

    assert (answer.status, answer.get("Location"), lab.n_seen("/elsewhere")) == (302, "/elsewhere", 0)


@pytest.mark.parametrize(("method", "status"), [("OPTIONS", 204), ("TRACE", 405)])
async def test_max_forwards_is_counted_and_ends_here_at_zero(lab: Lab, method: str, status: int) -> None:
    path = lab.tell(DONE)

    further = await lab.ask(path, ("Max-Forwards", "3"), method=method)
    here = await lab.ask(path, ("Max-Forwards", "0"), method=method)

    assert (further.status, here.status, lab.n_seen(path)) == (200, status, 1)
    assert (lab.last(path).get("Max-Forwards"), here.how) == ("2", "detail=max-forwards")


async def test_max_forwards_means_nothing_to_other_methods(lab: Lab) -> None:
    path = lab.tell(DONE)

    assert (await lab.ask(path, ("Max-Forwards", "0"))).status == 200


@pytest.mark.parametrize("char", ["\x01", "\x1f", "\x7f"])
@pytest.mark.parametrize("field", [("Accept", "*/*"), ("X-Seldom", "1")])
async def test_a_control_character_of_the_origin_does_not_make_its_answer_unfit_to_be_sent(
    lab: Lab, char: str, field: tuple[str, str]
) -> None:
    hint = ((103, (("Link", f"</a{char}b>"),)),)
    path = lab.tell(told("max-age=600", ("X-Path", f"{char}a{char}b"), interim=hint))

    fetched, stored = await lab.ask(path, field), await lab.ask(path, field)

    assert [(one.status, one.get("X-Path"), one.body) for one in (fetched, stored)] == [
        (200, "a b", b"body")
    ] * 2
    assert fetched.interim == [(103, [("Link", "</a b>")])]
    assert lab.n_seen(path) == 1


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("control", ["max-age=600", "no-store"])
async def test_an_answer_that_becomes_malformed_ends_the_connection(
    lab: Lab, method: str, control: str
) -> None:
    path = lab.tell(told(control, ("Transfer-Encoding", "chunked"), body=b"2\r\nok\r\nzz\r\n"))

    with pytest.raises(asyncio.IncompleteReadError):
        await lab.ask(path, method=method)

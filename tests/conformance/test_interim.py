"""RFC 9110 section 15.2: interim responses (1xx) of the origin.

They are passed on to clients that know them, at once, and are never stored.
"""

import asyncio

import pytest

from tests.conformance.lab import Lab
from tests.conformance.wire import told

HINTS = (("Link", "</styles.css>; rel=preload; as=style"), ("X-My-Header", "test"))


@pytest.mark.optimal
@pytest.mark.parametrize(("status", "fields"), [(102, ()), (103, HINTS)])
async def test_an_interim_answer_is_passed_on_and_the_final_one_stored(
    lab: Lab, status: int, fields: tuple[tuple[str, str], ...]
) -> None:
    path = lab.tell(told("max-age=600", interim=((status, fields),)))

    first, stored = await lab.ask(path), await lab.ask(path)

    assert first.interim == [(status, list(fields))]
    assert (first.status, first.body, stored.body) == (200, b"body", b"body")
    assert lab.n_seen(path) == 1


async def test_an_interim_answer_is_not_stored_nor_are_its_fields(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", interim=((103, HINTS),)))

    first, stored = await lab.ask(path), await lab.ask(path)

    assert stored.interim == []
    assert (first.get("X-My-Header"), stored.get("X-My-Header")) == (None, None)


async def test_several_keep_their_order_and_lose_what_belongs_to_the_connection(lab: Lab) -> None:
    hints = (("Connection", "x-a"), ("X-A", "1"), ("Link", "<a>"))
    path = lab.tell(told("max-age=600", interim=((102, ()), (103, hints), (103, HINTS))))

    answer = await lab.ask(path)

    assert answer.interim == [(102, []), (103, [("Link", "<a>")]), (103, list(HINTS))]


async def test_a_flood_of_them_is_cut_and_the_answer_comes(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", interim=((102, ()),) * 100))

    answer = await lab.ask(path)

    assert (answer.status, len(answer.interim)) == (200, 16)


@pytest.mark.parametrize("method", ["POST", "HEAD"])
async def test_they_are_passed_on_for_every_method(lab: Lab, method: str) -> None:
    path = lab.tell(told("no-store", interim=((103, HINTS),)))

    assert (await lab.ask(path, method=method)).interim == [(103, list(HINTS))]


async def test_http_1_0_does_not_get_them(lab: Lab) -> None:
    path = lab.tell(told("max-age=600", interim=((103, HINTS),)))

    answer = await lab.ask(path, version="1.0")

    assert (answer.status, answer.interim) == (200, [])


async def test_only_who_caused_the_request_hears_them_for_the_answer_may_not_be_for_all(lab: Lab) -> None:
    gate = asyncio.Event()
    path = lab.tell(told("max-age=600", interim=((103, HINTS),), gate=gate))
    asking = [asyncio.create_task(lab.ask(path)) for _ in range(3)]
    while lab.n_seen(path) == 0:
        await asyncio.sleep(0)
    gate.set()

    answers = await asyncio.gather(*asking)

    assert sorted(len(answer.interim) for answer in answers) == [0, 0, 1]
    assert lab.n_seen(path) == 1

"""Slots: so many at once, who waits is served in order, and a cancelled wait keeps none."""

import asyncio

import pytest

from edge.upstream.slots import Slots


async def waiting(slots: Slots) -> "asyncio.Task[None]":
    task = asyncio.create_task(slots.wait())
    await asyncio.sleep(0)
    return task


async def test_no_more_are_taken_than_there_are() -> None:
    slots = Slots(2)

    assert [slots.take() for _ in range(3)] == [True, True, False]
    slots.release()
    assert slots.take()


async def test_who_waits_is_served_in_order_before_who_comes_later() -> None:
    slots = Slots(1)
    await slots.wait()
    first, second = await waiting(slots), await waiting(slots)

    slots.release()
    assert not slots.take()
    await first
    assert not second.done()
    slots.release()
    await second


@pytest.mark.parametrize("order", ["handed over, then cancelled", "cancelled, then released", "at once"])
async def test_a_cancelled_wait_keeps_none(order: str) -> None:
    slots = Slots(1)
    slots.take()
    gone, next_one = await waiting(slots), await waiting(slots)

    if order.startswith("handed"):
        slots.release()
        gone.cancel()
    else:
        gone.cancel()
        if order != "at once":
            await asyncio.sleep(0)
        slots.release()
    await next_one
    with pytest.raises(asyncio.CancelledError):
        await gone
    slots.release()

    assert slots.n_free == 1

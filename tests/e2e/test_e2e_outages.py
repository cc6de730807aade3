"""kill -9 of one part after the other while a viewer swipes every second."""

import asyncio

import aiohttp
import pytest

from tests.stack import Stack
from tests.viewer import Viewer
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
EVERY_S = 1.0
N_SWIPES_BETWEEN = 4


async def test_no_swipe_fails_and_every_event_counts_once_whatever_is_killed(
    stack: Stack, filled: list[str], http: aiohttp.ClientSession
) -> None:
    someone = await Viewer(http, stack.edge).open("unbothered", n=8)
    swiping = asyncio.create_task(someone.swipe_for_ever(EVERY_S))
    for part in ("brain", "valkey", "nats", "origin"):
        killed = stack.kill(part)
        at = someone.n_swipes
        await eventually(lambda at=at: someone.n_swipes >= at + N_SWIPES_BETWEEN, within_s=30)
        await stack.back(part, killed)
    at = someone.n_swipes
    await eventually(lambda: someone.n_swipes >= at + N_SWIPES_BETWEEN, within_s=30)
    swiping.cancel()
    assert someone.failed_swipes == []
    assert someone.failed_posts == []
    redis = stack.redis()
    kept: dict[str, int] = {}

    async def agree() -> bool:
        for category in someone.boosts:
            kept[category] = int(await redis.get(f"stats:unbothered:{category}") or 0)
        return kept == dict(someone.boosts)

    try:
        await eventually(agree, within_s=45)
    except AssertionError:
        assert kept == dict(someone.boosts)
    # Once more: nothing is counted a second time when the durable consumers have caught up.
    other = await Viewer(http, stack.edge).open("bystander")
    await other.watch(other.feed["items"][0], 1.0)
    mark = f"stats:bystander:{next(iter(other.boosts))}"
    await eventually(lambda: redis.get(mark), within_s=20)
    assert await agree()
    await redis.aclose()


async def test_killing_the_edge_loses_no_session(
    stack: Stack, filled: list[str], http: aiohttp.ClientSession
) -> None:
    someone = await Viewer(http, stack.edge).open("patient")
    await someone.watch(someone.feed["items"][0], 1.0)
    await stack.back("edge", stack.kill("edge"))
    assert await eventually(someone.look)
    await someone.watch(someone.feed["items"][0], 1.0)
    redis = stack.redis()

    async def agree() -> bool:
        kept = {c: int(await redis.get(f"stats:patient:{c}") or 0) for c in someone.boosts}
        return kept == dict(someone.boosts)

    await eventually(agree, within_s=20)
    await redis.aclose()

"""What sessions are about to need is pinned in the RAM of a running edge, and let go when they are done."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge.app import Edge
from edge.session.store import SessionLimits
from tests.card_origin import CardOrigin, card_origin
from tests.edge_nodes import make_config, names, running_edge, videos, viewer
from tests.waiting import eventually

CLIPS = names("clip", 30)


@pytest.fixture
async def origin() -> AsyncIterator[CardOrigin]:
    async with card_origin(CLIPS) as server:
        yield server


@pytest.fixture
async def edge(data_dir: Path, origin: CardOrigin) -> AsyncIterator[Edge]:
    config = make_config(data_dir, origin_url=origin.url, sessions=SessionLimits(max_sessions=2))
    async with running_edge(config) as node:
        await eventually(lambda: len(node.cards) == len(CLIPS))
        yield node


def is_pinned(edge: Edge, video: str) -> bool:
    return edge.delivery.cache.memory.is_wanted(f"/v/{video}/360p-0123456789abcdef/open.mp4")


async def test_the_next_videos_of_a_session_are_pinned_and_what_was_swiped_past_is_not(edge: Edge) -> None:
    async with viewer(edge.url) as player:
        feed = await player.open()
        first = videos(feed)[0]
        feed = await player.swipe(first, current=first)

        assert all(is_pinned(edge, video) for video in videos(feed)[:3])
        assert not is_pinned(edge, first)
        await eventually(lambda: edge.delivery.cache.memory.pinned_bytes > 0)


async def test_a_session_that_leaves_takes_its_pins_with_it(edge: Edge) -> None:
    async with viewer(edge.url) as one, viewer(edge.url) as two, viewer(edge.url) as three:
        feed = await one.open()
        for video in videos(feed)[:10]:
            feed = await one.swipe(video)
        far = videos(feed)[2]
        assert is_pinned(edge, far)

        for player in (two, three):  # the edge holds two sessions: the first leaves
            await player.open()
            await player.post()
    assert edge.store.get(one.session) is None
    assert not is_pinned(edge, far)

"""A viewer whose edge dies or drains carries on at another one: nothing seen comes again, taste is kept."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from shared import subjects
from shared.bus import Bus
from shared.errors import Unavailable
from tests.brain_builders import catalogue
from tests.brain_process import ask, config_of, publish_catalogue, serving
from tests.card_origin import CardOrigin
from tests.edge_nodes import Viewer, videos, viewer
from tests.edge_process import EdgeProcess
from tests.waiting import eventually

N_VIDEOS = 240
LIKED = "space"


class Two(NamedTuple):
    """Two edges of a region, a brain, and a viewer who is at the first edge."""

    first: EdgeProcess
    second: EdgeProcess
    bus: Bus
    viewer: Viewer
    categories: dict[str, str]


@pytest.fixture
async def two(nats: str, valkey: str, data_dir: Path) -> AsyncIterator[Two]:
    bus = await Bus.connect(nats, "test", wait=True)
    await bus.ensure_streams(subjects.STREAMS)
    published = list(catalogue(N_VIDEOS))
    cards = {event.video_id: event.card for event in published if event.card is not None}
    origin = CardOrigin()
    for card in cards.values():
        origin.publish(card)
    await origin.start()
    await publish_catalogue(bus, published)
    common = {
        "HEADSTART_NATS_URL": nats,
        "HEADSTART_ORIGIN_URL": origin.url,
        "HEADSTART_EDGE_TOKEN_KEY": "k" * 32,
        "HEADSTART_EDGE_BRAIN_QUEUE_TIMEOUT_S": "5",
    }
    edges = [EdgeProcess(data_dir / name, HEADSTART_EDGE_EDGE_ID=name, **common) for name in ("a", "b")]
    async with serving(config_of(nats, valkey, data_dir / "brain", origin.url)):
        await eventually(lambda: is_answering(bus), within_s=30)
        for edge in edges:
            await edge.start()
        async with viewer(edges[0].url) as player:
            yield Two(edges[0], edges[1], bus, player, {name: card.category for name, card in cards.items()})
        for edge in edges:
            await edge.end(signal.SIGKILL)
    await origin.stop()
    await bus.close()


async def is_answering(bus: Bus) -> bool:
    try:
        return len((await ask(bus)).items) == N_VIDEOS
    except Unavailable:
        return False


async def watched(two: Two, n: int) -> list[str]:
    """Swipe n times: finish and like what is of the liked category, leave the rest. What was on screen."""
    feed, seen = await two.viewer.open(), []
    for _ in range(n):
        video = videos(feed)[0]
        seen.append(video)
        likes = two.categories[video] == LIKED
        events: list[dict[str, Any]] = [
            {"kind": "watch", "video": video, "completion": 1.0 if likes else 0.1}
        ]
        if likes:
            events.append({"kind": "like", "video": video})
        feed = (await two.viewer.post(*events, current=video))["feed"]
    return seen


async def signals_at(edge: EdgeProcess, session: str) -> list[tuple[str, float]]:
    """What the edge took into account, by its operator's listener."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{edge.admin_url}/admin/sessions/{session}") as answer,
    ):
        told = await answer.json()
    return [(one["video"], one["weight"]) for one in told["signals"]]


async def are_counted(two: Two, seen: list[str]) -> bool:
    return set(seen) <= set((await ask(two.bus, two.viewer.user, session="probe")).seen)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "drained"])
async def test_a_session_goes_on_at_another_edge(two: Two, number: signal.Signals) -> None:
    seen = await watched(two, 12)
    before = await signals_at(two.first, two.viewer.session)
    assert any(weight == 1.5 for _, weight in before)
    await eventually(lambda: are_counted(two, seen), within_s=20)
    await two.first.end(number)

    two.viewer.url = two.second.url
    answer = await two.viewer.post(current=seen[-1], n=10)

    shown = videos(answer["feed"])
    assert not set(shown) & set(seen)
    assert sum(two.categories[video] == LIKED for video in shown[:5]) >= 3
    after = await signals_at(two.second, two.viewer.session)
    assert sorted(after) == sorted(before)


async def test_requests_at_once_take_a_session_over_once(two: Two) -> None:
    seen = await watched(two, 4)
    await eventually(lambda: are_counted(two, seen), within_s=20)
    await two.first.end(signal.SIGKILL)
    two.viewer.url = two.second.url

    plan = two.viewer.call("POST", "/v1/plan", json={"video": seen[-1], "at_s": 0.5, "is_playing": True})
    first, second, _ = await asyncio.gather(two.viewer.post(current=seen[-1]), two.viewer.feed(), plan)

    assert not {*videos(first["feed"]), *videos(second)} & set(seen)
    assert first["feed"]["queue_version"] == second["queue_version"] > 0


async def test_a_new_session_of_a_known_viewer_begins_without_signals(two: Two) -> None:
    seen = await watched(two, 4)
    await eventually(lambda: are_counted(two, seen), within_s=20)
    user = two.viewer.user

    async with viewer(two.second.url) as again:
        await again.open(user_id=user)
        assert await signals_at(two.second, again.session) == []

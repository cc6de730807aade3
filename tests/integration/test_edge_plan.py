"""A player's plan over real HTTP: what to fetch, what to drop, and what the edge has in RAM by then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from edge.app import Edge
from tests.card_origin import CardOrigin
from tests.edge_builders import make_card, make_queue, make_rung
from tests.edge_nodes import Viewer, make_config, running_edge, viewer
from tests.waiting import eventually

CLIPS = [f"clip{number}" for number in range(12)]
LADDER = [
    make_rung(name, open_bytes=size, chunk_bytes=[size] * 20, chunk_ms=[1_000] * 20, bandwidth_bps=size * 8)
    for name, size in (("360p", 90_000), ("540p", 150_000), ("720p", 230_000))
]


class SlowOrigin(CardOrigin):
    """Sends each object of media a byte at a time, until the edge hangs up."""

    def __init__(self) -> None:
        super().__init__()
        self.sending: list[str] = []
        self.hung_up: list[str] = []

    async def _media(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        response = web.StreamResponse(headers={"Cache-Control": "max-age=60", "Content-Length": "100000"})
        await response.prepare(request)
        self.sending.append(request.path)
        try:
            while request.transport is not None and not request.transport.is_closing():
                await response.write(b"x")
                await asyncio.sleep(0.01)  # so slowly that no object ends before it is given up
        finally:
            self.sending.remove(request.path)
            self.hung_up.append(request.path)
        return response


@pytest.fixture
async def edge(data_dir: Path) -> AsyncIterator[Edge]:
    origin = CardOrigin()
    for number, video in enumerate(CLIPS):
        origin.publish(make_card(video, rungs=LADDER, duration_ms=20_000, created_ms=number))
    await origin.start()
    async with running_edge(make_config(data_dir, origin_url=origin.url)) as edge:
        await eventually(lambda: len(edge.cards) == len(CLIPS))
        yield edge
    await origin.stop()


@pytest.fixture
async def player(edge: Edge) -> AsyncIterator[Viewer]:
    async with viewer(edge.url) as one:
        yield one


def state(video: str, **changes: Any) -> dict[str, Any]:
    link = {"bandwidth_bps": 6_000_000, "bandwidth_spread": 0.3, "rtt_ms": 60}
    return {"video": video, "at_s": 0, "is_playing": True} | link | changes


async def test_a_plan_moves_nothing_and_starts_with_what_is_on_screen(player: Viewer) -> None:
    before = await player.open()
    first = before["items"][0]["video"]

    told = await player.call("POST", "/v1/plan", json=state(first))

    assert (told["plan"][0]["video"], told["plan"][0]["chunk"], told["plan"][0]["at_s"]) == (first, 0, 0)
    assert {step["video"] for step in told["plan"]} >= {item["video"] for item in before["items"][:3]}
    assert told["cancel"] == []
    assert told["refresh_s"] > 0
    assert told["version"] == before["version"]
    assert (await player.feed())["items"] == before["items"]


async def test_events_with_the_players_state_answer_with_its_plan(player: Viewer) -> None:
    items = (await player.open())["items"]
    left, screen, third = (item["video"] for item in items[:3])
    held = [{"video": screen, "rung": "540p", "chunks": [[0, 1]]}]
    flying = [{"video": left, "rung": "720p", "chunk": 9, "got_bytes": 1000}]

    feed = await player.swipe(left, current=screen, player=state(screen, held=held, in_flight=flying))

    steps = {(step["video"], step["chunk"]) for step in feed["plan"]}
    assert (screen, 0) not in steps
    assert (screen, 2) in steps
    assert (third, 0) in steps
    assert left not in {step["video"] for step in feed["plan"]}
    assert feed["cancel"] == [f"/v/{left}/720p-0123456789abcdef/9.m4s"]


async def test_what_a_player_is_told_to_fetch_comes_into_ram(edge: Edge, player: Viewer) -> None:
    first = (await player.open())["items"][0]["video"]

    told = await player.call("POST", "/v1/plan", json=state(first))

    media = edge.delivery.media
    await eventually(lambda: all(media.is_in_memory(step["url"]) for step in told["plan"]))


@asynccontextmanager
async def behind_slow_origin(data_dir: Path) -> AsyncIterator[tuple[SlowOrigin, Viewer]]:
    """An edge that knows CLIPS, and a player at it."""
    origin = SlowOrigin()
    for number, video in enumerate(CLIPS):
        origin.publish(make_card(video, rungs=LADDER, duration_ms=20_000, created_ms=number))
    await origin.start()
    async with running_edge(make_config(data_dir, origin_url=origin.url)) as edge, viewer(edge.url) as player:
        await eventually(lambda: len(edge.cards) == len(CLIPS))
        yield origin, player
    await origin.stop()


async def test_a_swipe_ends_at_the_origin_what_the_edge_warmed_for_the_video_left(data_dir: Path) -> None:
    async with behind_slow_origin(data_dir) as (origin, player):
        left, screen = (item["video"] for item in (await player.open())["items"][:2])
        await player.call("POST", "/v1/plan", json=state(left))
        await eventually(lambda: any(f"/{left}/" in path for path in origin.sending))

        feed = await player.swipe(left, current=screen, player=state(screen))

        await eventually(lambda: not any(f"/{left}/" in path for path in origin.sending))
        await eventually(lambda: any(f"/{screen}/" in path for path in origin.sending))
        assert not {step["url"] for step in feed["plan"]} & {*origin.hung_up}


async def test_a_viewer_who_hangs_up_ends_what_is_warmed_for_their_plan_before_the_next_one(
    data_dir: Path,
) -> None:
    async with behind_slow_origin(data_dir) as (origin, player):
        first = (await player.open())["items"][0]["video"]
        told = await player.call("POST", "/v1/plan", json=state(first))
        path = told["plan"][0]["url"]
        await eventually(lambda: path in origin.sending)

        async with player.http.get(player.url + path) as answer:
            await answer.content.readexactly(1)
            answer.close()

        await eventually(lambda: path in origin.hung_up)


async def test_a_plan_for_a_list_names_its_openings_and_they_come_into_ram(
    edge: Edge, player: Viewer
) -> None:
    before = await player.open(n=10)
    queued = [item["video"] for item in before["items"]]
    screen, *listed = queued[:4:-1]
    media = edge.delivery.media
    assert len(listed) == 4

    told = await player.call("POST", "/v1/plan", json=state(screen, next=[screen, *listed, "unknown"]))

    openings = [step for step in told["plan"] if step["chunk"] == 0]
    assert [step["video"] for step in openings] == [screen, *listed][: len(openings)]
    assert len(openings) >= 3
    await eventually(lambda: all(media.is_in_memory(step["url"]) for step in told["plan"]))
    rungs = {step["rung"] for step in openings}
    paths = [[f"/v/{one}/{rung.path}/open.mp4" for rung in LADDER if rung.name in rungs] for one in listed]
    await eventually(lambda: all(any(map(media.is_in_memory, either)) for either in paths))
    assert (await player.feed(n=10))["items"] == before["items"]


async def test_a_queue_that_comes_while_a_list_is_walked_leaves_the_lists_plan(
    edge: Edge, player: Viewer
) -> None:
    queued = [item["video"] for item in (await player.open(n=10))["items"]]
    screen, *listed = queued[:4:-1]
    told = await player.call("POST", "/v1/plan", json=state(screen, next=listed))
    openings = [step["url"] for step in told["plan"] if step["chunk"] == 0 and step["video"] in listed]
    memory = edge.delivery.cache.memory
    assert openings
    assert all(map(memory.is_wanted, openings))

    push = make_queue(*queued[:4], session_id=player.session, user_id=player.user)
    assert edge.feed.take_queue(push)

    assert all(map(memory.is_wanted, openings))
    await player.call("POST", "/v1/plan", json=state(screen))
    assert not any(map(memory.is_wanted, openings))


async def test_a_plan_has_no_step_for_a_video_that_the_player_has_no_room_for(player: Viewer) -> None:
    first, second = (item["video"] for item in (await player.open())["items"][:2])

    told = await player.call("POST", "/v1/plan", json=state(first, ahead=1))

    assert {step["video"] for step in told["plan"]} == {first, second}


async def test_events_within_a_list_answer_with_the_queue_and_the_lists_plan(player: Viewer) -> None:
    queued = [item["video"] for item in (await player.open(n=10))["items"]]
    left, screen, *listed = queued[:5:-1]

    feed = await player.swipe(left, current=screen, player=state(screen, next=listed))

    assert {step["video"] for step in feed["plan"]} == {screen, *listed}
    assert {item["video"] for item in (await player.feed(n=10))["items"]} >= {*queued} - {left, screen}


async def test_a_list_of_which_nothing_is_known_is_not_mistaken_for_the_queue(player: Viewer) -> None:
    first = (await player.open())["items"][0]["video"]

    told = await player.call("POST", "/v1/plan", json=state(first, next=["unknown"]))

    assert {step["video"] for step in told["plan"]} == {first}


async def test_a_player_that_tells_no_link_is_planned_by_the_last_one_told(
    edge: Edge, player: Viewer
) -> None:
    first = (await player.open())["items"][0]["video"]
    await player.call("POST", "/v1/plan", json=state(first, bandwidth_bps=300_000))

    await player.call("POST", "/v1/plan", json={"video": first})

    session = edge.store.get(player.session)
    assert session is not None
    assert session.link.bandwidth_bps == 300_000
    assert session.link.rtt_s == 0.06


async def test_watches_tell_how_long_this_viewer_stays(edge: Edge, player: Viewer) -> None:
    items = (await player.open(n=10))["items"]
    for item in items[:5]:
        await player.post({"kind": "watch", "video": item["video"], "watched_ms": 400})
    session = edge.store.get(player.session)
    assert session is not None

    assert session.pace.factor > 1.5


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"at_s": -1}, "player.at_s"),
        ({"held": "x"}, "held"),
        ({"held": [{"video": "a", "rung": "r", "chunks": [[3, 1]]}]}, "[3, 1]"),
        ({"in_flight": [{"video": "a", "rung": "r", "chunk": 1}] * 9}, "at most 8"),
        ({"video": "a b"}, "video id"),
        ({"next": ["a b"]}, "video id"),
        ({"next": ["a"] * 9}, "at most 8 videos in player.next, got 9"),
        ({"next": "a"}, "next"),
        ({"ahead": -1}, "player.ahead"),
        ({"ahead": 10**4000}, "ahead"),
        ({"at_s": 10**4000}, "at_s"),
        ({"in_flight": [{"video": "a", "rung": "r", "chunk": 10**4000}]}, "in_flight[0].chunk"),
        ({"held": [{"video": "a", "rung": "r", "chunks": [[0, 10**4000]]}]}, "held[0].chunks[0]"),
    ],
)
async def test_a_wrong_report_is_refused_by_name(player: Viewer, changes: dict[str, Any], named: str) -> None:
    await player.open()

    alone = await player.refused("POST", "/v1/plan", json=state("a") | changes)
    within = await player.refused("POST", "/v1/events", json={"player": state("a") | changes})

    assert alone[0] == within[0] == 400
    assert named in alone[1]["detail"]
    assert named in within[1]["detail"]

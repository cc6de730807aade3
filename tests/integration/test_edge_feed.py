"""The viewer's loop over real NATS and real HTTP: queue, events, re-rank, push, warm bytes, withdrawal."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge import metrics
from edge.app import Edge
from shared import subjects
from shared.messages.catalog import CatalogEvent, CatalogKind
from shared.messages.queues import QueueRequest
from shared.messages.retention import RetentionRequest
from shared.messages.vectors import VectorRequest
from tests.brains import ScriptedBrain
from tests.card_origin import CardOrigin
from tests.edge_builders import make_card
from tests.edge_nodes import EDGE, Viewer, make_config, names, running_edge, videos, viewer
from tests.waiting import eventually

DANCE, FOOD = names("dance", 20), names("food", 20)
MIXED = [video for pair in zip(FOOD, DANCE, strict=True) for video in pair]


class Loop(NamedTuple):
    """Everything that one viewer's loop needs."""

    edge: Edge
    brain: ScriptedBrain
    origin: CardOrigin
    viewer: Viewer


@pytest.fixture
async def loop(nats: str, data_dir: Path) -> AsyncIterator[Loop]:
    origin = CardOrigin()
    for number, video in enumerate(MIXED):
        category = video.rstrip("0123456789")
        origin.publish(make_card(video, category=category, created_ms=number))
    await origin.start()
    brain = await ScriptedBrain.start(nats)
    brain.ranking = list(MIXED)
    brain.curves = {FOOD[0]: bytes([204, 102, 51])}
    brain.vectors = {**dict.fromkeys(DANCE, (1.0, 0, 0, 0.1)), **dict.fromkeys(FOOD, (0, 1.0, 0, 0.1))}
    config = make_config(data_dir, nats_url=nats, origin_url=origin.url)
    async with running_edge(config) as edge, viewer(edge.url) as player:
        await eventually(lambda: edge.health.readiness()[1]["nats"] == "ok")
        yield Loop(edge, brain, origin, player)
    await brain.close()
    await origin.stop()


def opening(video: str) -> str:
    return f"/v/{video}/360p-0123456789abcdef/open.mp4"


def is_warm(loop: Loop, video: str) -> bool:
    """Whether its opening could lead."""
    return loop.edge.delivery.media.is_in_memory(opening(video))


async def test_a_new_session_starts_with_the_brains_queue(loop: Loop) -> None:
    feed = await loop.viewer.open(n=3)

    assert videos(feed) == MIXED[:3]
    assert feed["origin"] == "brain"
    assert feed["items"][0]["card"]["rungs"][0]["open_bytes"] == 100_000
    assert [step["url"] for step in feed["plan"]] == [opening(video) for video in MIXED[:3]]


async def test_one_post_answers_with_the_order_that_its_own_events_made(loop: Loop) -> None:
    await loop.viewer.open()
    await eventually(lambda: not loop.edge.vectors.missing(MIXED))
    await eventually(lambda: all(is_warm(loop, video) for video in MIXED[:8]))

    feed = await loop.viewer.swipe("food0", completion=0.05)
    for video in ("dance0", "dance1"):
        feed = await loop.viewer.swipe(video, completion=1.0)

    assert feed["origin"] == "local"
    assert [video[:5] for video in videos(feed)[:3]] == ["dance"] * 3
    assert feed["items"][1]["why"]["rank_moved"] > 0
    assert feed["items"][1]["why"]["text"] == "because you finished 2 dance clips"


async def test_the_slice_grows_its_version_and_asking_for_it_moves_nothing(loop: Loop) -> None:
    first = await loop.viewer.open()
    again = await loop.viewer.feed()
    after = await loop.viewer.swipe("food0")

    assert again == first
    assert after["version"] > first["version"]
    assert "food0" not in videos(after)


async def test_an_event_that_is_sent_again_counts_once(loop: Loop) -> None:
    await loop.viewer.open()
    event = {"id": "e1", "kind": "like", "video": "food0"}

    first = await loop.viewer.post(event, event)
    second = await loop.viewer.post(event)

    assert (first["accepted"], first["duplicates"]) == (1, 1)
    assert (second["accepted"], second["duplicates"]) == (0, 1)
    batches = await eventually(loop.brain.stored_batches)
    assert sum(len(batch.events) for batch in batches) == 1


async def test_events_arrive_in_the_stream_with_what_the_edge_knows(loop: Loop) -> None:
    await loop.viewer.open(user_id="ann")
    await loop.viewer.post({"kind": "watch", "video": "food0", "completion": 0.95, "watched_ms": 2850.4})

    (batch,) = await eventually(loop.brain.stored_batches)

    event = batch.events[0]
    assert (batch.edge_id, batch.region, event.user_id) == (EDGE, "test", "ann")
    assert (event.category, event.creator_id, event.source) == ("food", "by-food0", "vectors")
    assert (event.completion, event.watched_ms) == (0.95, 2850)


async def test_a_bad_event_does_not_cost_the_others(loop: Loop) -> None:
    await loop.viewer.open()

    answer = await loop.viewer.post({"kind": "stare", "video": "a"}, {"kind": "like", "video": "food0"})

    assert answer["accepted"] == 1
    assert answer["rejected"][0]["index"] == 0
    assert "stare" in answer["rejected"][0]["reason"]


async def test_players_beacons_are_counted_and_bad_ones_refused(loop: Loop) -> None:
    await loop.viewer.open()
    wasted = metrics.PLAYER_BYTES.labels("wasted")._value
    before = wasted.get()
    seen = {"video": "food0", "startup_ms": 20, "n_stalls": 1, "fetched_bytes": 900, "wasted_bytes": 300}

    await loop.viewer.post(qoe=[seen, {"video": "food1", "is_shown": False}])
    body = {"qoe": [seen | {"wasted_bytes": 901}]}
    status, problem = await loop.viewer.refused(
        "POST", "/v1/events", json=body, headers={"Authorization": f"Bearer {loop.viewer.token}"}
    )

    assert wasted.get() == before + 300
    assert (status, problem["limit"]) == (400, 900)


async def test_the_held_video_stays_first_until_it_is_not_wanted(loop: Loop) -> None:
    await loop.viewer.open()
    await eventually(lambda: not loop.edge.vectors.missing(MIXED))
    held: dict[str, Any] = {"current": "food0", "held": ["food1", "dance0"]}

    feed = await loop.viewer.swipe("dance3", **held)
    assert videos(feed)[0] == "food1"

    answer = await loop.viewer.post({"kind": "not_interested", "video": "food1"}, **held)
    assert "food1" not in videos(answer["feed"])


async def test_a_pushed_queue_is_merged_and_told(loop: Loop) -> None:
    await loop.viewer.open()
    url = f"{loop.edge.url}/v1/stream?token={loop.viewer.token}"
    async with loop.viewer.http.get(url) as stream:
        assert stream.content_type == "text/event-stream"
        await loop.brain.push(EDGE, loop.viewer.session, loop.viewer.user, ["dance9", "dance8"])
        while (line := await stream.content.readline()) != b"event: queue\n":
            assert line
    feed = await loop.viewer.feed()

    assert videos(feed)[:2] == ["dance9", "dance8"]


async def test_the_openings_of_the_next_three_are_in_ram_before_they_are_asked_for(loop: Loop) -> None:
    feed = await loop.viewer.open()
    media = loop.edge.delivery.media
    await eventually(lambda: all(media.is_in_memory(step["url"]) for step in feed["plan"]))

    for step in feed["plan"]:
        async with loop.viewer.http.get(loop.edge.url + step["url"]) as response:
            assert response.headers["Cache-Status"].startswith("headstart-edge; hit")
            assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert all(loop.origin.requests[step["url"]] == 1 for step in feed["plan"])


async def test_a_swipe_warms_what_comes_next(loop: Loop) -> None:
    await loop.viewer.open()

    feed = await loop.viewer.swipe("food0", current="dance0")

    media = loop.edge.delivery.media
    await eventually(lambda: all(media.is_in_memory(opening(video)) for video in videos(feed)[:3]))


async def test_a_withdrawn_video_leaves_queues_cache_and_players(loop: Loop) -> None:
    feed = await loop.viewer.open()
    gone = videos(feed)[1]
    await eventually(lambda: loop.edge.delivery.media.is_in_memory(opening(gone)))
    url = f"{loop.edge.url}/v1/stream?token={loop.viewer.token}"
    async with loop.viewer.http.get(url) as stream:
        event = CatalogEvent(
            id="x1", kind=CatalogKind.WITHDRAWN, video_id=gone, seq=1_000, at_ms=1, card=None
        )
        await loop.brain.bus.publish_durable(subjects.catalog("withdrawn"), event, "x1")
        while (line := await stream.content.readline()) != b"event: withdrawn\n":
            assert line

    assert gone not in videos(await loop.viewer.feed(20))
    await eventually(lambda: not loop.edge.delivery.media.is_in_memory(opening(gone)))


async def test_a_withdrawal_that_nobody_told_is_found_in_the_log(loop: Loop) -> None:
    feed = await loop.viewer.open()
    gone = videos(feed)[0]

    loop.origin.withdraw(gone)

    async def is_gone() -> bool:
        return gone not in videos(await loop.viewer.feed(20))

    await eventually(is_gone)


async def test_a_queue_that_runs_short_is_refilled_in_the_background(loop: Loop) -> None:
    loop.brain.ranking = MIXED[:4]
    await loop.viewer.open()
    loop.brain.ranking = MIXED[:30]
    n_asked = len(loop.brain.asked)

    async def has_more() -> bool:
        feed = await loop.viewer.swipe("food0")
        return feed["items"][-1]["video"] in MIXED[4:30] and feed["origin"] != "fallback_cached"

    await eventually(has_more)
    assert any(isinstance(ask, QueueRequest) for ask in loop.brain.asked[n_asked:])


async def test_vectors_travel_once(loop: Loop) -> None:
    await loop.viewer.open()
    await eventually(lambda: not loop.edge.vectors.missing(MIXED))
    await loop.viewer.open()
    await loop.brain.push(EDGE, loop.viewer.session, loop.viewer.user, MIXED[::-1])
    session = loop.edge.store.get(loop.viewer.session)
    assert session is not None
    await eventually(lambda: session.queue[0].video_id == MIXED[-1])

    asked = [video for ask in loop.brain.asked if isinstance(ask, VectorRequest) for video in ask.video_ids]
    assert len(asked) == len(set(asked)) == len(MIXED)


async def test_many_sessions_at_once_each_get_their_own(loop: Loop) -> None:
    async def one(number: int) -> str:
        async with viewer(loop.edge.url) as player:
            await player.open(user_id=f"user{number}")
            feed = await player.swipe(MIXED[number])
            assert MIXED[number] not in videos(feed)
            return player.session

    sessions = await asyncio.gather(*(one(number) for number in range(20)))

    assert len(set(sessions)) == len(loop.edge.store) == 20


async def test_no_swipe_fails_when_the_origin_goes_away_in_the_middle(loop: Loop) -> None:
    feed = await loop.viewer.open()
    await eventually(lambda: not loop.edge.vectors.missing(MIXED))
    media = loop.edge.delivery.media
    failed, shown = [], []
    for number in range(40):
        if number == 4:
            near = [opening(one) for one in videos(await loop.viewer.feed(n=10))]
            await eventually(lambda near=near: all(map(media.is_in_memory, near)))
            await loop.origin.stop()
        video = videos(feed)[0]
        shown.append(video)
        async with loop.viewer.http.get(loop.edge.url + opening(video)) as response:
            if response.status != 200:
                failed.append((number, video, response.headers.get("Cache-Status")))
        feed = await loop.viewer.swipe(video, (1.0, 0.05, 0.5)[number % 3], current=video)
        if number == 8:  # well inside what is warm; a viewer is slower than these swipes
            await eventually(lambda: loop.edge.worker.is_origin_away)
        if number < 4:
            await eventually(lambda feed=feed: all(media.is_in_memory(step["url"]) for step in feed["plan"]))

    assert failed == []
    assert len(set(shown)) > 10


async def test_the_feed_opens_up_again_when_the_origin_is_back(loop: Loop) -> None:
    await loop.viewer.open()
    await loop.origin.stop()
    seen: set[str] = set()

    async def is_away() -> bool:
        feed = await loop.viewer.swipe(MIXED[len(seen) % 40])
        seen.update(videos(feed))
        return loop.edge.worker.is_origin_away

    await eventually(is_away)
    await loop.origin.start()

    async def is_back() -> bool:
        await loop.viewer.post({"kind": "like", "video": "dance0"})
        return not loop.edge.worker.is_origin_away

    await eventually(is_back)
    assert len(videos(await loop.viewer.feed(20))) == 20


async def test_curves_are_asked_for_once_with_a_queue_and_changes_are_heard(loop: Loop) -> None:
    await loop.viewer.open()
    table = loop.edge.curves.table

    await eventually(lambda: not table.missing(MIXED))
    assert table.curve(FOOD[0], 3_000) == pytest.approx([1.0, 0.8, 0.4, 0.2])
    n_asked = len([one for one in loop.brain.asked if isinstance(one, RetentionRequest)])
    loop.brain.curves[FOOD[0]] = bytes([255, 255, 255])
    await loop.brain.bus.publish(subjects.RETENTION, loop.brain.retention_of([FOOD[0]], at_ms=2))
    await eventually(lambda: table.curve(FOOD[0], 3_000) == (1.0, 1.0, 1.0, 1.0))
    await viewer_opens_again(loop)
    assert len([one for one in loop.brain.asked if isinstance(one, RetentionRequest)]) == n_asked


async def viewer_opens_again(loop: Loop) -> None:
    async with viewer(loop.edge.url) as another:
        assert (await another.open())["origin"] == "brain"

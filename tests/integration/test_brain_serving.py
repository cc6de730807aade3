"""A brain on a real bus and a real Valkey: requests, pushes, trends, the catalogue, models."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from aiohttp import web

from brain.training import snapshot
from brain.training.factors import Factors, feature_names
from shared import kv, subjects
from shared.bus import Bus
from shared.clock import SystemClock
from shared.errors import Unavailable
from shared.messages.catalog import CatalogKind
from shared.messages.events import EventKind
from shared.messages.nodes import EdgeHeartbeat
from shared.messages.queues import RankedQueue, TrendingList
from shared.messages.reads import CatalogPage
from shared.messages.retention import Retention, RetentionRequest
from shared.messages.vectors import ModelAnnouncement, VectorRequest, VectorTable
from shared.retention import unpack
from shared.web import json_response, serve
from tests.brain_builders import catalogue, said, table_of
from tests.brain_process import ask, config_of, publish_catalogue, publish_events, serving
from tests.builders import make_batch, make_catalog_event, make_event
from tests.waiting import eventually

N_VIDEOS = 60


@pytest.fixture
async def brain(bus: Bus, nats: str, valkey: str, data_dir: Path) -> AsyncIterator[str]:
    """A brain that has loaded a catalogue of N_VIDEOS; its URL."""
    await publish_catalogue(bus, catalogue(N_VIDEOS))
    async with serving(config_of(nats, valkey, data_dir)) as one:
        await eventually(lambda: is_answering(bus))
        yield one.url


async def is_answering(bus: Bus) -> bool:
    try:
        return len((await ask(bus)).items) == N_VIDEOS
    except Unavailable:
        return False


async def vectors(bus: Bus, model: str = "") -> VectorTable:
    request = VectorRequest(model=model, video_ids=["v0", "v1", "unknown"])
    return await bus.request(subjects.VECTOR_REQUEST, request, VectorTable, 2.0)


def now_ms() -> int:
    return SystemClock().wall_ms()


async def test_a_request_is_answered_with_a_ranked_queue(bus: Bus, brain: str) -> None:
    first, second = await ask(bus, n=10), await ask(bus, n=10)

    assert len(first.items) == 10
    assert first.model == "content-1"
    assert second.version > first.version


async def test_an_event_pushes_a_queue_to_the_edge_that_owns_the_session(bus: Bus, brain: str) -> None:
    pushed: list[RankedQueue] = []

    async def take(queue: RankedQueue) -> None:
        pushed.append(queue)

    await bus.subscribe(subjects.queue("e1"), RankedQueue, take)
    event = said("u1", "v1", 0.95, id="cause1", session_id="s1", at_ms=now_ms())
    await publish_events(bus, make_batch(event, at_ms=now_ms()))

    await eventually(lambda: pushed)
    assert (pushed[0].session_id, pushed[0].cause) == ("s1", "cause1")
    assert pushed[0].items[-1].video_id == "v1"
    assert len(pushed[0].user_vector) == 2 * 64


async def test_weak_events_push_at_every_third_and_versions_grow(bus: Bus, brain: str) -> None:
    pushed: list[RankedQueue] = []

    async def take(queue: RankedQueue) -> None:
        pushed.append(queue)

    await bus.subscribe(subjects.queue("e1"), RankedQueue, take)
    for number in range(6):
        event = make_event(EventKind.IMPRESSION, f"v{number}", id=f"i{number}", at_ms=now_ms())
        await publish_events(bus, make_batch(event, id=f"b{number}", at_ms=now_ms()))

    await eventually(lambda: pushed and pushed[-1].cause == "i5")
    assert {queue.cause for queue in pushed} <= {"i2", "i5"}
    versions = [queue.version for queue in pushed]
    assert versions == sorted(set(versions))


async def test_a_queue_follows_the_viewers_taste_and_tells_what_was_seen(bus: Bus, brain: str) -> None:
    videos = ["v1", "v9", "v17"]
    events = [said("u1", video, 1.0, at_ms=now_ms() + place) for place, video in enumerate(videos)]
    await publish_events(bus, make_batch(*events, at_ms=now_ms() + 10))

    async def is_seen() -> bool:
        return (await ask(bus)).seen == videos

    await eventually(is_seen)
    top = [item.video_id for item in (await ask(bus, n=8)).items]
    assert sum(int(video[1:]) % 8 == 1 for video in top) >= 4


async def test_an_invalid_request_is_told_at_once(bus: Bus, brain: str) -> None:
    with pytest.raises(Unavailable, match="invalid_id"):
        await ask(bus, user="not an id")


async def test_vectors_are_answered_in_the_current_model_whatever_is_asked(bus: Bus, brain: str) -> None:
    table = await vectors(bus, "gone-7")

    assert (table.model, table.dim) == ("content-1", 64)
    assert table.video_ids == ["v0", "v1"]
    rows = np.frombuffer(table.vectors, "<f2").reshape(2, 64)
    assert np.linalg.norm(rows.astype(np.float32), axis=1) == pytest.approx([1.0, 1.0], abs=0.01)
    assert len(table.mean) == 2 * 64


async def test_a_withdrawn_video_leaves_the_queues_and_a_new_one_enters(bus: Bus, brain: str) -> None:
    await publish_catalogue(
        bus,
        [
            make_catalog_event("v3", CatalogKind.WITHDRAWN, seq=1001),
            make_catalog_event("brandnew", seq=1002),
        ],
    )

    async def changed() -> bool:
        queued = {item.video_id for item in (await ask(bus)).items}
        return "v3" not in queued and "brandnew" in queued

    await eventually(changed)


async def test_a_new_edge_is_told_the_trends_and_the_model(bus: Bus, brain: str) -> None:
    lists: list[TrendingList] = []
    models: list[ModelAnnouncement] = []

    async def take_list(trends: TrendingList) -> None:
        lists.append(trends)

    async def take_model(model: ModelAnnouncement) -> None:
        models.append(model)

    await bus.subscribe(subjects.trends("north"), TrendingList, take_list)
    await bus.subscribe(subjects.MODEL, ModelAnnouncement, take_model)
    beat = EdgeHeartbeat(edge_id="e7", region="north", url="http://x", at_ms=now_ms(), n_sessions=0)
    await bus.publish(subjects.heartbeat("e7"), beat)

    await eventually(lambda: lists and models)
    assert len(lists[0].items) == N_VIDEOS
    assert models[0].model == "content-1"


async def test_a_trend_reaches_its_region_when_it_changes(bus: Bus, brain: str) -> None:
    lists: list[TrendingList] = []

    async def take(trends: TrendingList) -> None:
        lists.append(trends)

    await bus.subscribe(subjects.trends("eu"), TrendingList, take)
    likes = [
        make_event(EventKind.LIKE, "v42", id=f"like{number}", user_id=f"u{number}", at_ms=now_ms())
        for number in range(5)
    ]
    await publish_events(bus, make_batch(*likes, region="eu", at_ms=now_ms()))

    await eventually(lambda: lists and lists[-1].items[0].video_id == "v42")


async def test_the_origin_completes_what_the_stream_has_lost(
    bus: Bus, nats: str, valkey: str, data_dir: Path
) -> None:
    events = list(catalogue(20))

    async def changes(request: web.Request) -> web.Response:
        after = int(request.query["after_seq"])
        page = [event for event in events if event.seq > after][:7]
        return json_response(CatalogPage(page, events[-1].seq))

    app = web.Application()
    app.router.add_get("/internal/catalog", changes)
    origin = await serve(app, "127.0.0.1:0")
    async with serving(config_of(nats, valkey, data_dir, origin.url)):

        async def is_whole() -> bool:
            return len((await ask(bus)).items) == len(events)

        await eventually(lambda: guarded(is_whole()))
        events += [event for event in catalogue(25) if event.seq > 20]
        await eventually(is_whole)
    await origin.stop()


async def guarded(check: object) -> bool:
    try:
        return bool(await check)  # type: ignore[misc]
    except Unavailable:
        return False


def trained(folder: Path, at_ms: int) -> str:
    """A model that knows every item of the catalogue."""
    items = table_of(catalogue(N_VIDEOS)).items
    names = sorted({name for item in items for name in feature_names(item)})
    rng = np.random.default_rng(at_ms)
    factors = Factors(
        "",
        0,
        tuple(names),
        rng.normal(size=(len(names), 16)).astype(np.float32),
        np.zeros(len(names), np.float32),
        ("u1",),
        rng.normal(size=(1, 16)).astype(np.float32),
        len(items),
    )
    return snapshot.write(folder, factors, at_ms, 1000, {}).revision


async def test_a_new_model_takes_over_while_the_old_one_is_still_answered(
    bus: Bus, brain: str, data_dir: Path
) -> None:
    models: list[ModelAnnouncement] = []

    async def take(model: ModelAnnouncement) -> None:
        models.append(model)

    await bus.subscribe(subjects.MODEL, ModelAnnouncement, take)
    revision = trained(data_dir / "models", now_ms())

    await eventually(lambda: models and models[-1].model == revision)
    queue = await ask(bus)
    assert (queue.model, len(queue.user_vector)) == (revision, 2 * 16)
    assert (await vectors(bus, revision)).dim == 16
    assert (await vectors(bus, "content-1")).dim == 64


async def test_a_damaged_model_is_refused_and_the_old_one_serves(
    bus: Bus, brain: str, data_dir: Path
) -> None:
    good = trained(data_dir / "models", now_ms())

    async def serves_good() -> bool:
        return (await ask(bus)).model == good

    await eventually(serves_good)
    (data_dir / "models" / "lightfm-zzzzzzzzzz-00000000").mkdir()

    async def is_refused() -> bool:
        async with aiohttp.ClientSession() as http, http.get(f"{brain}/metrics") as answer:
            return 'brain_model_loads_total{result="refused"}' in await answer.text()

    await eventually(is_refused)
    assert (await ask(bus)).model == good


async def test_the_newest_sound_model_is_there_at_the_start(
    bus: Bus, nats: str, valkey: str, data_dir: Path
) -> None:
    trained(data_dir / "models", 1_000)
    newest = trained(data_dir / "models", 2_000)
    await publish_catalogue(bus, catalogue(N_VIDEOS))

    async with serving(config_of(nats, valkey, data_dir)):
        await eventually(lambda: is_answering(bus))
        assert (await ask(bus)).model == newest


async def test_readiness_and_metrics_are_told(brain: str) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{brain}/readyz") as answer:
            assert answer.status == 200
        async with http.get(f"{brain}/metrics") as answer:
            assert f"brain_videos {N_VIDEOS}.0" in await answer.text()


async def test_a_store_that_lost_its_data_is_rebuilt_from_the_stream(
    bus: Bus, nats: str, valkey: str, data_dir: Path
) -> None:
    await publish_catalogue(bus, catalogue(N_VIDEOS))
    client = kv.connect(valkey)

    async def is_counted() -> bool:
        return await client.get("stats:u1:space") == b"30"

    async with serving(config_of(nats, valkey, data_dir)):
        for number in range(3):
            event = said("u1", f"v{number}", 1.0, category="space", at_ms=now_ms())
            await publish_events(bus, make_batch(event, id=f"b{number}", at_ms=now_ms()))
        await eventually(is_counted)
    await client.flushall()

    async with serving(config_of(nats, valkey, data_dir)):
        await eventually(is_counted)
    await client.aclose()


async def curves(bus: Bus, *videos: str) -> Retention:
    request = RetentionRequest(video_ids=list(videos))
    return await bus.request(subjects.RETENTION_REQUEST, request, Retention, 2.0)


async def test_watches_become_curves_that_edges_hear_and_may_ask_for(bus: Bus, brain: str) -> None:
    heard: list[Retention] = []

    async def hear(told: Retention) -> None:
        heard.append(told)

    await bus.subscribe(subjects.RETENTION, Retention, hear)
    left = [said(f"u{n}", "v1", 0.25, watched_ms=2_500, at_ms=now_ms()) for n in range(150)]
    stayed = [said(f"w{n}", "v1", 1.0, at_ms=now_ms()) for n in range(50)]
    await publish_events(bus, make_batch(*left, *stayed, at_ms=now_ms() + 10))

    await eventually(lambda: any("v1" in told.curves for told in heard), within_s=20)
    told = [one for one in heard if "v1" in one.curves][-1]
    shares = unpack(told.curves["v1"].shares)
    assert len(shares) == 11
    assert shares[2] > 0.95
    assert shares[3] == pytest.approx(0.26, abs=0.05)
    assert told.curves["v1"].weight == pytest.approx(200, rel=0.01)
    assert {"", "space"} <= told.priors.keys()
    answer = await curves(bus, "v1", "v2", "unknown")
    assert answer.curves == told.curves
    assert unpack(answer.priors["space"].shares)[3] < unpack(answer.priors[""].shares)[3] + 0.01

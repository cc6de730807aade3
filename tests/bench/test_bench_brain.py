"""The brain: time to build a queue, event to pushed queue, requests, events a second, quality on ratings."""

import os
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from brain.config import TrainLimits
from brain.features.effects import effects_of
from brain.features.interest import Signal
from brain.features.redis_store import RedisFeatureStore
from brain.features.store import Profile
from brain.items import Item
from brain.pipeline import Pipeline, PipelineConfig
from brain.training.dataset import Interaction, split_by_time
from brain.training.fit import compare, fit
from shared import embedded, kv, subjects
from shared.bus import Bus
from shared.clock import SystemClock
from shared.errors import Unavailable
from shared.messages.events import EventBatch, EventKind
from shared.messages.queues import RankedQueue
from tests.bench import report
from tests.brain_builders import CATEGORIES, catalogue, said, world_of
from tests.brain_process import BrainProcess, ask, publish_catalogue, publish_events
from tests.builders import NOW_MS, make_batch
from tests.waiting import eventually

pytestmark = pytest.mark.bench
N_ROUNDS = 200
N_BUILDS = 60
N_VIDEOS = 2_000


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(seconds)
    return {
        "p50 ms": statistics.median(ordered) * 1000,
        "p95 ms": ordered[int(len(ordered) * 0.95)] * 1000,
        "p99 ms": ordered[int(len(ordered) * 0.99)] * 1000,
    }


def a_viewer() -> Profile:
    """Fifty finished videos of two categories, two followed creators."""
    history = tuple(
        Signal(
            f"e{n}",
            EventKind.WATCH,
            f"v{8 * n + n % 2}",
            CATEGORIES[n % 2],
            "creator1",
            1.0,
            NOW_MS - n * 1000,
        )
        for n in range(50)
    )
    seen = {signal.video_id: signal.at_ms for signal in history}
    return Profile("u", {"cooking": 50, "space": 40}, history, seen, frozenset({"creator3", "creator4"}))


def test_building_a_queue_of_300_from_a_thousand_candidates() -> None:
    figures = {}
    for n_items in (1_000, 10_000, 100_000):
        world = world_of(n_items, n_creators=max(40, n_items // 50))
        pipeline = Pipeline(PipelineConfig(), np.random.default_rng(0), time.perf_counter)
        viewer = a_viewer()
        pipeline.build(world, viewer, 300, NOW_MS)
        took, stages, n_candidates = [], [], 0
        cpu_s = time.process_time()
        for _ in range(N_BUILDS):
            began = time.perf_counter()
            built = pipeline.build(world, viewer, 300, NOW_MS)
            took.append(time.perf_counter() - began)
            stages.append(built.took_ms)
            n_candidates = built.n_candidates
        medians = {f"{stage} ms": statistics.median(one[stage] for one in stages) for stage in stages[0]}
        cpu_ms = (time.process_time() - cpu_s) / N_BUILDS * 1000
        figures[f"{n_items:,} items"] = {
            **quantiles(took),
            "cpu ms": cpu_ms,
            **medians,
            "candidates": n_candidates,
        }
    report.write("brain-pipeline", figures)


class Stand:
    """Servers and a brain process that has loaded N_VIDEOS; `bus` is an edge's."""

    def __init__(self, bus: Bus, valkey: embedded.Server) -> None:
        self.bus, self.valkey = bus, valkey


@pytest.fixture
async def stand(data_dir: Path) -> AsyncIterator[Stand]:
    nats = await embedded.nats_server(data_dir, {})
    valkey = await embedded.valkey_server(data_dir, {})
    bus = await Bus.connect(nats.url, "bench", wait=True)
    await bus.ensure_streams(subjects.STREAMS)
    await publish_catalogue(bus, catalogue(N_VIDEOS))
    environ = {
        "HEADSTART_NATS_URL": nats.url,
        "HEADSTART_REDIS_URL": valkey.url,
        "HEADSTART_BRAIN_DATA_DIR": str(data_dir / "data"),
        "HEADSTART_BRAIN_LISTEN": "127.0.0.1:0",
    }
    brain = await BrainProcess(environ, data_dir / "brain.log").start()

    async def is_ready() -> bool:
        try:
            return len((await ask(bus)).items) == 300
        except Unavailable:
            return False

    await eventually(is_ready, 30)
    yield Stand(bus, valkey)
    await brain.stop()
    await bus.close()
    await valkey.stop()
    await nats.stop()


async def test_an_event_to_its_pushed_queue_and_a_request_to_its_answer(stand: Stand) -> None:
    pushed: dict[str, float] = {}
    clock = SystemClock()

    async def take(queue: RankedQueue) -> None:
        pushed[queue.cause] = time.perf_counter()

    await stand.bus.subscribe(subjects.queue("e1"), RankedQueue, take)
    latencies, answers, away = [], [], []
    for number in range(N_ROUNDS):
        event = said("u1", f"v{number}", 1.0, id=f"cause{number}", at_ms=clock.wall_ms())
        batch = make_batch(event, id=f"b{number}", at_ms=clock.wall_ms())
        began = time.perf_counter()
        await publish_events(stand.bus, batch)
        await eventually(lambda cause=event.id: cause in pushed)
        latencies.append(pushed[event.id] - began)
        began = time.perf_counter()
        await ask(stand.bus)
        answers.append(time.perf_counter() - began)
    await stand.valkey.stop()
    for _ in range(N_ROUNDS):
        began = time.perf_counter()
        await ask(stand.bus)
        away.append(time.perf_counter() - began)
    figures = {
        "event to pushed queue": quantiles(latencies),
        "queue request": quantiles(answers),
        "queue request, Redis away": quantiles(away),
    }
    report.write("brain-latency", figures)


def batches(n: int, n_events: int) -> list[EventBatch]:
    """Watches of a thousand viewers, all of which move a counter, now."""
    now_ms = SystemClock().wall_ms()
    return [
        make_batch(
            *(
                said(
                    f"u{(number * 7 + place) % 1000}",
                    f"v{(number * 13 + place) % N_VIDEOS}",
                    1.0,
                    category=CATEGORIES[place % 8],
                    creator_id="creator1",
                    at_ms=now_ms,
                    session_id=f"s{number % 200}",
                )
                for place in range(n_events)
            ),
            id=f"batch{number}",
            at_ms=now_ms,
        )
        for number in range(n)
    ]


async def test_events_a_second(stand: Stand) -> None:
    client = kv.connect(stand.valkey.url)
    features = RedisFeatureStore(client, 6 * 3600.0, 14 * 86_400.0)
    groups = batches(640, 5)
    began = time.perf_counter()
    for start in range(0, len(groups), 64):
        await features.apply(effects_of(groups[start : start + 64]))
    written_s = time.perf_counter() - began

    await client.flushall()
    await features.set_built()
    groups = batches(1_000, 5)
    began = time.perf_counter()
    for batch in groups:
        await publish_events(stand.bus, batch)
    published_s = time.perf_counter() - began

    async def is_counted() -> bool:
        keys = [f"stats:u{user}:{category}" for user in range(1000) for category in CATEGORIES]
        return sum(int(value or 0) for value in await client.mget(keys)) == 10 * 5 * len(groups)

    await eventually(is_counted, 60)
    counted_s = time.perf_counter() - began
    await client.aclose()
    figures = {
        "into Valkey, fetches of 64 x 5": {"events/s": 640 * 5 / written_s},
        "published one by one": {"events/s": 5 * len(groups) / published_s},
        "published, consumed, counted, with pushes": {"events/s": 5 * len(groups) / counted_s},
    }
    report.write("brain-events", figures)


def test_lightfm_beside_popularity_on_public_ratings() -> None:
    folder = Path(os.environ.get("HEADSTART_DATA", report.ROOT.parent / "shared" / "data")) / "ratings"
    if not (folder / "ml-100k.inter").exists():
        pytest.skip("public ratings left out: HEADSTART_DATA names no folder with ratings/ml-100k.inter")
    lines = (folder / "ml-100k.inter").read_text("utf-8").splitlines()[1:]
    users: dict[str, int] = {}
    videos: dict[str, int] = {}
    found = []
    for user, video, rating, at_s in (line.split("\t") for line in lines):
        if float(rating) >= 4:
            pair = (users.setdefault(user, len(users)), videos.setdefault(video, len(videos)))
            found.append(Interaction(*pair, float(rating) - 3, int(float(at_s)) * 1000))
    found.sort(key=lambda one: one.at_ms)
    classes = {
        line.split("\t")[0]: line.split("\t")[3].split()
        for line in (folder / "ml-100k.item").read_text("utf-8").splitlines()[1:]
    }
    items = [Item(video, classes[video][0], "", tuple(classes[video]), 0.0, 0.0) for video in videos]
    split = split_by_time(found, 0.2)
    began = time.perf_counter()
    factors = fit(split.train, list(users), items, TrainLimits())
    took_s = time.perf_counter() - began
    quality = compare(factors, split.train, split.test, items, 10)
    figures = {
        name: {"recall@10": one.recall, "NDCG@10": one.ndcg, "coverage": one.coverage, "users": one.n_users}
        for name, one in quality.items()
    }
    report.write("brain-training", {**figures, "training s": took_s, "interactions": len(found)})

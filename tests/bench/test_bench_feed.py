"""Events in, re-ranked slice out: what one POST costs inside the edge, and over HTTP on loopback."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

import msgspec
import numpy as np
import pytest

from edge.app import Edge
from edge.session.arrange import Ranking, View, arrange
from edge.session.intake import EventIn, EventsIn
from edge.session.signals import Signal
from edge.session.state import Session
from shared.lifecycle import Lifecycle
from shared.messages.vectors import VectorTable
from tests.bench import report
from tests.edge_builders import make_card, make_queue, make_rung
from tests.edge_nodes import make_config, viewer

pytestmark = pytest.mark.bench

N_CANDIDATES = 300
DIM = 64
N_RUNS = 400
LADDER = [
    make_rung(name, chunk_bytes=[90_000] * 12, chunk_ms=[1_000] * 12) for name in ("360p", "540p", "720p")
]


def table(n: int) -> VectorTable:
    rows = np.random.default_rng(1).normal(size=(n, DIM)).astype("<f2")
    names = [f"v{number}" for number in range(n)]
    mean = rows.astype(np.float32).mean(0).astype("<f2")
    return VectorTable(model="m1", dim=DIM, mean=mean.tobytes(), video_ids=names, vectors=rows.tobytes())


def filled(edge: Edge, n: int) -> Session:
    """A session that holds n candidates with cards, vectors and a taste."""
    for number in range(n):
        card = make_card(f"v{number}", rungs=LADDER, category=f"c{number % 8}", creator_id=f"u{number % 40}")
        edge.cards.publish(card, number + 1)
    edge.vectors.add(table(n))
    session = edge.feed.open("s1", "u1")
    user = np.random.default_rng(2).normal(size=DIM).astype("<f2").tobytes()
    edge.feed.take_queue(make_queue(*(f"v{number}" for number in range(n)), version=1, user_vector=user))
    return session


def spread(values: list[float]) -> dict[str, float]:
    """Microseconds."""
    cut = quantiles(values, n=100)
    return {
        "p10_us": round(cut[9] / 1e3, 1),
        "p50_us": round(median(values) / 1e3, 1),
        "p99_us": round(cut[98] / 1e3, 1),
    }


def timed(work: Callable[[int], object], n: int) -> list[float]:
    """CPU nanoseconds of each run."""
    taken = []
    for number in range(n):
        began = time.process_time_ns()
        work(number)
        taken.append(float(time.process_time_ns() - began))
    return taken


async def test_events_to_slice(data_dir: Path) -> None:
    rows: dict[str, dict[str, float]] = {}
    async with Lifecycle(grace_s=5.0) as life:
        edge = Edge(make_config(data_dir))
        await edge.start(life)
        for n in (100, N_CANDIDATES, 500):
            session = filled(edge, n)

            def post(number: int, one: Session = session, n: int = n) -> None:
                video = f"v{number % n}"
                event = EventIn(kind="watch", video=video, completion=float(number % 2), id=f"e{n}-{number}")
                like = EventIn(kind="like", video=video)
                one.queue_version = 0
                body = EventsIn(events=[event, like], current=video, held=[])
                msgspec.json.encode(edge.feed.take_events(one, body))
                if number % 20 == 19:  # what was seen leaves: hold the number of candidates up
                    one.seen.clear()
                    edge.feed.take_queue(make_queue(*(f"v{i}" for i in range(n)), version=number + 2))

            timed(post, 40)
            rows[f"POST of 2 events, {n} candidates, CPU"] = spread(timed(post, N_RUNS))

            view = View(edge.vectors, edge.cards.get, lambda video: True)

            def rank(number: int, one: Session = session, n: int = n, view: View = view) -> None:
                one.note(Signal(f"v{number % n}", 1.0 if number % 3 else -1.0))
                arrange(one, view, Ranking())

            rows[f"re-rank alone, {n} candidates, CPU"] = spread(timed(rank, N_RUNS))
        async with viewer(edge.url) as player:
            await player.open()
            wall = []
            for number in range(N_RUNS):
                began = time.perf_counter_ns()
                await player.swipe(f"v{number % N_CANDIDATES}", number % 2)
                wall.append(float(time.perf_counter_ns() - began))
            rows["POST over HTTP on loopback, client included, wall"] = spread(wall)
    report.write("feed", rows)

    assert rows[f"POST of 2 events, {N_CANDIDATES} candidates, CPU"]["p50_us"] < 2_000

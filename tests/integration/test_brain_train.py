"""`python -m brain train` on a real event log, and the brain that takes the model over while it serves."""

import asyncio
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from brain.training import run as training
from brain.training import snapshot
from shared import subjects
from shared.bus import Bus
from shared.clock import SystemClock
from shared.errors import Unavailable
from shared.messages.vectors import ModelAnnouncement
from tests.brain_builders import CATEGORIES, catalogue, said
from tests.brain_process import ROOT, ask, config_of, publish_catalogue, publish_events, serving
from tests.builders import make_batch
from tests.waiting import eventually

N_VIDEOS = 80


async def viewers_with_tastes(bus: Bus, n_viewers: int) -> None:
    """Each finishes two of eight categories and skips the rest; one batch a viewer."""
    rng = np.random.default_rng(5)
    now_ms = SystemClock().wall_ms()
    for viewer in range(n_viewers):
        liked = {CATEGORIES[kind] for kind in rng.choice(len(CATEGORIES), 2, replace=False)}
        events = [
            said(
                f"viewer{viewer}",
                f"v{number}",
                1.0 if CATEGORIES[number % len(CATEGORIES)] in liked else 0.05,
                at_ms=now_ms - 10_000_000 + place * 1000 + viewer,
            )
            for place, number in enumerate(rng.choice(N_VIDEOS, 40, replace=False).tolist())
        ]
        await publish_events(bus, make_batch(*events, id=f"b{viewer}", at_ms=now_ms))


async def train(nats: str, data_dir: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and output."""
    environ = {
        **os.environ,
        "HEADSTART_NATS_URL": nats,
        "HEADSTART_ORIGIN_URL": "http://127.0.0.1:1",
        "HEADSTART_BRAIN_DATA_DIR": str(data_dir),
        "HEADSTART_BRAIN_TRAIN_EPOCHS": "5",
        "HEADSTART_BRAIN_TRAIN_DIM": "16",
        "COLUMNS": "120",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "brain",
        "train",
        *arguments,
        cwd=ROOT,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_a_trained_model_is_announced_and_serves_without_a_restart(
    bus: Bus, nats: str, valkey: str, data_dir: Path
) -> None:
    await publish_catalogue(bus, catalogue(N_VIDEOS))
    await viewers_with_tastes(bus, 60)
    announced: list[ModelAnnouncement] = []

    async def take(model: ModelAnnouncement) -> None:
        announced.append(model)

    await bus.subscribe(subjects.MODEL, ModelAnnouncement, take)
    async with serving(config_of(nats, valkey, data_dir)):
        status, out = await train(nats, data_dir, "--from-start")
        assert status == 0, out

        (revision,) = snapshot.revisions(data_dir / "models")
        await eventually(lambda: announced and announced[-1].model == revision)
        assert (await ask(bus, user="viewer1")).model == revision

    assert "recall@10" in out
    assert "popularity" in out


async def test_nothing_to_learn_is_said_and_no_model_is_written(bus: Bus, nats: str, data_dir: Path) -> None:
    await publish_catalogue(bus, catalogue(3))

    status, out = await train(nats, data_dir)

    assert status == 1
    assert "at least 50 are needed" in out
    assert not (data_dir / "models").exists()


async def test_a_bus_that_is_not_there_is_told(free_port: int) -> None:
    bus = await Bus.connect(f"nats://127.0.0.1:{free_port}", "test")
    with pytest.raises(Unavailable, match="no NATS within"):
        await training.connected(bus, within_s=0.2)
    await bus.close()

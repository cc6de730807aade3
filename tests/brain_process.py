"""Brains for integration tests: one inside the test's loop, or a process of its own that can be killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

from brain.app import Brain
from brain.config import BrainConfig, ModelLimits, PushLimits, RetentionLimits
from shared import subjects
from shared.bus import Bus
from shared.lifecycle import Lifecycle
from shared.messages.catalog import CatalogEvent
from shared.messages.events import EventBatch
from shared.messages.queues import QueueRequest, RankedQueue

ROOT = Path(__file__).resolve().parents[1]


def config_of(nats: str, valkey: str, data_dir: Path, origin: str = "http://127.0.0.1:1") -> BrainConfig:
    """Everything quick: polls and trends every tenth of a second."""
    return replace(
        BrainConfig(),
        listen="127.0.0.1:0",
        data_dir=data_dir,
        nats_url=nats,
        redis_url=valkey,
        origin_url=origin,
        reconcile_s=0.2,
        models=ModelLimits(poll_s=0.1),
        push=PushLimits(trends_every_s=0.1),
        retention=RetentionLimits(every_s=0.1, priors_every_s=0.1),
    )


@asynccontextmanager
async def serving(config: BrainConfig) -> AsyncIterator[Brain]:
    """A brain in this loop."""
    async with Lifecycle(grace_s=3.0) as life:
        brain = Brain(config)
        await brain.start(life)
        yield brain


class BrainProcess:
    """`python -m brain` with a log of its own."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        self._environ, self._log = environ, log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> Self:
        """Start, or start again."""
        with self._log.open("ab") as file:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "brain",
                cwd=ROOT,
                env={**os.environ, **self._environ},
                stdout=file,
                stderr=file,
            )
        return self

    async def kill(self) -> None:
        """kill -9."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(15):
            return await self._process.wait()

    def log(self) -> str:
        """What it said so far."""
        return self._log.read_text("utf-8")


async def publish_catalogue(bus: Bus, events: Iterable[CatalogEvent]) -> None:
    """Into the stream CATALOG, as an origin does."""
    for event in events:
        await bus.publish_durable(
            subjects.catalog(event.kind), event, f"{event.video_id}-{event.seq}", timeout_s=5
        )


async def publish_events(bus: Bus, batch: EventBatch) -> None:
    """Into the stream EVENTS, as an edge does."""
    await bus.publish_durable(subjects.events(batch.edge_id), batch, batch.id, timeout_s=5)


async def ask(bus: Bus, user: str = "u1", n: int = 300, session: str = "s1") -> RankedQueue:
    """A queue by request, as an edge asks for it."""
    request = QueueRequest(session_id=session, user_id=user, edge_id="e1", region="local", n=n)
    return await bus.request(subjects.QUEUE_REQUEST, request, RankedQueue, 2.0)

"""Fixtures that several files here share. A file that needs another one of the same name has its own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.bus import Bus
from shared.subjects import STREAMS
from tests.origins import ScriptedOrigin
from tests.region import Region, running_region


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    """It answers what the test puts into its `replies`."""
    async with ScriptedOrigin() as running:
        yield running


@pytest.fixture
async def bus(nats: str) -> AsyncIterator[Bus]:
    """A connected bus whose streams exist."""
    bus = await Bus.connect(nats, "test", wait=True)
    await bus.ensure_streams(STREAMS)
    yield bus
    await bus.close()


@pytest.fixture
async def region(data_dir: Path, nats: str) -> AsyncIterator[Region]:
    """Edges on one NATS, as many as the test starts."""
    async with running_region(data_dir, nats) as one:
        yield one

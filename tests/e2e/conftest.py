"""One whole stack for the end-to-end tests of a file, a small catalogue; logs are shown on failure."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests import viewer
from tests.clips import make_clip
from tests.stack import Stack, running
from tests.waiting import eventually

CATEGORIES = ("lava", "cells", "skies", "paper")
N_CLIPS = 16


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Every part as a process of its own."""
    with running(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture(scope="module")
def filled(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The stack's videos: small clips in four categories by eight creators, all complete."""
    clip = make_clip(tmp_path_factory.mktemp("clips") / "small.mp4", seconds=2, width=180, height=320)
    return asyncio.run(_fill(stack, clip))


async def _fill(stack: Stack, clip: Path) -> list[str]:
    async with aiohttp.ClientSession() as http:
        videos = [
            await viewer.upload(
                http,
                stack.origin,
                clip,
                caption=f"clip {i}",
                creator=f"maker_{i % 8}",
                category=CATEGORIES[i % 4],
                hashtags=f"#{CATEGORIES[i % 4]} #tag{i % 3}",
            )
            for i in range(N_CLIPS)
        ]

        async def is_done() -> bool:
            states = [await viewer.status(http, stack.origin, video) for video in videos]
            assert "failed" not in states
            return set(states) == {"complete"}

        await eventually(is_done, within_s=150)
        someone = await viewer.Viewer(http, stack.edge).open()

        async def is_served() -> bool:
            return len(await someone.look(n=N_CLIPS)) >= N_CLIPS

        await eventually(is_served, within_s=20)
    return videos


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client for the length of a test."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as client:
        yield client


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the stack's logs to a failure."""
    report = yield
    stack = getattr(item, "funcargs", {}).get("stack")
    if report.failed and stack is not None:
        report.sections.append(("the stack's logs", stack.tails()))
    return report

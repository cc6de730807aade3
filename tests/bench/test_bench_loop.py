"""The two loops of DESIGN.md §1 over the real stack: event → re-ranked answer, event → pushed queue."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import aiohttp
import pytest

from tests import viewer
from tests.bench import report
from tests.clips import make_clip
from tests.stack import Stack, running
from tests.viewer import Viewer
from tests.waiting import eventually

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

CATEGORIES = ("lava", "cells", "skies", "paper")
N_VIDEOS = 24
N_SHOWN = 20
"""The most that one slice holds."""
N_SESSIONS = 20
N_EVENTS_EACH = 10
PUSH_LIMIT_S = 5.0


def spread(seconds: list[float]) -> dict[str, float]:
    """Milliseconds."""
    cut = quantiles(seconds, n=100)
    return {
        "n": len(seconds),
        "p50_ms": median(seconds) * 1e3,
        "p95_ms": cut[94] * 1e3,
        "p99_ms": cut[98] * 1e3,
    }


async def fill(stack: Stack, http: aiohttp.ClientSession, clip: Path) -> None:
    for i in range(N_VIDEOS):
        texts = {"caption": f"clip {i}", "creator": f"maker_{i % 8}", "category": CATEGORIES[i % 4]}
        await viewer.upload(http, stack.origin, clip, **texts)
    someone = await Viewer(http, stack.edge).open()

    async def is_served() -> bool:
        return len(await someone.look(n=N_SHOWN)) >= N_SHOWN

    await eventually(is_served, within_s=180)


async def pushes(stream: aiohttp.ClientResponse) -> AsyncIterator[tuple[float, int]]:
    """When a queue was announced, and its version."""
    async for line in stream.content:
        told: dict[str, Any] = json.loads(line[5:]) if line.startswith(b"data:") else {}
        if "queue_version" in told:
            yield time.perf_counter(), told["queue_version"]


async def one_session(
    stack: Stack, http: aiohttp.ClientSession, answered: list[float], pushed: list[float]
) -> None:
    someone = await Viewer(http, stack.edge).open(n=10)
    async with http.get(f"{stack.edge}/v1/stream?token={someone.token}") as stream:
        announced = pushes(stream)
        for _ in range(N_EVENTS_EACH):
            known = someone.feed["queue_version"]
            began = time.perf_counter()
            await someone.watch(someone.feed["items"][0], 1.0, n=10)
            answered.append(time.perf_counter() - began)
            async with asyncio.timeout(PUSH_LIMIT_S):
                async for at, version in announced:
                    if version > known:
                        pushed.append(at - began)
                        break


async def test_the_loops_of_one_viewer_over_http(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=2, width=180, height=320)
    answered: list[float] = []
    pushed: list[float] = []
    with running(tmp_path / "data") as stack:
        async with aiohttp.ClientSession() as http:
            await fill(stack, http, clip)
            for _ in range(N_SESSIONS):
                await one_session(stack, http, answered, pushed)
    assert len(answered) == len(pushed) == N_SESSIONS * N_EVENTS_EACH
    figures = {
        "event to re-ranked answer (POST /v1/events)": spread(answered),
        "event to pushed queue (event: queue on /v1/stream)": spread(pushed),
    }
    report.write("loop", figures)

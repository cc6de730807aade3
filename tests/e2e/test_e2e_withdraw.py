"""`python -m origin withdraw VIDEO`, from the operator's shell to the viewer's 410."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests import viewer
from tests.clips import make_clip
from tests.stack import ROOT, Stack
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
Item = dict[str, Any]
GONE = "urn:headstart:problem:withdrawn"


@pytest.fixture
async def items(stack: Stack, http: aiohttp.ClientSession, tmp_path: Path) -> dict[str, Item]:
    """Two complete videos, as the feed has them."""
    clip = make_clip(tmp_path / "clip.mp4", seconds=2, width=180, height=320)
    ids = [await viewer.upload(http, stack.origin, clip, caption=name, creator=name) for name in ("a", "b")]
    someone = await viewer.Viewer(http, stack.edge).open()
    found: dict[str, Item] = {}

    async def are_offered() -> bool:
        found.update({item["video"]: item for item in await someone.look()})
        return set(ids) <= set(found)

    await eventually(are_offered, within_s=90)
    return {video: found[video] for video in ids}


async def withdraw(stack: Stack, video: str) -> tuple[int | None, str]:
    """A process of its own on the origin's folder, as an operator has it: exit status, and its last line."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HEADSTART_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "origin", "withdraw", video),
        env={**environ, "HEADSTART_ORIGIN_DATA_DIR": str(stack.data_dir), "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    _, told = await process.communicate()
    return process.returncode, told.decode().splitlines()[-1]


async def test_a_video_that_its_origin_withdraws_is_gone_at_the_edge_and_no_other_is(
    stack: Stack, items: dict[str, Item], http: aiohttp.ClientSession
) -> None:
    gone, kept = items
    someone = await viewer.Viewer(http, stack.edge).open()
    assert [(await someone.opening(items[video]))[0] for video in (gone, kept)] == [200, 200]

    status, _ = await withdraw(stack, gone)
    assert status == 0

    async def is_gone() -> bool:
        return (await someone.opening(items[gone]))[0] == 410

    await eventually(is_gone, within_s=30)
    assert gone not in {item["video"] for item in await someone.look()}
    assert (await someone.opening(items[kept]))[0] == 200
    async with http.get(f"{stack.edge}{items[gone]['base']}master.m3u8") as answer:
        assert (answer.status, (await answer.json(content_type=None))["type"]) == (410, GONE)

    await stack.back("edge", stack.kill("edge"))
    assert [(await someone.opening(items[video]))[0] for video in (gone, kept)] == [410, 200]


async def test_withdrawing_what_is_not_there_is_an_error_that_says_so(stack: Stack) -> None:
    status, told = await withdraw(stack, "0123456789ab")

    assert (status, told) == (1, "origin: no video 0123456789ab")

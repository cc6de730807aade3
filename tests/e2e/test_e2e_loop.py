"""The whole loop over real processes: upload, transcode, rank, push, prefetch, swipe."""

import asyncio
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests import viewer
from tests.clips import ffmpeg, make_clip
from tests.conftest import NEEDS
from tests.stack import Stack
from tests.viewer import Viewer
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]
ONLY_CACHED = {"Cache-Control": "only-if-cached"}


async def curl(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON of one curl call."""
    process = await asyncio.create_subprocess_exec(
        "curl", "-sS", "-w", "\n%{http_code}", *arguments, stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    body, _, code = output.decode().rpartition("\n")
    return int(code), json.loads(body)


async def decoding_errors(url: str) -> str:
    """What ffmpeg complains about when it decodes every rung of a master playlist; empty when nothing."""
    arguments = ("-v", "error", "-xerror", "-i", url, "-map", "0", "-f", "null", "-")
    process = await asyncio.create_subprocess_exec(ffmpeg(), *arguments, stderr=subprocess.PIPE)
    _, errors = await process.communicate()
    return errors.decode() + (f"status {process.returncode}" if process.returncode else "")


async def text(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(url) as answer:
        return await answer.text() if answer.status == 200 else ""


@pytest.mark.skipif(shutil.which("curl") is None, reason=NEEDS["curl"])
async def test_a_curl_upload_plays_at_360p_first_and_every_rung_decodes_in_the_end(
    stack: Stack, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=8, width=720, height=1280)
    form = {
        "file": f"@{clip};type=video/mp4",
        "caption": "via curl",
        "creator": "curl_fan",
        "category": "lava",
    }
    fields = [part for name, value in form.items() for part in ("-F", f"{name}={value}")]
    code, created = await curl(*fields, f"{stack.origin}/v1/videos")
    assert code == 201
    master = f"{stack.edge}/v/{created['id']}/master.m3u8"

    first = await eventually(lambda: text(http, master), within_s=60)
    assert re.findall(r"RESOLUTION=(\d+x\d+)", first) == ["360x640"]
    (playlist,) = [line for line in first.splitlines() if line and not line.startswith("#")]
    assert await text(http, f"{stack.edge}/v/{created['id']}/{playlist}")

    async def is_complete() -> bool:
        return "720x1280" in await text(http, master)

    await eventually(is_complete, within_s=120)
    rungs = re.findall(r"RESOLUTION=(\d+x\d+)", await text(http, master))
    assert rungs == ["360x640", "540x960", "720x1280"]
    assert await decoding_errors(master) == ""


async def test_an_answer_to_events_is_the_next_slice_newly_ranked(
    stack: Stack, filled: list[str], http: aiohttp.ClientSession
) -> None:
    someone = await Viewer(http, stack.edge).open(n=12)
    before = someone.feed
    assert len(before["items"]) >= 10
    loved = before["items"][-1]
    answer = await someone.watch(loved, 1.0, "like", n=12)
    assert answer["accepted"] == 2
    assert answer["feed"]["version"] > before["version"]
    assert loved["video"] not in [item["video"] for item in answer["feed"]["items"]]

    def places(feed: dict[str, Any]) -> float:
        categories = [item["card"]["category"] for item in feed["items"] if item["video"] != loved["video"]]
        at = [i for i, category in enumerate(categories) if category == loved["card"]["category"]]
        return sum(at) / len(at)

    assert places(answer["feed"]) < places(before)


async def test_the_brain_pushes_a_new_queue_after_a_finished_video(
    stack: Stack, filled: list[str], http: aiohttp.ClientSession
) -> None:
    someone = await Viewer(http, stack.edge).open()
    before = someone.feed["queue_version"]
    pushed: list[int] = []
    is_listening = asyncio.Event()

    async def listen() -> None:
        async with http.get(f"{stack.edge}/v1/stream?token={someone.token}") as stream:
            assert stream.status == 200
            is_listening.set()
            async for line in stream.content:
                told = json.loads(line[5:]) if line.startswith(b"data:") else {}
                pushed.extend(filter(None, [told.get("queue_version")]))

    async with asyncio.TaskGroup() as tasks:
        listener = tasks.create_task(listen())
        await is_listening.wait()
        await someone.watch(someone.feed["items"][0], 0.98)
        await eventually(lambda: pushed and pushed[-1] > before)
        listener.cancel()
    assert (await someone.look()) and someone.feed["queue_version"] > before
    assert someone.feed["origin"] in ("brain", "local")


async def test_the_next_three_openings_are_in_the_edges_memory_before_anyone_asks(
    stack: Stack, filled: list[str], http: aiohttp.ClientSession
) -> None:
    async with http.post(f"{stack.admin}/admin/purge", json={"all": True}) as answer:
        assert answer.status == 200, await answer.text()
    someone = await Viewer(http, stack.edge).open()
    await someone.watch(someone.feed["items"][0], 0.95)

    async def warm() -> list[dict[str, Any]]:
        """The next three of the queue as it is by then: the brain pushes another after a finished video."""
        following = (await someone.look())[:3]
        planned = [step["video"] for step in someone.feed["plan"]]
        assert planned[:3] == [item["video"] for item in following]
        codes = [(await someone.opening(item, ONLY_CACHED))[0] for item in following]
        return following if codes == [200, 200, 200] else []

    for item in await eventually(warm):
        code, cached = await someone.opening(item)
        assert code == 200
        assert "; hit" in cached
        assert "detail=memory" in cached


async def test_a_withdrawn_taste_moves_the_interest_counters_exactly(
    stack: Stack, filled: list[str], http: aiohttp.ClientSession
) -> None:
    someone = await Viewer(http, stack.edge).open(n=8)
    for item, completion in zip(list(someone.feed["items"]), (0.95, 0.1, 0.5, 0.91, 0.19, 1.0), strict=False):
        await someone.watch(item, completion)
    redis = stack.redis()

    async def agree() -> bool:
        kept = {c: int(await redis.get(f"stats:{someone.user_id}:{c}") or 0) for c in someone.boosts}
        return kept == dict(someone.boosts)

    await eventually(agree)
    await redis.aclose()


async def test_a_video_is_on_the_studios_list_and_its_state_can_be_followed(
    stack: Stack, filled: list[str], http: aiohttp.ClientSession
) -> None:
    assert await viewer.status(http, stack.origin, filled[0]) == "complete"
    assert "<html" in (await text(http, f"{stack.origin}/studio/")).lower()
    assert "<html" in (await text(http, f"{stack.edge}/")).lower()

"""The origin as processes: `python -m origin` and `python -m origin worker`, killed and started again."""

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from shared.leash import leashed
from tests.clips import ffmpeg, make_clip
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def process(
    data_dir: Path, nats_url: str, *arguments: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m origin …`, ended with the context."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("HEADSTART_")}
    environ |= {
        "HEADSTART_NATS_URL": nats_url,
        "HEADSTART_ORIGIN_DATA_DIR": str(data_dir),
        "HEADSTART_ORIGIN_LISTEN": "127.0.0.1:0",
        "HEADSTART_ORIGIN_WORKER_LEASE_S": "3",
    }
    command = leashed([sys.executable, "-m", "origin", *arguments])
    with (data_dir.parent / "log").open("ab") as log:
        child = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environ, stderr=log)
    try:
        yield child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
        await child.wait()


@asynccontextmanager
async def api(data_dir: Path, nats_url: str) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A listening API: its URL and process."""
    url_file = data_dir / "origin.url"
    url_file.unlink(missing_ok=True)
    async with process(data_dir, nats_url) as child:
        yield await eventually(lambda: url_file.exists() and url_file.read_text(), within_s=30), child


async def get(url: str) -> Any:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return await answer.json(content_type=None)


async def upload(url: str, clip: Path) -> str:
    """A plain upload; the video's id."""
    form = aiohttp.FormData()
    form.add_field("creator", "neon")
    form.add_field("file", io.BytesIO(clip.read_bytes()), filename=clip.name)
    async with aiohttp.ClientSession() as http, http.post(url + "/v1/videos", data=form) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["id"])


async def until(url: str, video: str, *statuses: str) -> dict[str, Any]:
    async def reached() -> dict[str, Any] | None:
        told: dict[str, Any] = await get(f"{url}/v1/videos/{video}")
        return told if told["status"] in statuses else None

    found: dict[str, Any] = await eventually(reached, within_s=100)
    return found


async def test_an_upload_becomes_playable_and_then_complete(data_dir: Path, nats: str) -> None:
    clip = make_clip(data_dir / "clip.mp4", seconds=2, width=540, height=960)
    async with api(data_dir / "origin", nats) as (url, _), process(data_dir / "origin", nats, "worker"):
        video = await upload(url, clip)
        told = await until(url, video, "complete")
        assert [rung["name"] for rung in told["card"]["rungs"]] == ["360p", "540p"]
        master = f"{url}/v/{video}/master.m3u8"
        command = [ffmpeg(), "-v", "error", "-i", master, "-map", "0", "-f", "null", "-"]
        decode = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        assert (await decode.communicate())[1] == b""


async def test_a_killed_worker_is_followed_by_another_that_finishes_its_job(
    data_dir: Path, nats: str
) -> None:
    clip = make_clip(data_dir / "clip.mp4", seconds=2, width=540, height=960)
    async with api(data_dir / "origin", nats) as (url, _):
        async with process(data_dir / "origin", nats, "worker") as worker:
            video = await upload(url, clip)
            await until(url, video, "transcoding", "playable")
            worker.kill()
            await worker.wait()
        async with process(data_dir / "origin", nats, "worker"):
            await until(url, video, "complete")
            work = data_dir / "origin" / "work"
            await eventually(lambda: list(work.iterdir()) == [], within_s=20)


async def test_a_killed_api_leaves_nothing_of_a_half_sent_form(data_dir: Path, nats: str) -> None:
    uploads = data_dir / "origin" / "uploads"
    async with api(data_dir / "origin", nats) as (url, child):
        host, _, port = url.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port))
        head = "POST /v1/videos HTTP/1.1\nHost: x\nContent-Length: 9999\n"
        head += "Content-Type: multipart/form-data; boundary=b\n\n"
        part = '--b\nContent-Disposition: form-data; name="file"; filename="a"\n\nabc'
        writer.write((head + part).replace("\n", "\r\n").encode())
        await eventually(lambda: len(list(uploads.iterdir())) == 1)
        child.kill()
        await child.wait()
        writer.transport.abort()
    assert len(list(uploads.iterdir())) == 1
    async with api(data_dir / "origin", nats):
        await eventually(lambda: list(uploads.iterdir()) == [])


async def test_what_was_accepted_before_a_kill_is_transcoded_after_it(data_dir: Path, nats: str) -> None:
    clip = make_clip(data_dir / "clip.mp4", seconds=1)
    async with api(data_dir / "origin", "nats://127.0.0.1:1") as (url, child):
        video = await upload(url, clip)
        child.kill()
        await child.wait()
    async with api(data_dir / "origin", nats) as (url, _), process(data_dir / "origin", nats, "worker"):
        assert (await until(url, video, "complete"))["card"]["is_complete"]

"""The origin as processes: `python -m origin` and `python -m origin worker`, killed and started again."""

import asyncio
from pathlib import Path

from tests.clips import ffmpeg, make_clip
from tests.origin_process import api, process, until, upload
from tests.waiting import eventually


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

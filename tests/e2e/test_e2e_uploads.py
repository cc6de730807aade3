"""Uploads that are not videos: an error that names the reason or limit, nobody hurt, nothing left."""

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from tests import viewer
from tests.clips import make_clip
from tests.stack import Stack
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
FOUR_GB = 4 * 1024**3
HTML = b"<!doctype html><html><body><script>alert(1)</script></body></html>" * 50


def truncated(folder: Path) -> bytes:
    whole = make_clip(folder / "whole.mp4", seconds=3).read_bytes()
    return whole[: len(whole) // 3]


BAD: dict[str, Callable[[Path], bytes]] = {
    "garbage": lambda _: bytes(range(256)) * 400,
    "truncated": truncated,
    "html": lambda _: HTML,
    "empty": lambda _: b"",
    "html named mp4 behind a real header": lambda f: make_clip(f / "c.mp4").read_bytes()[:64] + HTML,
}


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_file_is_refused_with_a_reason_and_leaves_nothing(
    kind: str, stack: Stack, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    before, worker = stack.media_files(), stack.pid("worker-1")
    form = aiohttp.FormData()
    for name, value in {"caption": kind, "creator": "breaker", "category": "lava"}.items():
        form.add_field(name, value)
    form.add_field("file", BAD[kind](tmp_path), filename="clip.mp4", content_type="video/mp4")
    async with http.post(f"{stack.origin}/v1/videos", data=form) as answer:
        assert answer.status in (400, 413, 415, 422)
        assert answer.content_type == "application/problem+json"
        problem = await answer.json()
    assert problem["type"].startswith("urn:headstart:problem:")
    assert len(problem["detail"]) > 10
    await eventually(lambda: stack.media_files() <= before)
    assert stack.pid("worker-1") == worker


async def test_a_resumable_upload_of_4_gb_is_refused_by_its_claim(
    stack: Stack, http: aiohttp.ClientSession
) -> None:
    before = stack.media_files()
    name = base64.b64encode(b"big.mp4").decode()
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(FOUR_GB), "Upload-Metadata": f"filename {name}"}
    async with http.post(f"{stack.origin}/uploads", headers=headers) as answer:
        assert answer.status == 413
        problem = await answer.json(content_type="application/problem+json")
    assert problem["limit_bytes"] < FOUR_GB == problem["actual_bytes"]
    assert stack.media_files() == before


async def test_a_plain_upload_of_4_gb_is_refused_before_it_is_read(
    stack: Stack, http: aiohttp.ClientSession
) -> None:
    host, port = stack.origin.removeprefix("http://").split(":")
    head = [
        "POST /v1/videos HTTP/1.1",
        f"Host: {host}:{port}",
        "Content-Type: multipart/form-data; boundary=x",
        f"Content-Length: {FOUR_GB}",
        "",
        "--x",
    ]
    before = stack.media_files()
    status_line = await first_line(host, int(port), "\r\n".join(head).encode() + b"\r\n")
    assert b" 413 " in status_line
    await eventually(lambda: stack.media_files() <= before)


async def first_line(host: str, port: int, request: bytes) -> bytes:
    """The first line that a server answers to these bytes, within 10 s."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        async with asyncio.timeout(10):
            return await reader.readline()
    finally:
        writer.close()


async def test_a_resumable_upload_of_garbage_is_refused_when_its_last_byte_arrives(
    stack: Stack, http: aiohttp.ClientSession
) -> None:
    before = stack.media_files()
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(HTML))}
    async with http.post(f"{stack.origin}/uploads", headers=headers) as created:
        assert created.status == 201
        location = created.headers["Location"]
    patch = {
        "Tus-Resumable": "1.0.0",
        "Upload-Offset": "0",
        "Content-Type": "application/offset+octet-stream",
    }
    async with http.patch(location, headers=patch, data=HTML) as answer:
        assert 400 <= answer.status < 500
        assert answer.content_type == "application/problem+json"
    await eventually(lambda: stack.media_files() <= before)


async def test_a_good_video_after_the_bad_ones_becomes_playable(
    stack: Stack, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "good.mp4", seconds=2, width=180, height=320)
    video = await viewer.upload(http, stack.origin, clip, caption="good", creator="maker", category="lava")

    async def is_there() -> bool:
        return await viewer.status(http, stack.origin, video) == "complete"

    await eventually(is_there, within_s=60)

"""`python -m origin` and `python -m origin worker` for tests: processes in a data folder, over real HTTP."""

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
from tests.waiting import eventually

ROOT = Path(__file__).parents[1]


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


async def upload(url: str, clip: Path, **fields: str) -> str:
    """A plain upload; the video's id."""
    form = aiohttp.FormData()
    for name, text in ({"creator": "neon"} | fields).items():
        form.add_field(name, text)
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

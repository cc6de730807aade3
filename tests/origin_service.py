"""The origin for tests: its API in this process on a free port, and requests to it over real HTTP."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from origin.app import Api
from origin.config import OriginConfig, Uploads
from shared.lifecycle import Lifecycle

NO_BUS = "nats://127.0.0.1:1"
MAX_BYTES = 3_000_000
UPLOADS = Uploads(max_bytes=MAX_BYTES, idle_s=4, sweep_s=0.1, reserve_bytes=0)


@dataclass
class Origin:
    """A running API, its folder, and a client of it."""

    url: str
    data_dir: Path
    http: aiohttp.ClientSession
    api: Api

    async def json(self, path: str, status: int = 200) -> Any:
        """The body of a GET."""
        async with self.http.get(self.url + path) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json(content_type=None)

    async def upload(self, body: bytes, **fields: str) -> tuple[int, dict[str, Any]]:
        """Status and body of a plain upload."""
        form = aiohttp.FormData(default_to_multipart=True)
        for name, text in fields.items():
            form.add_field(name, text)
        form.add_field("file", io.BytesIO(body), filename="clip.mp4", content_type="video/mp4")
        async with self.http.post(self.url + "/v1/videos", data=form) as answer:
            return answer.status, await answer.json(content_type=None)

    def leftovers(self) -> list[str]:
        """Files of uploads that have not become videos, and every stored source."""
        folders = (self.data_dir / "uploads", self.data_dir / "media" / "sources")
        return [path.name for folder in folders if folder.exists() for path in folder.iterdir()]


@asynccontextmanager
async def running(
    data_dir: Path, nats_url: str = NO_BUS, uploads: Uploads = UPLOADS
) -> AsyncIterator[Origin]:
    """The API, until the context ends."""
    config = OriginConfig(
        listen="127.0.0.1:0", data_dir=data_dir, nats_url=nats_url, uploads=uploads, grace_s=3
    )
    async with Lifecycle(config.grace_s) as life, aiohttp.ClientSession() as http:
        api = Api(config)
        await api.start(life)
        yield Origin(api.url, data_dir, http, api)


@dataclass
class Tus:
    """A resumable upload as a client does it, request by request."""

    origin: Origin
    url: str = ""
    headers: dict[str, str] = field(default_factory=lambda: {"Tus-Resumable": "1.0.0"})

    async def create(self, length: int, metadata: str = "") -> int:
        """POST; the status."""
        headers = self.headers | {"Upload-Length": str(length), "Upload-Metadata": metadata}
        async with self.origin.http.post(self.origin.url + "/uploads", headers=headers) as answer:
            self.url = answer.headers.get("Location", "")
            return answer.status

    async def patch(self, offset: int, body: Any, **more: str) -> aiohttp.ClientResponse:
        """PATCH; the answer, its body read."""
        headers = self.headers | {
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        async with self.origin.http.patch(self.url, headers=headers | more, data=body) as answer:
            await answer.read()
            return answer

    async def offset(self) -> int:
        """HEAD; -1 when there is no such upload."""
        async with self.origin.http.head(self.url, headers=self.headers) as answer:
            return int(answer.headers["Upload-Offset"]) if answer.status == 200 else -1


async def raw(url: str, head: str, body: bytes = b"") -> str:
    """What the server says to bytes that no HTTP client would send; the first kilobytes."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
    await writer.drain()
    try:
        async with asyncio.timeout(5):
            return (await reader.read(8192)).decode()
    finally:
        writer.close()

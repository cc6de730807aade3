"""The player page and its modules: files of one folder, read once, validated by ETag."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from shared.errors import NotFound

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
MAX_FILE_BYTES = 2 * 1024**2
PLAYER = Path(__file__).parent.parent / "player"


class _Page(NamedTuple):
    body: bytes
    content_type: str
    etag: str


class Pages:
    """What is served of a folder: known types only, fixed at the start, so no path can lead out of it."""

    def __init__(self, folder: Path = PLAYER) -> None:
        self._pages = {
            file.relative_to(folder).as_posix(): _read(file)
            for file in sorted(folder.rglob("*"))
            if file.is_file() and file.suffix in CONTENT_TYPES and file.stat().st_size <= MAX_FILE_BYTES
        }

    async def index(self, request: web.Request) -> web.Response:
        return self._answer(request, "index.html")

    async def file(self, request: web.Request) -> web.Response:
        return self._answer(request, request.match_info["path"])

    def _answer(self, request: web.Request, name: str) -> web.Response:
        page = self._pages.get(name)
        if page is None:
            raise NotFound(f"no page {name[:80]!r}")
        headers = {
            "Cache-Control": "no-cache",
            "ETag": page.etag,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
        }
        asked = {
            tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")
        }
        if page.etag in asked or "*" in asked:
            return web.Response(status=304, headers=headers)
        return web.Response(body=page.body, headers=headers | {"Content-Type": page.content_type})


def _read(file: Path) -> _Page:
    body = file.read_bytes()
    return _Page(body, CONTENT_TYPES[file.suffix], f'"{hashlib.sha256(body).hexdigest()[:32]}"')

"""`/studio/`: the creator's page, read into memory once at the start; `/` leads there."""

import hashlib
import mimetypes
from pathlib import Path

from aiohttp import web

from origin.handlers import headers as http
from shared.errors import NotFound

MAX_FILE_BYTES = 1024 * 1024
MAX_FILES = 100


class Studio:
    """Handler of the static page. What is not a small file below `folder` at the start does not exist."""

    def __init__(self, folder: Path) -> None:
        found = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".py")
        small = [path for path in found if path.stat().st_size <= MAX_FILE_BYTES][:MAX_FILES]
        self._files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in small}

    def add_routes(self, app: web.Application) -> None:
        """Mount on `app`."""
        for path in ("/", "/studio"):
            app.router.add_get(path, self.enter)
        app.router.add_get("/studio/{path:.*}", self.page)

    async def enter(self, _: web.Request) -> web.StreamResponse:
        """To the page."""
        raise web.HTTPFound("/studio/")

    async def page(self, request: web.Request) -> web.Response:
        """A file of the page; asked for anew each time, sent when it has changed."""
        path = request.match_info["path"] or "index.html"
        body = self._files.get(path)
        if body is None:
            raise NotFound(f"the studio has no {path[:80]!r}")
        etag = http.etag_of(hashlib.sha256(body).hexdigest())
        told = {"ETag": etag, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        if http.matches(request.headers.get("If-None-Match", ""), etag):
            return web.Response(status=304, headers=told)
        told["Content-Type"] = mimetypes.guess_type(path)[0] or "application/octet-stream"
        return web.Response(headers=told, body=body)

"""`/uploads`: the tus 1.0.0 server. Every decision is `uploads/tus.py`'s; this moves headers and bytes.

The PATCH that brings the last byte answers when the upload is probed: 204 with `Headstart-Video`, or the
reason why it is no video, and the upload is gone.
"""

import asyncio

from aiohttp import web

from origin.errors import UploadStalled
from origin.handlers.body import CappedStream
from origin.handlers.uploads import ReceiveLimits
from origin.uploads import tus
from origin.uploads.intake import Intake
from shared.clock import Clock

_WAY = "tus"


class TusUploads:
    """Handler of resumable uploads. `public_url` is empty, or what stands before `/uploads` for clients."""

    def __init__(
        self, intake: Intake, clock: Clock, tus_limits: tus.TusLimits, limits: ReceiveLimits, public_url: str
    ) -> None:
        self._intake = intake
        self._clock = clock
        self._tus_limits = tus_limits
        self._limits = limits
        self._public_url = public_url.rstrip("/")

    def add_routes(self, app: web.Application) -> None:
        """Mount on `app`."""
        for path in ("/uploads", "/uploads/"):
            app.router.add_options(path, self.options)
            app.router.add_post(path, self.post)
        app.router.add_options("/uploads/{id}", self.options)
        app.router.add_head("/uploads/{id}", self.head)
        app.router.add_patch("/uploads/{id}", self.patch)
        app.router.add_delete("/uploads/{id}", self.delete)
        app.on_response_prepare.append(_name_version)

    async def options(self, _: web.Request) -> web.Response:
        """What this server can do; also the answer to a CORS preflight."""
        headers = {
            "Tus-Version": tus.VERSION,
            "Tus-Extension": tus.EXTENSIONS,
            "Tus-Max-Size": str(self._tus_limits.max_bytes),
        }
        return web.Response(status=204, headers=headers)

    async def post(self, request: web.Request) -> web.Response:
        """Create an upload; everything that can be refused without its bytes is."""
        tus.check_version(request.headers)
        now_ms = self._clock.wall_ms()
        wanted = tus.create(request.headers, self._tus_limits, now_ms)
        text = self._intake.check_text(wanted.metadata)
        self._intake.check_space(wanted.length)
        await self._intake.check_sound(text)
        life_ms = wanted.expires_ms - now_ms
        state = self._intake.new_upload(wanted.length, wanted.metadata, life_ms)
        await self._intake.admit(state)
        base = self._public_url or f"{request.scheme}://{request.host}"
        headers = {"Location": f"{base}/uploads/{state.id}"}
        return web.Response(status=201, headers=headers | tus.answer_headers(state))

    async def head(self, request: web.Request) -> web.Response:
        """Where the upload stands."""
        tus.check_version(request.headers)
        state = await self._intake.store.find(request.match_info["id"])
        tus.check_alive(state, self._clock.wall_ms())
        return web.Response(status=200, headers=tus.head_headers(state))

    async def patch(self, request: web.Request) -> web.Response:
        """Append; with the last byte, make the video."""
        tus.check_version(request.headers)
        upload_id = request.match_info["id"]
        with self._intake.hold(upload_id):
            state = await self._intake.store.find(upload_id)
            order = tus.append(state, request.headers, self._clock.wall_ms())
            if order.room:
                self._intake.check_space(order.room)
                await self._receive(request, upload_id, order.room)
                expires_ms = self._clock.wall_ms() + self._tus_limits.expiry_ms
                await self._intake.store.extend(upload_id, expires_ms)
                state = await self._intake.store.find(upload_id)
            if state.is_full and not state.is_done:
                await self._intake.finish(state, self._intake.check_text(state.metadata), _WAY)
                state = await self._intake.store.find(upload_id)
        return web.Response(status=204, headers=tus.answer_headers(state))

    async def delete(self, request: web.Request) -> web.Response:
        """Give an unfinished upload up."""
        tus.check_version(request.headers)
        upload_id = request.match_info["id"]
        with self._intake.hold(upload_id):
            await self._intake.discard(await self._intake.store.find(upload_id))
        return web.Response(status=204)

    async def _receive(self, request: web.Request, upload_id: str, room: int) -> None:
        stream = CappedStream(request.content, room, self._limits.idle_s)
        try:
            async with asyncio.timeout(self._limits.total_s):
                await self._intake.receive(upload_id, stream.pieces(), room, _WAY)
        except TimeoutError as exc:
            limit_s = self._limits.total_s
            raise UploadStalled(f"the request took longer than {limit_s:g} s", limit_s=limit_s) from exc


async def _name_version(request: web.Request, response: web.StreamResponse) -> None:
    if request.path.startswith("/uploads"):
        response.headers["Tus-Resumable"] = tus.VERSION

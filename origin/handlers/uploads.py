"""`POST /v1/videos`: a plain upload, `multipart/form-data` with one part `file` and text parts around it.

The bytes go to disk as they come, under a cap on the whole body; nothing of a refused upload stays.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import cast

from aiohttp import BodyPartReader, MultipartReader, StreamReader, web

from origin.errors import UploadStalled, WrongContentType
from origin.handlers.body import CappedStream
from origin.uploads.intake import Intake
from origin.uploads.metadata import VideoText
from origin.uploads.tus import UploadState
from shared.errors import InvalidRequest, ServiceError, TooLarge
from shared.web import json_response, problem

FORM_BYTES = 1024 * 1024
"""What a form may weigh beyond its file: text parts, part headers, boundaries."""
FIELD_BYTES = 16 * 1024
MAX_PARTS = 16
READ_BYTES = 256 * 1024
_WAY = "multipart"


@dataclass(frozen=True)
class ReceiveLimits:
    """How long a body may take."""

    idle_s: float = 60.0
    total_s: float = 3600.0


class PlainUploads:
    """Handler of plain uploads."""

    def __init__(self, intake: Intake, limits: ReceiveLimits) -> None:
        self._intake = intake
        self._limits = limits

    def add_routes(self, app: web.Application) -> None:
        """Mount on `app`."""
        app.router.add_post("/v1/videos", self.post, expect_handler=self.expect)

    async def expect(self, request: web.Request) -> web.StreamResponse | None:
        """`Expect: 100-continue`: say no before the body is sent."""
        try:
            self._check_head(request)
        except ServiceError as error:
            return problem(error)
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # as aiohttp's own handler: the answer's head is still to come
        return None

    async def post(self, request: web.Request) -> web.Response:
        """201 with the queued video, or a problem document."""
        self._check_head(request)
        self._intake.check_space(request.content_length or 0)
        state = self._intake.new_upload(length=-1, metadata={}, life_ms=int(self._limits.total_s * 2000))
        with self._intake.hold(state.id):
            await self._intake.store.create(state, is_resumable=False)
            is_accepted = False
            try:
                text = await self._receive(request, state)
                await self._intake.finish(state, text, _WAY)
                is_accepted = True
            finally:
                if not is_accepted:
                    await self._intake.discard(state)
        url = f"/v1/videos/{state.video_id}"
        told = {"id": state.video_id, "status": "queued", "url": url}
        return json_response(told, status=201, headers={"Location": url})

    def _check_head(self, request: web.Request) -> None:
        if request.content_type != "multipart/form-data":
            raise WrongContentType(f"a video comes as multipart/form-data, got {request.content_type[:80]!r}")
        limit = self._intake.limits.max_bytes
        if (actual := request.content_length or 0) > limit + FORM_BYTES:
            raise TooLarge(
                f"a body of {actual} bytes is over the limit of {limit}",
                limit_bytes=limit,
                actual_bytes=actual,
            )

    async def _receive(self, request: web.Request, state: UploadState) -> VideoText:
        cap_bytes = self._intake.limits.max_bytes + FORM_BYTES
        stream = CappedStream(request.content, cap_bytes, self._limits.idle_s)
        try:
            async with asyncio.timeout(self._limits.total_s):
                reader = MultipartReader(request.headers, cast(StreamReader, stream))
                return await self._read_form(reader, state)
        except TimeoutError as exc:
            limit_s = self._limits.total_s
            raise UploadStalled(f"the upload took longer than {limit_s:g} s", limit_s=limit_s) from exc
        except (ValueError, RuntimeError) as exc:
            raise InvalidRequest(f"the body is not multipart/form-data: {str(exc)[:200]}") from exc

    async def _read_form(self, reader: MultipartReader, state: UploadState) -> VideoText:
        fields: dict[str, str] = {}
        early: VideoText | None = None
        for _ in range(MAX_PARTS):
            part = await reader.next()
            if part is None:
                break
            if not isinstance(part, BodyPartReader) or not part.name:
                raise InvalidRequest("a part of the form has no name")
            if part.name != "file":
                fields[part.name] = await _text(part)
                continue
            if early:
                raise InvalidRequest("one upload is one file: there are two parts named file")
            early = self._intake.check_text(fields)  # before the bytes: what is wrong need not wait for them
            await self._intake.check_sound(early)
            await self._intake.receive(state.id, _pieces(part), self._intake.limits.max_bytes, _WAY)
        else:
            raise InvalidRequest(f"the form has more than {MAX_PARTS - 1} parts", limit=MAX_PARTS - 1)
        if not early:
            raise InvalidRequest("the form has no part named file")
        text = self._intake.check_text(fields)
        if text.sound != early.sound:  # told behind the file
            await self._intake.check_sound(text)
        return text


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(READ_BYTES):
        yield piece


async def _text(part: BodyPartReader) -> str:
    text = bytearray()
    async for piece in _pieces(part):
        text += piece
        if len(text) > FIELD_BYTES:
            raise TooLarge(
                f"the part {part.name!r} is over the limit of {FIELD_BYTES} bytes",
                limit_bytes=FIELD_BYTES,
                actual_bytes=len(text),
            )
    return text.decode()

"""`PUT` and `DELETE /v1/videos/{id}/captions/{language}`: captions of a video, one WebVTT file a language."""

import hashlib
import re

from aiohttp import web

from origin.blobs import Blobs
from origin.catalog.records import StoredObject, StoredTrack
from origin.catalog.videos import Videos
from origin.errors import WrongContentType
from origin.handlers.body import CappedStream
from origin.packaging import playlist, webvtt
from shared.clock import Clock
from shared.errors import InvalidRequest
from shared.ids import video_id
from shared.messages.catalog import TextTrack
from shared.web import json_response

MAX_BYTES = 256 * 1024
"""Of one file: three minutes of speech are some 10 kB."""
MAX_LABEL_CHARS = 40
IDLE_S = 20.0

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}\Z")


class Captions:
    """Handler of text tracks. Their objects are immutable: new captions are a new path."""

    def __init__(self, videos: Videos, blobs: Blobs, clock: Clock) -> None:
        self._videos = videos
        self._blobs = blobs
        self._clock = clock

    def add_routes(self, app: web.Application) -> None:
        """Mount on `app`."""
        app.router.add_put("/v1/videos/{id}/captions/{language}", self.put)
        app.router.add_delete("/v1/videos/{id}/captions/{language}", self.delete)

    async def put(self, request: web.Request) -> web.Response:
        """201 with the track, or a problem document; players see it with the next card."""
        language = _language(request)
        label = _label(request.query.get("label", language))
        video = await self._videos.get(video_id(request.match_info["id"]))
        if request.content_type != "text/vtt":
            raise WrongContentType(f"captions come as text/vtt, got {request.content_type[:80]!r}")
        stream = CappedStream(request.content, MAX_BYTES, IDLE_S)
        body = webvtt.checked(b"".join([piece async for piece in stream.pieces()])).encode()
        path = f"captions-{language}-{hashlib.sha256(body).hexdigest()[:16]}.vtt"
        listing = playlist.text(path, video.duration_ms).encode()
        objects = [
            await self._store(video.id, path, body),
            await self._store(video.id, playlist.text_name(path), listing),
        ]
        track = TextTrack(language, label, path)
        stored = StoredTrack(track, objects)
        await self._videos.set_text_track(video.id, language, stored, self._clock.wall_ms())
        return json_response(track, status=201, headers={"Location": f"/v/{video.id}/{path}"})

    async def delete(self, request: web.Request) -> web.Response:
        """204; 404 when there are none."""
        video, language = video_id(request.match_info["id"]), _language(request)
        await self._videos.set_text_track(video, language, None, self._clock.wall_ms())
        return web.Response(status=204)

    async def _store(self, video: str, path: str, body: bytes) -> StoredObject:
        await self._blobs.put(f"v/{video}/{path}", body)
        return StoredObject(path, len(body), hashlib.sha256(body).hexdigest())


def _language(request: web.Request) -> str:
    """In the customary case (RFC 5646 section 2.1.1): `pt-BR`, `zh-Hant`; one language has one spelling."""
    told = request.match_info["language"]
    if not _LANGUAGE.match(told):
        raise InvalidRequest(f"a language is a BCP 47 tag such as en or pt-BR, got {told[:40]!r}")
    first, *others = told.lower().split("-")
    cased = {2: str.upper, 4: str.title}
    return "-".join([first, *(cased.get(len(part), str)(part) for part in others)])


def _label(told: str) -> str:
    label = told.strip()
    if not 0 < len(label) <= MAX_LABEL_CHARS or not label.isprintable() or '"' in label:
        raise InvalidRequest(
            f"a label has 1 to {MAX_LABEL_CHARS} printable characters and no quotes", limit=MAX_LABEL_CHARS
        )
    return label

"""`/v/{video}/…`: stored objects, immutable, and the master playlist, which is made from the catalogue.

The catalogue's manifest decides what exists: a path that it does not list never reaches the media store.
"""

import hashlib

from aiohttp import web

from origin import metrics
from origin.blobs import Blobs
from origin.catalog.videos import Videos
from origin.errors import RangeNotSatisfiable
from origin.handlers import headers as http
from origin.packaging import playlist
from shared.errors import NotFound
from shared.ids import video_id
from shared.messages.catalog import VideoCard
from shared.web import problem

MASTER_NAME = "master.m3u8"
_GROWING = "public, max-age=1, stale-while-revalidate=10, stale-if-error=86400"
_COMPLETE = "public, max-age=60, stale-while-revalidate=10, stale-if-error=86400"


class Media:
    """Handler of media; objects are small (a second of video), so a body is read whole."""

    def __init__(self, videos: Videos, blobs: Blobs) -> None:
        self._videos = videos
        self._blobs = blobs

    def add_routes(self, app: web.Application) -> None:
        """Mount on `app`; GET serves HEAD too."""
        app.router.add_get("/v/{video}/" + MASTER_NAME, self.master)
        app.router.add_get("/v/{video}/{path:.+}", self.stored)

    async def master(self, request: web.Request) -> web.StreamResponse:
        """The playlist of the rungs that exist now."""
        video = video_id(request.match_info["video"])
        cards = await self._videos.cards([video])
        if not cards:
            raise NotFound(f"no playable video {video}")
        return _answer(request, playlist.master(cards[0].rungs, cards[0].text_tracks).encode(), cards[0])

    async def stored(self, request: web.Request) -> web.StreamResponse:
        """An immutable object: whole, a range of it, its headers, or 304."""
        video, path = video_id(request.match_info["video"]), request.match_info["path"]
        owned = await self._videos.media_object(video, path)
        stored, etag = owned.stored, http.etag_of(owned.stored.sha256)
        told = {
            "ETag": etag,
            "Cache-Control": http.IMMUTABLE,
            "Surrogate-Key": http.surrogate_key(video, owned.creator_id),
            "Accept-Ranges": "bytes",
        }
        try:
            chosen = http.select(request.headers, etag, stored.n_bytes)
        except RangeNotSatisfiable as error:
            answer = problem(error)
            answer.headers["Content-Range"] = f"bytes */{stored.n_bytes}"
            return answer
        metrics.MEDIA.labels(chosen.status).inc()
        if chosen.status == 304:
            return web.Response(status=304, headers=told)
        told["Content-Type"] = http.content_type(path)
        told["Repr-Digest"] = http.repr_digest(stored.sha256)
        if chosen.status == 206:
            told["Content-Range"] = f"bytes {chosen.start}-{chosen.stop - 1}/{stored.n_bytes}"
        if request.method == "HEAD":
            told["Content-Length"] = str(chosen.stop - chosen.start)
            return web.Response(status=chosen.status, headers=told)
        key = f"v/{video}/{path}"
        body = await self._blobs.get_range(key, chosen.start, chosen.stop)
        metrics.MEDIA_BYTES.inc(len(body))
        return web.Response(status=chosen.status, headers=told, body=body)


def _answer(request: web.Request, body: bytes, card: VideoCard) -> web.Response:
    etag = http.etag_of(hashlib.sha256(body).hexdigest())
    told = {
        "ETag": etag,
        "Cache-Control": _COMPLETE if card.is_complete else _GROWING,
        "Surrogate-Key": http.surrogate_key(card.id, card.creator_id),
        "Content-Type": http.content_type(MASTER_NAME),
    }
    if http.matches(request.headers.get("If-None-Match", ""), etag):
        return web.Response(status=304, headers=told)
    return web.Response(headers=told, body=body)

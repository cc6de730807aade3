"""`/v1/sounds`, `/v1/sounds/{id}`, `…/videos`: the origin's answers, each video with its `base`.

Of a sound for which the origin has never answered, the cards at hand are told.
"""

import msgspec
from aiohttp import web

from edge import metrics
from edge.feed.cards import CardCache
from edge.feed.sounds import sound_of, videos_of
from edge.handlers.api import ApiHandler, changed, checked
from edge.handlers.based import id_of, with_changed, with_each_changed, with_member
from shared.errors import Unavailable
from shared.messages.catalog import VideoCard
from shared.web import json_response

N_LOCAL = 5_000
"""Cards that are looked through while the origin is away, the newest."""
MAX_TOLD = 50
_FIELDS = {"Cache-Status": "headstart-edge; hit; detail=local", "Cache-Control": "no-cache"}


class SoundsHandler:
    """Answers what is asked of sounds."""

    def __init__(self, api: ApiHandler, cards: CardCache) -> None:
        self._api = api
        self._cards = cards

    async def sounds(self, request: web.Request) -> web.Response:
        """Those that are used most."""
        response = await self._api.read(request, "/v1/sounds")
        return changed(response, lambda body: with_changed(body, "items", self._each_based))

    async def sound(self, request: web.Request) -> web.Response:
        """Whose it is, how many use it, and the video that it comes from."""
        sound = checked(request)
        try:
            response = await self._api.read(request, f"/v1/sounds/{sound}")
        except Unavailable:
            found = self._found(sound)
            if not found:
                raise
            response = _told(sound_of(found, sound))
        return changed(response, self._based)

    async def videos(self, request: web.Request) -> web.Response:
        """The videos with it, the one that it comes from first."""
        sound = checked(request)
        try:
            return await self._api.videos(request, f"/v1/sounds/{sound}/videos")
        except Unavailable:
            found = self._found(sound)
            if not found or "before" in request.query:
                raise
            items = [self._api.based(msgspec.json.encode(card)) for card in found[:MAX_TOLD]]
            return _told({"items": [msgspec.Raw(item) for item in items if item is not None]})

    def _found(self, sound: str) -> list[VideoCard]:
        return videos_of(sound, self._cards.newest(N_LOCAL))

    def _each_based(self, sounds: bytes) -> bytes:
        return with_each_changed(sounds, self._based)

    def _based(self, sound: bytes) -> bytes:
        """A sound whose video has its `base`; one that was withdrawn since is told as not available."""
        if self._api.is_withdrawn(id_of(sound)):
            sound = with_member(sound, "is_available", value=False)
        return with_changed(sound, "video", self._api.based)


def _told(answer: object) -> web.Response:
    metrics.API_READS.labels("local").inc()
    return json_response(answer, headers=_FIELDS)

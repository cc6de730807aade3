"""Reads of sounds: one, the videos with it, and the most used ones for a creator who chooses."""

import msgspec
from aiohttp import web

from origin.catalog.sounds import MAX_SOUNDS, Sounds
from origin.catalog.videos import MAX_PAGE
from origin.handlers.catalog import DEFAULT_PAGE
from origin.handlers.query import cursor, number
from shared.ids import check_id
from shared.messages.catalog import VideoCard
from shared.messages.reads import Sound
from shared.web import json_response

_AFTER_SOURCE_MS = 10**15
"""Later than any video: the page that begins behind the source."""


class SoundsAnswer(msgspec.Struct, frozen=True):
    """Sounds, most used first."""

    items: list[Sound]


class SoundVideosAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Playable videos: the source, then newest first; `next` goes into `before` for the page that follows."""

    items: list[VideoCard]
    next: str = ""


class SoundReads:
    """Handlers of `/v1/sounds`."""

    def __init__(self, sounds: Sounds) -> None:
        self._sounds = sounds

    def add_routes(self, app: web.Application) -> None:
        """Mount on `app`."""
        app.router.add_get("/v1/sounds", self.most_used)
        app.router.add_get("/v1/sounds/{id}", self.sound)
        app.router.add_get("/v1/sounds/{id}/videos", self.videos)

    async def most_used(self, request: web.Request) -> web.Response:
        """Those that a creator may choose."""
        limit = number(request, "n", DEFAULT_PAGE, MAX_SOUNDS)
        return json_response(SoundsAnswer(await self._sounds.most_used(limit)))

    async def sound(self, request: web.Request) -> web.Response:
        """Whose it is, how many use it, and its source."""
        return json_response(await self._sounds.get(_sound_id(request)))

    async def videos(self, request: web.Request) -> web.Response:
        """A page of the videos with it."""
        sound, before = _sound_id(request), request.query.get("before", "")
        limit = number(request, "limit", DEFAULT_PAGE, MAX_PAGE)
        await self._sounds.get(sound)
        items = await self._sounds.videos(sound, limit, cursor(before) if before else None)
        following = ""
        if items and len(items) == limit:
            last = items[-1]
            after_ms = _AFTER_SOURCE_MS if last.id == sound else last.created_ms
            following = f"{after_ms}-{last.id}"
        return json_response(SoundVideosAnswer(items, following))


def _sound_id(request: web.Request) -> str:
    return check_id(request.match_info["id"], "sound id")

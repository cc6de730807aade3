"""Sounds: a video's own one, and the videos that play it.

A sound is named by the video that it comes from, its source. Whoever chooses a video that plays another's
sound gets that other one, so a source is never more than one step away.
"""

from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.database import Database
from origin.catalog.records import Status, is_public
from origin.catalog.schema import videos
from origin.catalog.videos import MAX_PAGE, PUBLIC, cards_of, with_creator
from origin.errors import SoundUnavailable
from shared.errors import NotFound
from shared.messages.catalog import VideoCard
from shared.messages.reads import Sound

MAX_SOUNDS = 50
"""Sounds in one read."""
MAX_TITLE_CHARS = 100


class SoundRefusal(StrEnum):
    """Why a video's sound may not be used."""

    UNKNOWN = "unknown"
    WITHDRAWN = "withdrawn"
    NOT_PLAYABLE = "not_playable"
    """Not yet, or it failed."""
    SILENT = "silent"


class ChosenSound(msgspec.Struct, frozen=True):
    """A source, as its users name it."""

    id: str
    title: str
    refusal: SoundRefusal | None
    """None: new videos may use it."""


_WORDS = {
    SoundRefusal.UNKNOWN: "there is no such video",
    SoundRefusal.WITHDRAWN: "the video that it comes from was withdrawn",
    SoundRefusal.NOT_PLAYABLE: "the video cannot be played yet",
    SoundRefusal.SILENT: "the video that it comes from is silent",
}


class Sounds:
    """The repository of sounds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def choose(self, video_id: str) -> ChosenSound:
        """The sound that a video plays, and whether a new video may use it."""
        async with self._database.read() as conn:
            chosen = (await conn.execute(with_creator().where(videos.c.id == video_id))).one_or_none()
            if chosen is None:
                return ChosenSound(video_id, "", SoundRefusal.UNKNOWN)
            source_id = chosen.sound_id or chosen.id
            source = (await conn.execute(with_creator().where(videos.c.id == source_id))).one()
        refusal = _refusal(chosen.status) or _refusal(source.status)
        if refusal is None and not source.has_audio:
            refusal = SoundRefusal.SILENT
        return ChosenSound(source.id, title_of(source.creator_name), refusal)

    async def get(self, sound_id: str) -> Sound:
        """The sound. Raises NotFound when no playable video plays it."""
        async with self._database.read() as conn:
            found = await _sounds(conn, videos.c.id == sound_id, 1)
        if not found:
            raise NotFound(f"no video plays a sound {sound_id}")
        return found[0]

    async def most_used(self, limit: int) -> list[Sound]:
        """Those that new videos may use, the most used first, the newest of equals."""
        async with self._database.read() as conn:
            usable = videos.c.status.in_(PUBLIC) & videos.c.has_audio
            return await _sounds(conn, usable, min(limit, MAX_SOUNDS))

    async def videos(
        self, sound_id: str, limit: int, before: tuple[int, str] | None = None
    ) -> list[VideoCard]:
        """The playable videos that play it: its source, then the newest first.

        `before` is creation and id of the last one of the former page.
        """
        limit = min(limit, MAX_PAGE)
        public = with_creator().where(videos.c.sound_id == sound_id, videos.c.status.in_(PUBLIC))
        others = public.where(videos.c.id != sound_id)
        if before:
            others = others.where(tuple_(videos.c.created_ms, videos.c.id) < tuple_(*before))
        others = others.order_by(videos.c.created_ms.desc(), videos.c.id.desc()).limit(limit)
        async with self._database.read() as conn:
            first = [] if before else (await conn.execute(public.where(videos.c.id == sound_id))).all()
            rows = [*first, *(await conn.execute(others)).all()][:limit]
            return [card for _, card in await cards_of(conn, rows)]


def usable(chosen: ChosenSound) -> ChosenSound:
    """The same, for a new video. Raises SoundUnavailable."""
    if chosen.refusal is not None:
        words = f"sound: {_WORDS[chosen.refusal]}: {chosen.id}"
        raise SoundUnavailable(words, field="sound", reason=chosen.refusal)
    return chosen


def title_of(creator_name: str) -> str:
    """What a sound is called beside the videos of others; beside its source it needs no name."""
    return f"Original sound · {creator_name}"[:MAX_TITLE_CHARS]


def _refusal(status: Status) -> SoundRefusal | None:
    if status == Status.WITHDRAWN:
        return SoundRefusal.WITHDRAWN
    return None if is_public(status) else SoundRefusal.NOT_PLAYABLE


async def _sounds(conn: AsyncConnection, which: ColumnElement[bool], limit: int) -> list[Sound]:
    wanted = with_creator().where(which, videos.c.n_sound_videos > 0)
    order = (videos.c.n_sound_videos.desc(), videos.c.created_ms.desc(), videos.c.id.desc())
    rows = (await conn.execute(wanted.order_by(*order).limit(limit))).all()
    pairs = await cards_of(conn, rows)
    return [_sound(row, card) for row, (_, card) in zip(rows, pairs, strict=True)]


def _sound(row: Row[Any], card: VideoCard) -> Sound:
    is_playable = is_public(row.status)
    return Sound(
        id=row.id,
        title=title_of(row.creator_name),
        creator_id=row.creator_id,
        creator_name=row.creator_name,
        n_videos=row.n_sound_videos,
        is_available=is_playable and row.has_audio,
        video=card if is_playable else None,
    )

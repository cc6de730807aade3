"""Videos and their renditions.

Every change that others must know raises `seq` and posts a CatalogEvent, in one transaction with the change
itself; a video's jobs are posted the same way.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog import records
from origin.catalog.database import Database, upsert
from origin.catalog.outbox import post
from origin.catalog.records import (
    NewVideo,
    OwnedObject,
    Rendition,
    Status,
    Stills,
    StoredObject,
    StoredTrack,
    Video,
)
from origin.catalog.schema import counters, renditions, uploads, users, videos
from origin.catalog.users import ensure_user
from shared import subjects
from shared.errors import InvalidRequest, NotFound
from shared.messages.catalog import CatalogEvent, Rung, VideoCard
from shared.messages.jobs import TranscodeJob

MAX_PAGE = 100
"""Videos, cards or events in one read."""

MAX_TEXT_TRACKS = 16

MAX_ORDERED = 10_000
"""Jobs posted again at a time, the longest-waiting first."""

PUBLIC = (Status.PLAYABLE, Status.COMPLETE)
"""As `records.is_public`, for queries."""

_WAITING = (Status.QUEUED, Status.TRANSCODING, Status.PLAYABLE)


class Videos:
    """The repository of videos."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, new: NewVideo, now_ms: int, upload_id: str = "") -> None:
        """A queued video and its first job; the upload that it came from is done."""
        row = msgspec.to_builtins(new) | {
            "status": Status.QUEUED,
            "created_ms": now_ms,
            "changed_ms": now_ms,
            "sound_id": new.sound_id or new.id,
        }
        async with self._database.write() as conn:
            await ensure_user(conn, new.creator_id, now_ms)
            await conn.execute(insert(videos).values(**row))
            await conn.execute(update(uploads).where(uploads.c.id == upload_id).values(is_done=True))
            await _post_job(conn, records.first_job(new.id, new.planned), now_ms)

    async def get(self, video_id: str) -> Video:
        """The video. Raises NotFound."""
        async with self._database.read() as conn:
            return await _load(conn, video_id)

    async def cards(self, video_ids: Sequence[str]) -> list[VideoCard]:
        """The cards of those that can be played, in the order asked for."""
        wanted = with_creator().where(videos.c.id.in_(video_ids), videos.c.status.in_(PUBLIC))
        async with self._database.read() as conn:
            found = {card.id: card for _, card in await cards_of(conn, (await conn.execute(wanted)).all())}
        return [found[video_id] for video_id in video_ids if video_id in found]

    async def latest(
        self, creator_id: str, limit: int, before: tuple[int, str] | None = None
    ) -> list[VideoCard]:
        """The latest videos that can be played, of one creator or (empty) of all; newest first.

        `before` is creation and id of the last one of the former page.
        """
        wanted = with_creator().where(videos.c.status.in_(PUBLIC))
        if creator_id:
            wanted = wanted.where(videos.c.creator_id == creator_id)
        if before:
            wanted = wanted.where(tuple_(videos.c.created_ms, videos.c.id) < tuple_(*before))
        wanted = wanted.order_by(videos.c.created_ms.desc(), videos.c.id.desc()).limit(min(limit, MAX_PAGE))
        async with self._database.read() as conn:
            return [card for _, card in await cards_of(conn, (await conn.execute(wanted)).all())]

    async def changes(self, after_seq: int, limit: int) -> list[CatalogEvent]:
        """The latest change of each video that changed after `after_seq`, in the order of seq."""
        wanted = with_creator().where(videos.c.seq > after_seq).order_by(videos.c.seq)
        async with self._database.read() as conn:
            rows = (await conn.execute(wanted.limit(min(limit, MAX_PAGE)))).all()
            pairs = await cards_of(conn, rows)
        return [records.catalog_event(video, card, video.changed_ms) for video, card in pairs]

    async def media_object(self, video_id: str, path: str) -> OwnedObject:
        """The stored object at `/v/{video}/{path}`. Raises NotFound, also for what may not be seen."""
        folder = path.partition("/")[0]
        found = (renditions.c.video_id == videos.c.id) & (renditions.c.path == folder)
        columns = (
            videos.c.status,
            videos.c.creator_id,
            videos.c.stills,
            videos.c.text_tracks,
            renditions.c.objects,
        )
        wanted = select(*columns).outerjoin_from(videos, renditions, found).where(videos.c.id == video_id)
        async with self._database.read() as conn:
            row = (await conn.execute(wanted)).one_or_none()
        if row is not None and records.is_public(row.status):
            others = [*row.stills, *(one for track in row.text_tracks for one in track["objects"])]
            for stored in msgspec.convert(row.objects or others, list[StoredObject]):
                if stored.path == path:
                    return OwnedObject(stored, row.creator_id)
        raise NotFound(f"no {path[:80]!r} of video {video_id}")

    async def start(self, video_id: str, now_ms: int) -> Video | None:
        """A worker has taken a job; None when nobody waits for it."""
        async with self._database.write() as conn:
            video = await _locked(conn, video_id)
            if video is None or not records.is_waited_for(video.status):
                return None
            if (status := records.after_start(video.status)) is not video.status:
                await _set(conn, video_id, status=status, changed_ms=now_ms)
            return video

    async def published(self, video_id: str) -> list[Rung]:
        """The rungs that are there."""
        async with self._database.read() as conn:
            return (await _rungs(conn, [video_id])).get(video_id, [])

    async def publish(self, video_id: str, rendition: Rendition, stills: Stills | None, now_ms: int) -> bool:
        """Another rung can be played; with the first one the rest is ordered. False: nobody waits for it."""
        rung = rendition.rung
        row = {
            "video_id": video_id,
            "name": rung.name,
            "path": rung.path,
            "short_side": min(rung.width, rung.height),
            "rung": msgspec.to_builtins(rung),
            "objects": msgspec.to_builtins(rendition.objects),
        }
        async with self._database.write() as conn:
            video = await _locked(conn, video_id)
            if video is None or not records.is_waited_for(video.status):
                return False
            await upsert(conn, renditions, row)
            names = [found.name for found in (await _rungs(conn, [video_id]))[video_id]]
            pictures = {} if stills is None else msgspec.to_builtins(stills)
            status = records.after_rung(video.planned, names)
            await _set(conn, video_id, status=status, changed_ms=now_ms, **pictures)
            if not records.is_public(video.status):
                await _count_sound(conn, video, 1)
            await announce(conn, video_id, now_ms)
            rest = records.ladder_job(video_id, video.planned)
            if rest and video.first_seq is None:
                await _post_job(conn, rest, now_ms)
        return True

    async def give_up(self, video_id: str, rungs: Sequence[str], reason: str, now_ms: int) -> None:
        """These rungs will never be: a video without any is failed, another is complete without them."""
        async with self._database.write() as conn:
            video = await _locked(conn, video_id)
            if video is None or not records.is_waited_for(video.status):
                return
            names = [found.name for found in (await _rungs(conn, [video_id])).get(video_id, [])]
            planned = [name for name in video.planned if name in names or name not in rungs]
            status = records.after_rung(planned, names)
            await _set(conn, video_id, status=status, planned=planned, error=reason, changed_ms=now_ms)
            if records.is_public(status):
                await announce(conn, video_id, now_ms)

    async def withdraw(self, video_id: str, now_ms: int) -> None:
        """Nobody is to see the video any more; told to all who may have its card."""
        async with self._database.write() as conn:
            video = await _locked(conn, video_id)
            if video is None:
                raise NotFound(f"no video {video_id}")
            await _set(conn, video_id, status=Status.WITHDRAWN, changed_ms=now_ms)
            if records.is_public(video.status):
                await _count_sound(conn, video, -1)
            if video.seq is not None:
                await announce(conn, video_id, now_ms)

    async def set_text_track(
        self, video_id: str, language: str, stored: StoredTrack | None, now_ms: int
    ) -> None:
        """Put captions of this language in the place of what is there; None takes them away.

        Raises NotFound, and InvalidRequest beyond MAX_TEXT_TRACKS, and for a label that another has.
        """
        async with self._database.write() as conn:
            video = await _locked(conn, video_id)
            if video is None or video.status is Status.WITHDRAWN:
                raise NotFound(f"no video {video_id}")
            kept = [one for one in video.text_tracks if one.track.language != language]
            if stored is None and len(kept) == len(video.text_tracks):
                raise NotFound(f"video {video_id} has no captions in {language}")
            if stored is not None and stored.track.label in {one.track.label for one in kept}:
                raise InvalidRequest(f"other captions are labelled {stored.track.label!r} already")
            tracks = kept if stored is None else [*kept, stored]
            if len(tracks) > MAX_TEXT_TRACKS:
                raise InvalidRequest(
                    f"a video has captions in at most {MAX_TEXT_TRACKS} languages", limit=MAX_TEXT_TRACKS
                )
            await _set(conn, video_id, text_tracks=msgspec.to_builtins(tracks))
            if video.seq is not None:
                await announce(conn, video_id, now_ms)

    async def order_again(self, before_ms: int) -> int:
        """Post the jobs of every video that has waited since before `before_ms`; how many.

        The message id holds the time of the last change: a job that still waits in the stream's window of
        duplicates is dropped there, and a rung that exists is not made again by the worker.
        """
        wanted = select(videos).where(videos.c.status.in_(_WAITING), videos.c.changed_ms < before_ms)
        wanted = wanted.order_by(videos.c.changed_ms).limit(MAX_ORDERED)
        async with self._database.write() as conn:
            waiting = [_video(row) for row in await conn.execute(wanted)]
            jobs = [(records.waiting_job(video), video.changed_ms) for video in waiting]
            for job, changed_ms in jobs:
                if job:
                    await _post_job(conn, job, changed_ms)
        return sum(job is not None for job, _ in jobs)


async def announce(conn: AsyncConnection, video_id: str, now_ms: int) -> None:
    """Raise seq, and post the video's card as it is now in this transaction."""
    raised = update(counters).where(counters.c.name == "catalog").values(value=counters.c.value + 1)
    seq = (await conn.execute(raised.returning(counters.c.value))).scalar_one()
    first = update(videos).where(videos.c.id == video_id, videos.c.first_seq.is_(None)).values(first_seq=seq)
    await conn.execute(first)
    await _set(conn, video_id, seq=seq, counted_ms=None)
    row = (await conn.execute(with_creator().where(videos.c.id == video_id))).one()
    [(video, card)] = await cards_of(conn, [row])
    told = records.catalog_event(video, card, now_ms)
    await post(conn, subjects.catalog(told.kind), told, told.id)


async def _post_job(conn: AsyncConnection, job: TranscodeJob, changed_ms: int) -> None:
    subject = subjects.JOBS_FIRST if job.id.endswith("-first") else subjects.JOBS_LADDER
    await post(conn, subject, job, f"{job.id}-{changed_ms}")


def with_creator() -> Any:
    """A SELECT of videos, each with its `creator_name`."""
    return select(videos, users.c.name.label("creator_name")).join(users, users.c.id == videos.c.creator_id)


async def _locked(conn: AsyncConnection, video_id: str) -> Video | None:
    """The video, which stays as it is until this transaction ends (PostgreSQL; SQLite has one writer)."""
    wanted = select(videos).where(videos.c.id == video_id).with_for_update()
    row = (await conn.execute(wanted)).one_or_none()
    return None if row is None else _video(row)


async def _load(conn: AsyncConnection, video_id: str) -> Video:
    row = (await conn.execute(select(videos).where(videos.c.id == video_id))).one_or_none()
    if row is None:
        raise NotFound(f"no video {video_id}")
    return _video(row)


def _video(row: Row[Any]) -> Video:
    return msgspec.convert({str(name): value for name, value in row._mapping.items()}, Video)


async def cards_of(conn: AsyncConnection, rows: Sequence[Row[Any]]) -> list[tuple[Video, VideoCard]]:
    """Videos and cards of what `with_creator` found."""
    pairs = [(_video(row), row.creator_name) for row in rows]
    rungs = await _rungs(conn, [video.id for video, _ in pairs])
    return [(video, records.card(video, name, rungs.get(video.id, []))) for video, name in pairs]


async def _rungs(conn: AsyncConnection, video_ids: list[str]) -> dict[str, list[Rung]]:
    wanted = select(renditions.c.video_id, renditions.c.rung).where(renditions.c.video_id.in_(video_ids))
    found: dict[str, list[Rung]] = {}
    for video_id, rung in await conn.execute(wanted.order_by(renditions.c.short_side)):
        found.setdefault(video_id, []).append(msgspec.convert(rung, Rung))
    return found


async def _count_sound(conn: AsyncConnection, video: Video, step: int) -> None:
    """One playable video more, or less, with its sound. Before `announce`, whose counter all wait for."""
    counted = update(videos).where(videos.c.id == video.source_id)
    await conn.execute(counted.values(n_sound_videos=videos.c.n_sound_videos + step))


async def _set(conn: AsyncConnection, video_id: str, **values: Any) -> None:
    await conn.execute(update(videos).where(videos.c.id == video_id).values(**values))

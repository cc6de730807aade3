"""Likes, follows, comments and shares: folded from the stream of events, each event once.

`processed_events` makes a redelivered like harmless even after its unlike. The counts beside a video or a
user change in the same transaction as the rows that they count.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Table, delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.actions import Action, Refusal
from origin.catalog.database import Database, insert_new
from origin.catalog.schema import comments, follows, likes, processed_events, shares, users, videos
from origin.catalog.users import ensure_user
from origin.catalog.videos import announce
from shared.messages.events import EventKind

MAX_COMMENTS_PAGE = 100


class Comment(msgspec.Struct, frozen=True):
    """What someone said under a video."""

    id: str
    user_id: str
    text: str
    at_ms: int


class Social:
    """The repository of the social graph."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, actions: Sequence[Action], now_ms: int) -> list[Refusal]:
        """Do every action that is new, in one transaction; the reasons of those that were not done."""
        refused: list[Refusal] = []
        async with self._database.write() as conn:
            for action in actions:
                if not await insert_new(conn, processed_events, {"id": action.id, "at_ms": now_ms}):
                    refused.append(Refusal.DUPLICATE)
                elif (refusal := await _do(conn, action, now_ms)) is not None:
                    refused.append(refusal)
        return refused

    async def comments(
        self, video_id: str, limit: int, before: tuple[int, str] | None = None
    ) -> list[Comment]:
        """The latest comments, newest first; `before` is time and id of the last one of the former page."""
        wanted = select(comments).where(comments.c.video_id == video_id)
        if before:
            wanted = wanted.where(tuple_(comments.c.at_ms, comments.c.id) < tuple_(*before))
        wanted = wanted.order_by(comments.c.at_ms.desc(), comments.c.id.desc())
        async with self._database.read() as conn:
            rows = await conn.execute(wanted.limit(min(limit, MAX_COMMENTS_PAGE)))
            return [Comment(row.id, row.user_id, row.text, row.at_ms) for row in rows]

    async def announce_counts(self, before_ms: int, limit: int, now_ms: int) -> int:
        """Announce the cards whose counts changed before `before_ms`, the longest-waiting first; how many."""
        wanted = select(videos.c.id).where(videos.c.counted_ms < before_ms, videos.c.seq.is_not(None))
        wanted = wanted.order_by(videos.c.counted_ms).limit(limit)
        async with self._database.read() as conn:
            changed = (await conn.execute(wanted)).scalars().all()
        for video_id in changed:
            async with self._database.write() as conn:
                await announce(conn, video_id, now_ms)
        return len(changed)

    async def forget_events(self, before_ms: int) -> None:
        """Drop the markers of events that the stream no longer holds."""
        async with self._database.write() as conn:
            await conn.execute(delete(processed_events).where(processed_events.c.at_ms < before_ms))


async def _do(conn: AsyncConnection, action: Action, now_ms: int) -> Refusal | None:
    wanted = select(videos.c.creator_id).where(videos.c.id == action.video_id)
    creator_id = (await conn.execute(wanted)).scalar_one_or_none()
    await ensure_user(conn, action.user_id, now_ms)
    if action.kind in (EventKind.FOLLOW, EventKind.UNFOLLOW):
        return await _follow(conn, action, action.creator_id or creator_id or "", now_ms)
    if creator_id is None:
        return Refusal.NO_VIDEO
    column, step = await _rows(conn, action)
    if step:
        changed = {
            column: getattr(videos.c, column) + step,
            "counted_ms": func.coalesce(videos.c.counted_ms, now_ms),
        }
        await conn.execute(update(videos).where(videos.c.id == action.video_id).values(changed))
    return None


async def _rows(conn: AsyncConnection, action: Action) -> tuple[str, int]:
    """Write or delete the action's row; the counting column of the video, and by how much it changes."""
    pair = {"user_id": action.user_id, "video_id": action.video_id}
    said = {**pair, "id": action.id, "at_ms": action.at_ms}
    match action.kind:
        case EventKind.LIKE:
            return "likes", int(await insert_new(conn, likes, {**pair, "at_ms": action.at_ms}))
        case EventKind.UNLIKE:
            return "likes", -await _delete(conn, likes, pair)
        case EventKind.COMMENT:
            return "comments", int(await insert_new(conn, comments, {**said, "text": action.text}))
        case _:
            return "shares", int(await insert_new(conn, shares, said))


async def _follow(conn: AsyncConnection, action: Action, creator_id: str, now_ms: int) -> Refusal | None:
    if not creator_id:
        return Refusal.NO_CREATOR
    if creator_id == action.user_id:
        return Refusal.FOLLOWS_SELF
    await ensure_user(conn, creator_id, now_ms)
    pair = {"follower_id": action.user_id, "followee_id": creator_id}
    if action.kind is EventKind.FOLLOW:
        step = int(await insert_new(conn, follows, {**pair, "at_ms": action.at_ms}))
    else:
        step = -await _delete(conn, follows, pair)
    if step:
        await conn.execute(
            update(users).where(users.c.id == creator_id).values(followers=users.c.followers + step)
        )
        await conn.execute(
            update(users).where(users.c.id == action.user_id).values(following=users.c.following + step)
        )
    return None


async def _delete(conn: AsyncConnection, table: Table, key: dict[str, str]) -> int:
    wanted = delete(table)
    for name, value in key.items():
        wanted = wanted.where(table.c[name] == value)
    return (await conn.execute(wanted)).rowcount

"""Users: created when they are first seen, as a creator, or as the author of an event."""

from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from origin.catalog.database import Database, insert_new
from origin.catalog.records import Status
from origin.catalog.schema import users, videos
from shared.errors import NotFound


class User(msgspec.Struct, frozen=True):
    """What everyone may know of a user; `videos` counts those that can be played."""

    id: str
    name: str
    followers: int
    following: int
    videos: int


async def ensure_user(conn: AsyncConnection, user_id: str, now_ms: int) -> None:
    """Create the user unless known."""
    row: dict[str, Any] = {
        "id": user_id,
        "name": user_id,
        "created_ms": now_ms,
        "followers": 0,
        "following": 0,
    }
    await insert_new(conn, users, row)


class Users:
    """Reads of users."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: str) -> User:
        """The user. Raises NotFound."""
        playable = (
            select(func.count())
            .where(videos.c.creator_id == user_id, videos.c.status.in_((Status.PLAYABLE, Status.COMPLETE)))
            .scalar_subquery()
        )
        wanted = select(users.c.id, users.c.name, users.c.followers, users.c.following, playable)
        async with self._database.read() as conn:
            row = (await conn.execute(wanted.where(users.c.id == user_id))).one_or_none()
        if row is None:
            raise NotFound(f"no user {user_id}")
        return User(*row)

"""The catalogue's database: engine, transactions, migrations; its errors mapped once.

SQLite by default: WAL, one writer at a time, a busy timeout instead of "database is locked"; a write begins
with BEGIN IMMEDIATE, because a reader that turns writer cannot wait its turn. PostgreSQL by URL.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from threading import Thread
from typing import Any
from weakref import WeakSet

import aiosqlite
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Table, event, func, inspect, literal, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from origin.errors import CatalogUnavailable

BUSY_TIMEOUT_S = 10
POOL_SIZE = 8
_BUSY_TIMEOUT = f"busy_timeout={BUSY_TIMEOUT_S * 1000}"
_WAL_RETRY_S = 0.05
_MIGRATIONS = Path(__file__).with_name("migrations")
_OUR_MISTAKE = (IntegrityError, ProgrammingError, DataError)
_MIGRATION_LOCK = 0x6865_6164  # any constant: of the processes that start together, one migrates


class Database:
    """Short transactions on one engine; what is not our statement's fault is CatalogUnavailable."""

    def __init__(self, url: str) -> None:
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._threads = WeakSet[Thread]()
        """One for each connection of SQLite; it ends after the connection when a query was given up."""
        self._engine = create_async_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=0,
            pool_timeout=BUSY_TIMEOUT_S,
            connect_args={"async_creator_fn": self._connection} if self.is_sqlite else {},
        )
        if self.is_sqlite:
            event.listen(self._engine.sync_engine, "connect", _set_pragmas)
            event.listen(self._engine.sync_engine, "begin", _begin)
        # SQLite's own waiting is a poll with growing pauses: inside one process, queue fairly instead.
        self._turn = asyncio.Lock() if self.is_sqlite else nullcontext()
        self._writing = self._engine.execution_options(is_write=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """For reading. Each statement sees the latest commit; on SQLite none waits for a writer."""
        with _mapped_errors():
            async with self._engine.connect() as conn:
                yield conn

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end, rolled back by an exception."""
        with _mapped_errors():
            async with self._turn, self._writing.begin() as conn:
                yield conn

    async def migrate(self) -> None:
        """Bring the schema to the newest revision; safe when several processes start at once."""
        if self.is_sqlite:
            await self._write_ahead()
        async with self.write() as conn:
            if not self.is_sqlite:
                await conn.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
            await conn.run_sync(_upgrade)

    async def _write_ahead(self) -> None:
        """Turn the file to WAL, which it stays.

        Two that turn it at once can wait for each other: hence short tries with pauses, not a busy timeout.
        """
        last_try = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                async with self.read() as conn:
                    await _set_pragma(conn, "busy_timeout=0")
                    try:
                        await _set_pragma(conn, "journal_mode=WAL")
                    finally:
                        await _set_pragma(conn, _BUSY_TIMEOUT)
                return
            except CatalogUnavailable:
                if time.monotonic() > last_try:
                    raise
            await asyncio.sleep(random.uniform(0, _WAL_RETRY_S))

    async def is_built(self) -> bool:
        """Whether there is a catalogue, of whatever revision."""
        async with self.read() as conn:
            return bool(await conn.run_sync(lambda sync: inspect(sync).has_table("videos")))

    async def check(self) -> None:
        """Raises CatalogUnavailable unless a query is answered."""
        async with self.read() as conn:
            await conn.execute(select(literal(1)))

    async def close(self) -> None:
        """Return every connection; what still runs a query has BUSY_TIMEOUT_S to end."""
        await self._engine.dispose()
        for thread in [one for one in self._threads if one.is_alive()]:
            await asyncio.to_thread(thread.join, BUSY_TIMEOUT_S)

    def _connection(self, *where: Any, **options: Any) -> aiosqlite.Connection:
        """Known before it is open: opening it may be given up, too."""
        connection = aiosqlite.connect(*where, **options)
        connection._thread.daemon = True  # as SQLAlchemy has its own
        self._threads.add(connection._thread)
        return connection


async def insert_new(conn: AsyncConnection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert unless the key is there already; whether it was new."""
    insert = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
    done = await conn.execute(insert(table).values(**row).on_conflict_do_nothing())
    return done.rowcount > 0


async def upsert(conn: AsyncConnection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert, or replace every column of the row with the same primary key."""
    insert = sqlite.insert if conn.dialect.name == "sqlite" else postgresql.insert
    key = [column.name for column in table.primary_key]
    changed = {name: value for name, value in row.items() if name not in key}
    await conn.execute(insert(table).values(**row).on_conflict_do_update(index_elements=key, set_=changed))


@contextmanager
def _mapped_errors() -> Iterator[None]:
    try:
        yield
    except _OUR_MISTAKE:
        raise
    except (DBAPIError, PoolTimeout, OSError) as exc:  # no answer, locked, deadlock: worth another try
        raise CatalogUnavailable(f"the catalogue: {exc}") from exc


async def _set_pragma(conn: AsyncConnection, pragma: str) -> None:
    await conn.exec_driver_sql(f"PRAGMA {pragma}")


def _set_pragmas(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we begin ourselves, see _begin
    cursor = connection.cursor()
    for pragma in (_BUSY_TIMEOUT, "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get("is_write", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _upgrade(connection: Connection) -> None:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")

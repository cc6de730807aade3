"""The catalogue on real databases: one suite, over SQLite and over PostgreSQL where it is installed."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from origin.catalog.actions import Action, Refusal
from origin.catalog.database import Database
from origin.catalog.outbox import Outbox
from origin.catalog.records import NewVideo, Rendition, Status, Stills, StoredObject
from origin.catalog.schema import metadata
from origin.catalog.social import Social
from origin.catalog.sounds import Sounds
from origin.catalog.users import Users
from origin.catalog.videos import Videos
from origin.errors import CatalogUnavailable
from shared.errors import NotFound
from shared.messages.catalog import CatalogEvent, CatalogKind
from shared.messages.events import EventKind
from shared.messages.jobs import TranscodeJob
from tests import postgres
from tests.builders import make_rung
from tests.waiting import eventually

_MIGRATED: set[str] = set()
STILLS = Stills(
    poster="p.webp", poster_jpeg="p.jpg", blurhash="L", stills=[StoredObject("p.webp", 9, "00" * 32)]
)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    if not postgres.is_installed():
        pytest.skip(postgres.MISSING)
    with postgres.running() as url:
        yield url


async def migrated(url: str) -> str:
    database = Database(url)
    await database.migrate()
    await database.close()
    return url


async def copied(server: str, name: str) -> str:
    """The URL of a new copy of the server's database `postgres`, which is migrated the first time."""
    if server not in _MIGRATED:
        _MIGRATED.add(await migrated(server))
    engine = create_async_engine(server.replace("/postgres?", "/template1?"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as conn:
        await conn.execute(text(f'CREATE DATABASE "{name}" TEMPLATE postgres'))
    await engine.dispose()
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, data_dir: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{data_dir}/catalog.sqlite"
    if request.param == "postgresql":
        url = await copied(request.getfixturevalue("postgres_url"), data_dir.name[-60:])
    else:
        await migrated(url)
    database = Database(url)
    yield database
    await database.close()


def make_new(video: str = "v1", **fields: object) -> NewVideo:
    dull = {
        "id": video,
        "creator_id": "neon",
        "caption": "a caption",
        "category": "city",
        "hashtags": ["lights"],
        "source_bytes": 10,
        "duration_ms": 3000,
        "width": 540,
        "height": 960,
        "planned": ["360p", "540p"],
    }
    return NewVideo(**(dull | fields))  # type: ignore[arg-type]


def made(name: str) -> Rendition:
    rung = make_rung(name)
    return Rendition(rung, [StoredObject(f"{rung.path}/open.mp4", 5, "ab" * 32)])


def did(kind: EventKind, event: str, user: str = "bob", **fields: str) -> Action:
    dull: dict[str, str] = {"video_id": "v1", "creator_id": "", "text": ""}
    return Action(id=event, kind=kind, user_id=user, at_ms=7, **(dull | fields))


async def make_playable(database: Database, video: str = "v1") -> Videos:
    videos = Videos(database)
    await videos.create(make_new(video), 1)
    await videos.publish(video, made("360p"), STILLS, 2)
    return videos


async def told(database: Database) -> list[CatalogEvent]:
    letters = await Outbox(database).waiting()
    return [letter.message for letter in letters if isinstance(letter.message, CatalogEvent)]


async def jobs(database: Database) -> list[tuple[str, list[str]]]:
    letters = await Outbox(database).waiting()
    return [(x.subject, x.message.rungs) for x in letters if isinstance(x.message, TranscodeJob)]


async def test_the_migrations_build_what_the_schema_declares(database: Database) -> None:
    def difference(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    async with database.read() as conn:
        assert await conn.run_sync(difference) == []


async def test_processes_that_start_together_migrate_once(data_dir: Path) -> None:
    together = [Database(f"sqlite+aiosqlite:///{data_dir}/new.sqlite") for _ in range(4)]
    await asyncio.gather(*(one.migrate() for one in together))
    await together[0].check()
    for one in together:
        await one.close()


async def test_a_new_file_turns_to_wal_once_another_writer_has_finished(data_dir: Path) -> None:
    file = data_dir / "new.sqlite"
    database = Database(f"sqlite+aiosqlite:///{file}")
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        migrating = asyncio.create_task(database.migrate())
        await asyncio.sleep(0.2)  # that nothing happens cannot be waited for
        assert not migrating.done()
        other.execute("COMMIT")
        await migrating
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    await database.close()


SLOW = """WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 3000000)
SELECT max(x) FROM n"""


async def test_a_closed_database_has_no_thread_left_of_a_query_that_was_given_up(data_dir: Path) -> None:
    before = set(threading.enumerate())
    database = Database(f"sqlite+aiosqlite:///{data_dir}/slow.sqlite")

    async def ask() -> None:
        async with database.read() as conn:
            await conn.execute(text(SLOW))

    asking = asyncio.create_task(ask())
    await eventually(lambda: set(threading.enumerate()) - before)  # opening, or already asking
    asking.cancel()
    await asyncio.wait({asking})
    await database.close()

    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if "_connection_worker" in thread.name]


async def test_a_new_video_is_queued_and_its_first_rung_ordered(database: Database) -> None:
    videos = Videos(database)
    await videos.create(make_new(), 1)
    assert (await videos.get("v1")).status is Status.QUEUED
    assert await jobs(database) == [("jobs.transcode.first", ["360p"])]
    assert await videos.cards(["v1"]) == []


async def test_the_first_rung_makes_it_playable_and_orders_the_rest(database: Database) -> None:
    videos = await make_playable(database)
    [card] = await videos.cards(["v1"])
    assert (card.poster, [rung.name for rung in card.rungs], card.is_complete) == ("p.webp", ["360p"], False)
    assert (await jobs(database))[1:] == [("jobs.transcode.ladder", ["540p"])]
    assert [event.kind for event in await told(database)] == [CatalogKind.PUBLISHED]


async def test_the_last_rung_completes_it_and_a_second_delivery_changes_nothing(database: Database) -> None:
    videos = await make_playable(database)
    assert await videos.publish("v1", made("540p"), None, 3)
    assert await videos.publish("v1", made("540p"), None, 4)
    assert (await videos.get("v1")).status is Status.COMPLETE
    assert [rung.name for rung in await videos.published("v1")] == ["360p", "540p"]
    assert len(await jobs(database)) == 2


async def test_rungs_published_at_once_all_count(database: Database) -> None:
    videos = await make_playable(database)
    await asyncio.gather(*(videos.publish("v1", made(name), None, 3) for name in ("540p", "720p", "1080p")))
    assert (await videos.get("v1")).status is Status.COMPLETE
    assert len({event.seq for event in await told(database)}) == 4


async def test_a_video_without_any_rung_fails_and_nobody_waits_for_it(database: Database) -> None:
    videos = Videos(database)
    await videos.create(make_new(), 1)
    await videos.give_up("v1", ["360p"], "broken: no picture", 2)
    failed = await videos.get("v1")
    assert (failed.status, failed.error) == (Status.FAILED, "broken: no picture")
    assert await videos.start("v1", 3) is None
    assert not await videos.publish("v1", made("360p"), None, 3)


async def test_a_playing_video_is_complete_without_the_rung_that_was_given_up(database: Database) -> None:
    videos = await make_playable(database)
    await videos.give_up("v1", ["540p"], "too hard", 2)
    assert (await videos.get("v1")).status is Status.COMPLETE
    assert (await told(database))[-1].card.is_complete  # type: ignore[union-attr]


async def test_a_withdrawn_video_leaves_cards_and_media_and_is_told(database: Database) -> None:
    videos = await make_playable(database)
    await videos.withdraw("v1", 3)
    assert await videos.cards(["v1"]) == []
    with pytest.raises(NotFound):
        await videos.media_object("v1", "p.webp")
    assert (await told(database))[-1].kind is CatalogKind.WITHDRAWN


async def test_only_what_the_manifest_lists_is_a_media_object(database: Database) -> None:
    videos = await make_playable(database)
    path = f"{make_rung().path}/open.mp4"
    assert (await videos.media_object("v1", path)).stored == StoredObject(path, 5, "ab" * 32)
    assert (await videos.media_object("v1", "p.webp")).creator_id == "neon"
    for wrong in (f"{make_rung().path}/9.m4s", "../sources/v1", "360p/open.mp4"):
        with pytest.raises(NotFound):
            await videos.media_object("v1", wrong)


async def test_changes_list_the_latest_of_each_video_by_seq(database: Database) -> None:
    videos = await make_playable(database, "v1")
    await make_playable(database, "v2")
    await videos.publish("v1", made("540p"), None, 5)
    changes = await videos.changes(0, 10)
    assert [(event.video_id, event.seq) for event in changes] == [("v2", 2), ("v1", 3)]
    assert await videos.changes(3, 10) == []


async def test_a_reader_that_has_seen_a_seq_never_misses_a_smaller_one(database: Database) -> None:
    videos = Videos(database)
    names = [f"v{i}" for i in range(12)]
    for name in names:
        await videos.create(make_new(name), 1)
    seen: list[int] = []

    async def follow() -> None:
        while len(seen) < len(names):
            seen.extend(event.seq for event in await videos.changes(seen[-1] if seen else 0, 3))

    async with asyncio.timeout(100):
        await asyncio.gather(follow(), *(videos.publish(name, made("360p"), None, 2) for name in names))
    assert seen == list(range(1, 13))


async def test_a_sound_counts_lists_and_pages_the_videos_that_play_it(database: Database) -> None:
    videos, sounds = await make_playable(database), Sounds(database)
    for n, name in enumerate(("a", "b", "c")):
        await videos.create(make_new(name, sound_id="v1", sound_title="Original sound · neon"), n)
        await videos.publish(name, made("360p"), STILLS, 9)
    await make_playable(database, "v2")
    await videos.withdraw("b", 10)
    assert [(one.id, one.n_videos) for one in await sounds.most_used(5)] == [("v1", 3), ("v2", 1)]
    assert [card.id for card in await sounds.videos("v1", 9)] == ["v1", "c", "a"]
    assert [card.id for card in await sounds.videos("v1", 9, (2, "c"))] == ["a"]
    await asyncio.gather(videos.withdraw("v1", 11), videos.withdraw("a", 11), videos.withdraw("c", 11))
    assert [one.id for one in await sounds.most_used(5)] == ["v2"]
    with pytest.raises(NotFound):
        await sounds.get("v1")


async def test_a_row_that_a_former_process_wrote_plays_its_own_sound(database: Database) -> None:
    videos = Videos(database)
    await videos.create(make_new(), 1)
    async with database.write() as conn:
        await conn.execute(text("UPDATE videos SET sound_id = ''"))
    await videos.publish("v1", made("360p"), STILLS, 2)
    assert [card.sound_id for card in await videos.cards(["v1"])] == ["v1"]
    assert (await Sounds(database).choose("v1")).refusal is None
    assert (await Sounds(database).get("v1")).n_videos == 1


async def test_a_letter_leaves_the_outbox_only_when_acknowledged(database: Database) -> None:
    await make_playable(database)
    outbox = Outbox(database)
    letters = await outbox.waiting()
    assert [letter.msg_id for letter in letters] == ["v1-first-1", "v1-1", "v1-ladder-2"]
    await outbox.acknowledged([letters[0].row])
    assert await outbox.depth() == 2


async def test_a_refused_transaction_posts_nothing(database: Database) -> None:
    await make_playable(database)
    before = await Outbox(database).depth()
    with pytest.raises(IntegrityError):
        await Videos(database).create(make_new(), 9)
    assert await Outbox(database).depth() == before


async def test_jobs_of_waiting_videos_are_posted_again_under_the_same_message_id(database: Database) -> None:
    videos = await make_playable(database)
    await videos.create(make_new("v2"), 5)
    outbox = Outbox(database)
    ids = {letter.msg_id for letter in await outbox.waiting() if isinstance(letter.message, TranscodeJob)}
    await outbox.acknowledged([letter.row for letter in await outbox.waiting()])
    assert await videos.order_again(before_ms=10) == 2
    assert {letter.msg_id for letter in await outbox.waiting()} == ids - {"v1-first-1"}


async def test_each_event_counts_once_even_after_its_opposite(database: Database) -> None:
    videos, social = await make_playable(database), Social(database)
    like, unlike = did(EventKind.LIKE, "e1"), did(EventKind.UNLIKE, "e2")
    assert await social.apply([like, unlike], 9) == []
    assert await social.apply([like, unlike, like], 9) == [Refusal.DUPLICATE] * 3
    assert (await videos.cards(["v1"]))[0].likes == 0


async def test_counts_follow_the_rows(database: Database) -> None:
    videos, social = await make_playable(database), Social(database)
    said = [did(EventKind.COMMENT, f"c{i}", text=f"text {i}") for i in range(3)]
    likes = [did(EventKind.LIKE, f"l{i}", user=f"u{i % 2}") for i in range(4)]
    await social.apply([*said, *likes, did(EventKind.SHARE, "s1")], 9)
    [card] = await videos.cards(["v1"])
    assert (card.likes, card.comments, card.shares) == (2, 3, 1)


async def test_following_counts_on_both_sides(database: Database) -> None:
    await make_playable(database)
    social, users = Social(database), Users(database)
    await social.apply([did(EventKind.FOLLOW, "f1"), did(EventKind.FOLLOW, "f2")], 9)
    assert ((await users.get("neon")).followers, (await users.get("bob")).following) == (1, 1)
    await social.apply([did(EventKind.UNFOLLOW, "f3", creator_id="neon")], 9)
    assert ((await users.get("neon")).followers, (await users.get("bob")).following) == (0, 0)
    assert (await users.get("neon")).videos == 1


async def test_an_event_of_an_unknown_video_is_refused_and_the_rest_is_done(database: Database) -> None:
    videos, social = await make_playable(database), Social(database)
    lost = did(EventKind.LIKE, "e1", video_id="gone")
    assert await social.apply([lost, did(EventKind.LIKE, "e2")], 9) == [Refusal.NO_VIDEO]
    assert (await videos.cards(["v1"]))[0].likes == 1


async def test_comments_come_newest_first_page_by_page(database: Database) -> None:
    await make_playable(database)
    social = Social(database)
    await social.apply([did(EventKind.COMMENT, f"c{i}", text="x") for i in range(5)], 9)
    first = await social.comments("v1", 3)
    rest = await social.comments("v1", 3, (first[-1].at_ms, first[-1].id))
    assert [comment.id for comment in [*first, *rest]] == ["c4", "c3", "c2", "c1", "c0"]


async def test_changed_counts_are_announced_once_and_not_before_their_time(database: Database) -> None:
    await make_playable(database)
    social = Social(database)
    await social.apply([did(EventKind.LIKE, "e1"), did(EventKind.SHARE, "e2")], 100)
    assert await social.announce_counts(100, 10, 101) == 0
    assert await social.announce_counts(101, 10, 102) == 1
    assert await social.announce_counts(999, 10, 103) == 0
    last = (await told(database))[-1]
    assert last.card is not None
    assert (last.kind, last.card.likes, last.card.shares) == (CatalogKind.UPDATED, 1, 1)


async def test_a_database_that_is_away_is_named_unavailable(data_dir: Path) -> None:
    database = Database(f"postgresql+asyncpg://headstart@/x?host={data_dir}")
    with pytest.raises(CatalogUnavailable):
        await database.check()
    await database.close()

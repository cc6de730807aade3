"""Sounds in the catalogue and over HTTP: whose, how many videos play one, which may be used."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from origin.catalog import database as database_module
from origin.catalog.database import Database
from origin.catalog.records import NewVideo, Rendition, Stills, StoredObject
from origin.catalog.sounds import ChosenSound, SoundRefusal, Sounds
from origin.catalog.videos import Videos
from origin.errors import SoundUnavailable
from origin.ports import WorkerCatalogue
from origin.transcode.worker import LaidSound
from origin.uploads.tus import format_metadata
from shared.clock import SystemClock
from tests.builders import make_rung
from tests.clips import make_clip
from tests.origin_service import Origin, Tus, running

STILLS = Stills(poster="p.webp", poster_jpeg="p.jpg", blurhash="L", stills=[])


@pytest.fixture
async def origin(data_dir: Path) -> AsyncIterator[Origin]:
    async with running(data_dir) as origin:
        yield origin


@pytest.fixture
async def database(origin: Origin) -> AsyncIterator[Database]:
    """The API's own database, through connections of the test's."""
    database = Database(f"sqlite+aiosqlite:///{origin.data_dir}/origin.sqlite")
    yield database
    await database.close()


async def create(database: Database, video: str, at_ms: int, sound: str = "", has_audio: bool = True) -> None:
    new = NewVideo(
        id=video,
        creator_id=f"by_{video}",
        caption="",
        category="city",
        hashtags=[],
        source_bytes=10,
        duration_ms=3000,
        width=540,
        height=960,
        planned=["360p", "540p"],
        has_audio=has_audio,
        sound_id=sound,
        sound_title=f"Original sound · by_{sound}" if sound else "",
    )
    await Videos(database).create(new, at_ms)


async def publish(database: Database, video: str, name: str = "360p") -> None:
    rung = make_rung(name)
    made = Rendition(rung, [StoredObject(f"{rung.path}/open.mp4", 5, "ab" * 32)])
    assert await Videos(database).publish(video, made, STILLS, 9)


async def add(database: Database, video: str, at_ms: int, sound: str = "", has_audio: bool = True) -> None:
    await create(database, video, at_ms, sound, has_audio)
    await publish(database, video)


async def listed(origin: Origin, path: str) -> list[str]:
    return [item["id"] for item in (await origin.json(path))["items"]]


async def test_a_video_plays_its_own_sound_unless_it_says_another(origin: Origin, database: Database) -> None:
    await add(database, "own", 1)
    await add(database, "user", 2, sound="own")
    own, user = [(await origin.json(f"/v1/videos/{video}"))["card"] for video in ("own", "user")]
    assert (own["sound_id"], own["sound_title"]) == ("own", "")
    assert (user["sound_id"], user["sound_title"]) == ("own", "Original sound · by_own")


async def test_a_sound_tells_its_source_and_counts_playable_videos_once(
    origin: Origin, database: Database
) -> None:
    await add(database, "own", 1)
    await add(database, "user", 2, sound="own")
    await publish(database, "user", "540p")
    await create(database, "queued", 3, sound="own")
    sound = await origin.json("/v1/sounds/own")
    assert sound.pop("video") == (await origin.json("/v1/videos/own"))["card"]
    assert sound == {
        "id": "own",
        "title": "Original sound · by_own",
        "creator_id": "by_own",
        "creator_name": "by_own",
        "n_videos": 2,
        "is_available": True,
    }


async def test_a_withdrawn_sound_still_answers_for_those_that_play_it(
    origin: Origin, database: Database
) -> None:
    await add(database, "own", 1)
    await add(database, "user", 2, sound="own")
    await Videos(database).withdraw("own", 9)
    sound = await origin.json("/v1/sounds/own")
    assert (sound["n_videos"], sound["is_available"], sound["video"]) == (1, False, None)
    assert await listed(origin, "/v1/sounds/own/videos") == ["user"]
    assert await listed(origin, "/v1/sounds") == []
    await Videos(database).withdraw("user", 10)
    await origin.json("/v1/sounds/own", status=404)


@pytest.mark.parametrize("path", ["/v1/sounds/user", "/v1/sounds/queued", "/v1/sounds/nothing/videos"])
async def test_what_no_playable_video_plays_is_not_found(
    origin: Origin, database: Database, path: str
) -> None:
    await add(database, "own", 1)
    await add(database, "user", 2, sound="own")
    await create(database, "queued", 3)
    assert (await origin.json(path, status=404))["type"].endswith("not_found")


async def test_the_videos_of_a_sound_come_source_first_then_newest_page_by_page(
    origin: Origin, database: Database
) -> None:
    await add(database, "own", 5)
    for i in range(4):
        await add(database, f"user{i}", i, sound="own")
    await add(database, "other", 9)
    found, before = [], ""
    for _ in range(6):
        page = await origin.json(f"/v1/sounds/own/videos?limit=1{before}")
        found += [card["id"] for card in page["items"]]
        before = f"&before={page.get('next', '')}"
    assert found == ["own", "user3", "user2", "user1", "user0"]
    assert await listed(origin, "/v1/sounds/own/videos?limit=3") == found[:3]
    assert await listed(origin, "/v1/sounds/own/videos") == found


async def test_the_sounds_to_choose_from_are_the_most_used_and_bounded(
    origin: Origin, database: Database
) -> None:
    await add(database, "old", 1)
    await add(database, "new", 2)
    await add(database, "loved", 3)
    await add(database, "silent", 4, has_audio=False)
    await add(database, "user", 5, sound="loved")
    assert await listed(origin, "/v1/sounds?n=3") == ["loved", "new", "old"]
    assert await listed(origin, "/v1/sounds?n=1") == ["loved"]
    assert "whole number" in (await origin.json("/v1/sounds?n=-1", status=400))["detail"]


async def test_choosing_a_video_that_plays_another_sound_chooses_its_source(database: Database) -> None:
    await add(database, "own", 1)
    await add(database, "user", 2, sound="own")
    assert await Sounds(database).choose("user") == ChosenSound("own", "Original sound · by_own", None)


async def test_a_sound_that_may_not_be_used_says_why(database: Database) -> None:
    sounds = Sounds(database)
    await create(database, "queued", 1)
    await add(database, "silent", 2, has_audio=False)
    await add(database, "gone", 3)
    await add(database, "user", 4, sound="gone")
    await Videos(database).withdraw("gone", 9)
    found = {name: (await sounds.choose(name)).refusal for name in ("x", "queued", "silent", "gone", "user")}
    assert found == {
        "x": SoundRefusal.UNKNOWN,
        "queued": SoundRefusal.NOT_PLAYABLE,
        "silent": SoundRefusal.SILENT,
        "gone": SoundRefusal.WITHDRAWN,
        "user": SoundRefusal.WITHDRAWN,
    }


async def test_a_video_that_plays_keeps_a_sound_withdrawn_since_and_a_new_one_does_not(
    database: Database,
) -> None:
    await add(database, "own", 1)
    await add(database, "user", 2, sound="own")
    await create(database, "new", 3, sound="own")
    await Videos(database).withdraw("own", 9)
    worker = WorkerCatalogue(Videos(database), Sounds(database), SystemClock())
    kept = await worker.source("user")
    assert kept
    paths = tuple(f"{make_rung().path}/{name}" for name in ("open.mp4", "1.m4s", "2.m4s"))
    assert kept.sound == LaidSound("own", paths, 3000, sound_volume=1.0, original_volume=0.0)
    with pytest.raises(SoundUnavailable, match="withdrawn"):
        await worker.source("new")


async def answer_to(origin: Origin, way: str, clip: bytes, **fields: str) -> tuple[int, dict[str, Any]]:
    """Of an upload's creation: its whole body where it is one form."""
    if way == "form":
        return await origin.upload(clip, **fields)
    headers = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": str(len(clip)),
        "Upload-Metadata": format_metadata(fields),
    }
    async with origin.http.post(origin.url + "/uploads", headers=headers) as answer:
        return answer.status, json.loads(await answer.read() or b"{}")


@pytest.mark.parametrize("way", ["form", "tus"])
async def test_a_sound_that_may_not_be_used_is_refused_when_the_upload_begins(
    origin: Origin, database: Database, way: str
) -> None:
    await create(database, "queued", 1)
    await add(database, "gone", 2)
    await Videos(database).withdraw("gone", 9)
    for sound, reason in (("nothing", "unknown"), ("queued", "not_playable"), ("gone", "withdrawn")):
        status, problem = await answer_to(origin, way, b"no video", sound=sound)
        assert (status, problem["field"], problem["reason"]) == (422, "sound", reason)
        assert problem["detail"].endswith(f": {sound}")
    status, problem = await answer_to(origin, way, b"no video", sound="gone", sound_volume="3")
    assert (status, problem["field"], problem["limit"]) == (400, "sound_volume", 2)
    assert origin.leftovers() == []


async def test_a_sound_told_behind_the_file_is_judged_too(
    origin: Origin, database: Database, tmp_path: Path
) -> None:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("file", make_clip(tmp_path / "clip.mp4", seconds=1).read_bytes(), filename="clip.mp4")
    form.add_field("sound", "nothing")
    async with origin.http.post(origin.url + "/v1/videos", data=form) as answer:
        assert (answer.status, (await answer.json(content_type=None))["reason"]) == (422, "unknown")
    assert origin.leftovers() == []


@pytest.mark.parametrize("way", ["form", "tus"])
async def test_an_accepted_upload_plays_the_source_of_what_it_chose(
    origin: Origin, database: Database, way: str, tmp_path: Path
) -> None:
    await add(database, "own", 1)
    await add(database, "user", 2, sound="own")
    clip = make_clip(tmp_path / "clip.mp4", seconds=1).read_bytes()
    if way == "form":
        _, told = await origin.upload(clip, sound="user", original_volume="0.25")
        video = told["id"]
    else:
        tus = Tus(origin)
        metadata = format_metadata({"sound": "user", "original_volume": "0.25"})
        assert await tus.create(len(clip), metadata) == 201
        video = (await tus.patch(0, clip)).headers["Headstart-Video"]
    row = await Videos(database).get(video)
    assert (row.sound_id, row.sound_title) == ("own", "Original sound · by_own")
    assert (row.sound_volume, row.original_volume, row.has_audio) == (1.0, 0.25, True)


def upgraded(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(database_module._MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_a_catalogue_from_before_there_were_sounds_comes_up_with_each_videos_own(
    data_dir: Path,
) -> None:
    file = data_dir / "former.sqlite"
    database = Database(f"sqlite+aiosqlite:///{file}")
    async with database.write() as conn:
        await conn.run_sync(upgraded, "0002")
    with closing(sqlite3.connect(file)) as former, former:
        former.execute("INSERT INTO users VALUES ('neon', 'neon', 1, 0, 0)")
        for video, status in (("v1", "complete"), ("v2", "playable"), ("v3", "queued"), ("v4", "withdrawn")):
            former.execute(
                "INSERT INTO videos (id, creator_id, caption, category, hashtags, status, error,"
                " source_bytes, duration_ms, width, height, planned, created_ms, changed_ms, poster,"
                " poster_jpeg, blurhash, stills, likes, comments, shares)"
                " VALUES (?, 'neon', '', 'city', '[]', ?, '', 1, 1, 1, 1,"
                " '[\"360p\"]', 1, 1, '', '', '', '[]', 0, 0, 0)",
                (video, status),
            )
    await database.migrate()
    cards = await Videos(database).cards(["v1", "v2"])
    assert [(card.sound_id, card.sound_title) for card in cards] == [("v1", ""), ("v2", "")]
    assert [(one.id, one.n_videos) for one in await Sounds(database).most_used(9)] == [("v2", 1), ("v1", 1)]
    await publish(database, "v3")
    assert (await Sounds(database).get("v3")).n_videos == 1
    await database.close()

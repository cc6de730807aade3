"""Catalogue, media and readiness over real HTTP; outbox and social graph through a real nats-server."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from origin.app import withdraw
from origin.catalog.database import Database
from origin.catalog.records import NewVideo, Rendition, Stills, StoredObject
from origin.catalog.videos import Videos
from origin.config import OriginConfig
from shared import embedded, subjects
from shared.bus import Bus, Delivery, Outcome
from shared.errors import NotFound
from shared.messages.catalog import CatalogEvent
from shared.messages.events import EventBatch, EventKind, ViewEvent
from shared.messages.jobs import TranscodeJob
from tests.builders import NOW_MS, make_event, make_rung
from tests.origin_service import Origin, running
from tests.waiting import eventually

BODY = bytes(range(256)) * 4
DIGEST = hashlib.sha256(BODY).hexdigest()
PATH = f"{make_rung().path}/open.mp4"


@pytest.fixture
async def origin(data_dir: Path) -> AsyncIterator[Origin]:
    """An API with one video that is playable, but not complete."""
    async with running(data_dir) as origin:
        await make_playable(data_dir)
        yield origin


async def make_playable(data_dir: Path, video: str = "v1", at_ms: int = 1) -> None:
    database = Database(f"sqlite+aiosqlite:///{data_dir}/origin.sqlite")
    videos = Videos(database)
    new = NewVideo(
        id=video,
        creator_id="neon",
        caption="a caption",
        category="city",
        hashtags=["lights"],
        source_bytes=10,
        duration_ms=3000,
        width=540,
        height=960,
        planned=["360p", "540p"],
    )
    await videos.create(new, at_ms)
    stills = Stills(poster="p.webp", poster_jpeg="p.jpg", blurhash="L", stills=[])
    rendition = Rendition(make_rung(), [StoredObject(PATH, len(BODY), DIGEST)])
    await videos.publish(video, rendition, stills, at_ms + 1)
    await database.close()
    file = data_dir / "media" / "v" / video / PATH
    file.parent.mkdir(parents=True)
    file.write_bytes(BODY)


async def fetch(origin: Origin, path: str, method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with origin.http.request(method, origin.url + path, headers=named) as answer:
        return answer.status, answer.headers, await answer.read()


async def test_an_object_is_immutable_tagged_and_digested(origin: Origin) -> None:
    status, headers, body = await fetch(origin, f"/v/v1/{PATH}")
    assert (status, body) == (200, BODY)
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["ETag"] == f'"{DIGEST[:32]}"'
    assert headers["Surrogate-Key"] == "video:v1 creator:neon"
    assert headers["Repr-Digest"].startswith("sha-256=:")
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Access-Control-Allow-Origin"] == "*"


async def test_a_range_a_head_and_a_validator_are_answered(origin: Origin) -> None:
    status, headers, body = await fetch(origin, f"/v/v1/{PATH}", Range="bytes=1000-")
    assert (status, body, headers["Content-Range"]) == (206, BODY[1000:], "bytes 1000-1023/1024")
    status, headers, body = await fetch(origin, f"/v/v1/{PATH}", "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "1024")
    status, _, body = await fetch(origin, f"/v/v1/{PATH}", If_None_Match=headers["ETag"])
    assert (status, body) == (304, b"")
    status, headers, body = await fetch(origin, f"/v/v1/{PATH}", Range="bytes=1024-")
    assert (status, headers["Content-Range"]) == (416, "bytes */1024")


@pytest.mark.parametrize("path", ["360p/9.m4s", "..%2f..%2forigin.sqlite", "%00", "x" * 500])
async def test_what_the_manifest_does_not_list_is_not_found(origin: Origin, path: str) -> None:
    status, headers, body = await fetch(origin, f"/v/v1/{path}")
    assert (status, b"not_found" in body) == (404, True)
    assert headers["Cache-Control"] == "no-store"


async def test_the_master_playlist_is_fresh_for_a_second_while_the_ladder_grows(origin: Origin) -> None:
    status, headers, body = await fetch(origin, "/v/v1/master.m3u8")
    assert (status, f"{make_rung().path}/index.m3u8".encode() in body) == (200, True)
    assert headers["Cache-Control"].startswith("public, max-age=1,")
    assert (await fetch(origin, "/v/v1/master.m3u8", If_None_Match=headers["ETag"]))[0] == 304


async def test_a_media_store_that_lost_an_object_is_not_a_success(origin: Origin) -> None:
    (origin.data_dir / "media" / "v" / "v1" / PATH).unlink()
    assert (await fetch(origin, f"/v/v1/{PATH}"))[0] == 404


async def test_a_video_tells_its_status_and_card(origin: Origin) -> None:
    video = await origin.json("/v1/videos/v1")
    assert (video["status"], video["card"]["caption"]) == ("playable", "a caption")
    assert [card["id"] for card in (await origin.json("/v1/videos?creator=neon&limit=5"))["items"]] == ["v1"]
    assert (await origin.json("/v1/videos?creator=nobody"))["items"] == []
    assert (await origin.json("/v1/users/neon"))["videos"] == 1


async def test_videos_are_paged_newest_first(origin: Origin) -> None:
    for number in (2, 3, 4):
        await make_playable(origin.data_dir, f"v{number}", at_ms=number // 2 * 10)
    first = await origin.json("/v1/videos?creator=neon&limit=2")
    assert [card["id"] for card in first["items"]] == ["v4", "v3"]
    second = await origin.json(f"/v1/videos?creator=neon&limit=2&before={first['next']}")
    assert [card["id"] for card in second["items"]] == ["v2", "v1"]
    last = await origin.json(f"/v1/videos?limit=2&before={second['next']}")
    assert last == {"items": []}
    assert (await origin.json("/v1/videos?before=soon", status=400))["type"].endswith("invalid_request")
    for path in ("/v1/videos", "/v1/videos/v1/comments"):
        assert await origin.json(f"{path}?limit=0") == {"items": []}


async def test_cards_come_in_the_order_asked_for_and_the_missing_are_named(origin: Origin) -> None:
    answer = await origin.json("/internal/cards?ids=gone,v1,gone")
    assert ([card["id"] for card in answer["cards"]], answer["missing"]) == (["v1"], ["gone"])
    ids = ",".join(f"v{i}" for i in range(101))
    assert (await origin.json(f"/internal/cards?ids={ids}", status=400))["limit"] == 100


async def test_changes_are_paged_by_seq(origin: Origin) -> None:
    first = await origin.json("/internal/catalog?after_seq=0&limit=10")
    assert [(event["video_id"], event["kind"]) for event in first["events"]] == [("v1", "published")]
    assert await origin.json("/internal/catalog?after_seq=1") == {"events": [], "last_seq": 1}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/videos/nothing", 404),
        ("/v1/videos/a%20b", 400),
        ("/v1/users/nobody", 404),
        ("/internal/catalog?after_seq=-1", 400),
        ("/v1/videos/v1/comments?before=x", 400),
        ("/nowhere", 404),
    ],
)
async def test_what_cannot_be_answered_is_a_problem_document(origin: Origin, path: str, status: int) -> None:
    answered, headers, _ = await fetch(origin, path)
    assert (answered, headers["Content-Type"]) == (status, "application/problem+json")


async def test_a_page_of_another_host_may_ask(origin: Origin) -> None:
    status, headers, _ = await fetch(origin, "/v1/videos", "OPTIONS")
    assert (status, headers["Access-Control-Allow-Origin"]) == (204, "*")
    assert "POST" in headers["Access-Control-Allow-Methods"]


async def test_the_studio_is_served_and_nothing_beside_it(origin: Origin) -> None:
    status, headers, body = await fetch(origin, "/")
    assert (status, b"<html" in body.lower()) == (200, True)
    assert (await fetch(origin, "/studio/", If_None_Match=headers["ETag"]))[0] == 304
    assert (await fetch(origin, "/studio/..%2fapp.py"))[0] == 404


async def test_readiness_asks_only_for_what_serving_needs(origin: Origin) -> None:
    answer = await origin.json("/readyz")
    assert answer == {"ready": True, "checks": {"catalogue": "ok", "media store": "ok"}}


async def test_a_withdrawal_where_no_catalogue_is_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=f"no catalogue in {tmp_path}"):
        await withdraw(OriginConfig(data_dir=tmp_path), "v1")


async def test_a_withdrawn_video_is_gone_at_once(origin: Origin) -> None:
    await withdraw(OriginConfig(data_dir=origin.data_dir), "v1")
    for path in ("/v1/videos/v1", "/v/v1/master.m3u8", f"/v/v1/{PATH}"):
        assert (await fetch(origin, path))[0] == 404
    [event] = (await origin.json("/internal/catalog"))["events"]
    assert event["kind"] == "withdrawn"


async def test_the_outbox_waits_for_the_bus_and_then_sends_in_order(data_dir: Path, free_port: int) -> None:
    url = f"nats://127.0.0.1:{free_port}"
    heard: list[tuple[str, str]] = []

    async def hear(message: CatalogEvent | TranscodeJob, delivery: Delivery) -> Outcome:
        heard.append((delivery.subject, message.id))
        return Outcome.ACK

    async with running(data_dir / "origin", url):
        await make_playable(data_dir / "origin")
        server = await embedded.nats_server(data_dir / "bus", {}, port=free_port)
        bus = await Bus.connect(url, "test", wait=True)
        consuming = [
            asyncio.create_task(bus.consume(subjects.JOBS, "test", TranscodeJob, hear)),
            asyncio.create_task(bus.consume(subjects.CATALOG, "test", CatalogEvent, hear)),
        ]
        await eventually(lambda: len(heard) == 3, within_s=20)
        assert sorted(heard) == [
            ("catalog.published", "v1-1"),
            ("jobs.transcode.first", "v1-first"),
            ("jobs.transcode.ladder", "v1-ladder"),
        ]
        for task in consuming:
            task.cancel()
        await asyncio.wait(consuming)
        await bus.close()
        await server.stop()


async def test_viewers_events_are_folded_once(data_dir: Path, nats: str) -> None:
    def batch(name: str, *events: ViewEvent) -> EventBatch:
        return EventBatch(id=name, edge_id="e1", region="r", at_ms=NOW_MS, events=list(events))

    like = make_event(EventKind.LIKE)
    comment = make_event(EventKind.COMMENT, text="so good")
    follow = make_event(EventKind.FOLLOW, creator_id="neon")
    async with running(data_dir, nats) as origin:
        await make_playable(data_dir)
        bus = await Bus.connect(nats, "test", wait=True)
        await bus.ensure_streams(subjects.STREAMS)
        for name, events in (("b1", (like, comment)), ("b2", (like, follow, make_event(EventKind.WATCH)))):
            await bus.publish_durable(subjects.events("e1"), batch(name, *events), name)

        async def is_followed() -> bool:
            return bool((await origin.json("/v1/users/neon"))["followers"] == 1)

        await eventually(is_followed)
        card = (await origin.json("/v1/videos/v1"))["card"]
        assert (card["likes"], card["comments"]) == (1, 1)
        said = (await origin.json("/v1/videos/v1/comments"))["items"]
        assert [(comment["user_id"], comment["text"]) for comment in said] == [("u1", "so good")]
        await bus.close()

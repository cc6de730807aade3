"""An edge as its neighbours see it: alone, drained, restarted, asked wrongly; its pages, its operator."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from edge.app import Edge
from edge.config import EdgeConfig
from shared.errors import ConfigError
from tests.brains import ScriptedBrain
from tests.card_origin import CardOrigin, card_origin
from tests.edge_builders import make_card
from tests.edge_nodes import Viewer, make_config, names, running_edge, videos, viewer
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
CLIPS = names("clip", 12)


@pytest.fixture
async def origin() -> AsyncIterator[CardOrigin]:
    async with card_origin(CLIPS) as server:
        yield server


@pytest.fixture
async def edge(data_dir: Path, origin: CardOrigin) -> AsyncIterator[Edge]:
    """An edge with an origin and without a bus."""
    async with running_edge(make_config(data_dir, origin_url=origin.url)) as node:
        await eventually(lambda: len(node.cards) == len(CLIPS))
        yield node


@pytest.fixture
async def player(edge: Edge) -> AsyncIterator[Viewer]:
    async with viewer(edge.url) as one:
        yield one


@asynccontextmanager
async def edge_process(arguments: list[str], environ: dict[str, str]) -> AsyncIterator[tuple[Any, str]]:
    """`python -m edge` as an operator starts it, and the URL that it logs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADSTART_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "edge",
        *arguments,
        cwd=ROOT,
        env=kept | environ,
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert process.stderr
    try:
        async with asyncio.timeout(30):
            while (record := json.loads(await process.stderr.readline())).get("msg") != "ready":
                pass
        yield process, record["url"]
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_an_edge_is_ready_without_nats_and_origin_and_says_so(data_dir: Path) -> None:
    async with running_edge(make_config(data_dir)) as edge, viewer(edge.url) as player:
        answer = await player.call("GET", "/readyz")
        feed = await player.open()

    assert answer["ready"]
    assert answer["checks"]["nats"].startswith("degraded")
    assert feed["items"] == []


async def test_without_a_brain_the_feed_is_what_is_fresh(player: Viewer) -> None:
    feed = await player.open()

    assert feed["origin"] == "fallback_cached"
    assert videos(feed) == CLIPS[::-1][:5]
    assert feed["items"][0]["why"]["text"] == "new"


async def test_the_scroll_goes_on_when_everything_was_seen(player: Viewer) -> None:
    feed = await player.open()
    shown = []
    for _ in range(3 * len(CLIPS)):
        shown.append(videos(feed)[0])
        feed = await player.swipe(shown[-1], current=shown[-1])

    assert set(shown[: len(CLIPS)]) == set(CLIPS)
    assert all(one != after for one, after in pairwise(shown))


async def test_an_edge_with_one_video_shows_it_again(data_dir: Path) -> None:
    origin = CardOrigin()
    origin.publish(make_card("only"))
    await origin.start()
    async with running_edge(make_config(data_dir, origin_url=origin.url)) as edge, viewer(edge.url) as player:
        await eventually(lambda: len(edge.cards) == 1)
        await player.open()
        assert videos(await player.swipe("only", current="only")) == ["only"]
    await origin.stop()


async def test_a_trending_list_is_shown_before_what_is_merely_fresh(
    nats: str, data_dir: Path, origin: CardOrigin
) -> None:
    brain = await ScriptedBrain.start(nats)
    brain.is_silent = True
    config = make_config(data_dir, origin_url=origin.url, nats_url=nats)
    async with running_edge(config) as edge, viewer(edge.url) as player:

        async def has_trends() -> bool:
            await brain.push_trending("test", ["clip3", "clip1"])
            return edge.feed.trending is not None

        await eventually(has_trends)
        await eventually(lambda: len(edge.cards) == len(CLIPS))
        feed = await player.open()
    await brain.close()

    assert videos(feed)[:2] == ["clip3", "clip1"]
    assert feed["origin"] == "fallback_trending"
    assert feed["items"][0]["why"]["text"] == "trending in your region"


async def test_a_restarted_edge_shows_something_with_everything_else_gone(
    data_dir: Path, origin: CardOrigin
) -> None:
    config = make_config(data_dir, origin_url=origin.url)
    async with running_edge(config) as edge, viewer(edge.url) as player:
        await eventually(lambda: len(edge.cards) == len(CLIPS))
        feed = await player.open()
        await eventually(lambda: edge.delivery.media.is_in_memory(feed["plan"][0]["url"]))
        before, token = await player.swipe(CLIPS[0]), player.token
    await origin.stop()

    async with running_edge(config) as edge, viewer(edge.url) as player:
        player.token = token
        assert videos(await player.feed()) == videos(before)
        assert videos(await player.open()) == CLIPS[::-1][:5]
        async with player.http.get(edge.url + feed["plan"][0]["url"]) as media:
            assert media.status == 200
            assert "; hit" in media.headers["Cache-Status"]


async def test_a_session_that_the_edge_has_forgotten_is_made_again(edge: Edge, player: Viewer) -> None:
    await player.open(user_id="ann")
    edge.store.expire(float("inf"))

    feed = await player.swipe(CLIPS[-1])

    session = edge.store.get(player.session)
    assert session is not None
    assert session.user_id == "ann"
    assert CLIPS[-1] not in videos(feed)


@pytest.mark.parametrize("token", ["", "nonsense", "1.YWJj.ZGVm"])
async def test_a_bad_token_is_refused(player: Viewer, token: str) -> None:
    player.token = token

    for method, path in (("GET", "/v1/feed"), ("POST", "/v1/events"), ("GET", "/v1/stream")):
        status, problem = await player.refused(method, path)
        assert (status, problem["type"]) == (401, "urn:headstart:problem:unauthorized")


async def test_a_token_of_another_edge_with_the_same_key_is_good(data_dir: Path, player: Viewer) -> None:
    key = {"token_key": "k" * 32}
    async with (
        running_edge(make_config(data_dir / "a", **key)) as one,
        running_edge(make_config(data_dir / "b", **key)) as other,
        viewer(one.url) as here,
        viewer(other.url) as there,
    ):
        await here.open(user_id="ann")
        there.token = here.token
        assert (await there.post({"kind": "like", "video": "v"}))["accepted"] == 1


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"{", 400, "JSON"),
        (b'{"events": 3}', 400, "events"),
        (json.dumps({"events": [{"kind": "like", "video": "v"}] * 65}).encode(), 400, "64"),
        (b'{"events": [], "n": 99}', 400, "20"),
        (b'{"events": [], "current": "a b"}', 400, "video id"),
        (b'{"x": "' + b"y" * 70_000 + b'"}', 413, "65536"),
    ],
)
async def test_a_wrong_body_is_refused_by_name_and_limit(
    player: Viewer, body: bytes, status: int, told: str
) -> None:
    await player.open()

    found, problem = await player.refused("POST", "/v1/events", data=body)

    assert found == status
    assert told in problem["detail"]


async def test_a_wrong_user_or_number_is_refused(player: Viewer) -> None:
    assert (await player.refused("POST", "/v1/sessions", json={"user_id": "a b"}))[0] == 400
    await player.open()
    assert (await player.refused("GET", "/v1/feed?n=x"))[0] == 400
    assert (await player.refused("GET", "/v1/nothing"))[0] == 404


async def test_reads_are_cached_briefly_and_stale_when_the_origin_is_gone(
    data_dir: Path, origin: CardOrigin
) -> None:
    from edge.handlers.api import ApiLimits

    config = make_config(data_dir, origin_url=origin.url, api=ApiLimits(fresh_s=0.0))
    async with running_edge(config) as edge, viewer(edge.url) as player:
        await asyncio.gather(*(player.call("GET", "/v1/videos/clip1") for _ in range(10)))
        assert origin.requests["video"] < 10
        before = await player.call("GET", "/v1/videos/clip1")
        await origin.stop()

        async with player.http.get(f"{edge.url}/v1/videos/clip1") as answer:
            assert await answer.json() == before
            assert "detail=stale" in answer.headers["Cache-Status"]
        assert (await player.refused("GET", "/v1/videos/clip2"))[0] == 503


async def test_an_answer_of_the_origin_is_kept_for_a_moment(player: Viewer, origin: CardOrigin) -> None:
    first = await player.call("GET", "/v1/videos/clip1/comments")

    assert await player.call("GET", "/v1/videos/clip1/comments") == first
    assert origin.requests["video"] == 1
    assert (await player.http.get(f"{player.url}/v1/videos/unknown")).status == 404


async def test_pages_have_types_and_validators(player: Viewer) -> None:
    for path, content_type in (("/", "text/html"), ("/player/main.js", "text/javascript")):
        async with player.http.get(player.url + path) as page:
            assert (page.status, page.content_type) == (200, content_type)
            assert page.headers["Cache-Control"] == "no-cache"
            tag = page.headers["ETag"]
        async with player.http.get(player.url + path, headers={"If-None-Match": tag}) as page:
            assert page.status == 304
    for path, status in (("/player/..%2f__main__.py", 400), ("/player/nothing.js", 404), ("/player/", 404)):
        assert (await player.refused("GET", path))[0] == status


async def test_any_page_may_call_the_edge(player: Viewer) -> None:
    origin = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    for path in ("/v1/events", "/v/clip1/master.m3u8"):
        async with player.http.options(player.url + path, headers=origin) as answer:
            assert answer.status in (200, 204)
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
    async with player.http.get(f"{player.url}/v1/feed") as answer:
        assert answer.status == 401
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_the_operator_sees_why_a_viewer_sees_what(edge: Edge, player: Viewer) -> None:
    await player.open(user_id="ann")
    await player.swipe(CLIPS[-1])
    async with viewer(edge.admin_url) as operator:
        listed = await operator.call("GET", "/admin/sessions")
        found = await operator.call("GET", f"/admin/sessions/{player.session}")
        status, _ = await operator.refused("GET", "/admin/sessions/nobody")

    assert listed["sessions"][0]["id"] == player.session
    assert found["signals"] == [{"video": CLIPS[-1], "weight": 1.0, "category": "dance"}]
    assert found["queue"][0]["source"] == "fallback_cached"
    assert status == 404
    assert (await player.refused("GET", "/admin/sessions"))[0] == 404


@pytest.mark.parametrize("what", ["url", "tag", "all"])
async def test_the_operator_purges(edge: Edge, player: Viewer, what: str) -> None:
    feed = await player.open()
    url = feed["plan"][0]["url"]
    await eventually(lambda: edge.delivery.media.is_in_memory(url))
    body = {"url": {"url": url}, "tag": {"tag": f"video:{feed['items'][0]['video']}"}, "all": {"all": True}}[
        what
    ]
    async with viewer(edge.admin_url) as operator:
        answer = await operator.call("POST", "/admin/purge", json=body)
        status, _ = await operator.refused("POST", "/admin/purge", json={})

    assert answer["purged"] >= 1
    assert not edge.delivery.media.is_in_memory(url)
    assert status == 400


async def test_a_draining_edge_is_not_ready_and_still_serves(edge: Edge, player: Viewer) -> None:
    await player.open()
    async with viewer(edge.admin_url) as operator:
        await operator.call("POST", "/admin/drain")

    assert (await player.http.get(f"{edge.url}/readyz")).status == 503
    assert (await player.swipe(CLIPS[0]))["items"]


async def test_a_stream_ends_when_the_edge_stops(data_dir: Path) -> None:
    async with aiohttp.ClientSession() as http:
        async with running_edge(make_config(data_dir)) as edge:
            player = Viewer(http, edge.url)
            await player.open()
            stream = await http.get(f"{edge.url}/v1/stream?token={player.token}")
            assert await stream.content.readline() == b"retry: 1000\n"
        assert b"event" not in await stream.content.read()


async def test_a_killed_edge_keeps_its_events_and_a_stopped_one_its_sessions(data_dir: Path) -> None:
    environ = {
        "HEADSTART_EDGE_LISTEN": "127.0.0.1:0",
        "HEADSTART_EDGE_ADMIN_LISTEN": "127.0.0.1:0",
        "HEADSTART_EDGE_DATA_DIR": str(data_dir),
        "HEADSTART_EDGE_EDGE_ID": "edge-t",
        "HEADSTART_NATS_URL": "nats://127.0.0.1:1",
        "HEADSTART_ORIGIN_URL": "http://127.0.0.1:1",
    }
    async with edge_process([], environ) as (process, url), viewer(url) as player:
        assert (data_dir / "edge.url").read_text() == url
        await player.open(user_id="ann")
        await player.post({"id": "e1", "kind": "like", "video": "v1"})
        process.kill()
        await process.wait()
    spooled = list((data_dir / "edge-t" / "spool").glob("*.spool"))
    assert spooled
    assert spooled[0].stat().st_size > 0

    async with edge_process([], environ) as (process, url), viewer(url) as again:
        again.token = player.token
        await again.post({"id": "e2", "kind": "like", "video": "v2"})
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    assert (data_dir / "edge-t" / "sessions.bin").stat().st_size > 0


async def test_without_a_bus_the_edge_is_a_cache_for_any_origin(data_dir: Path, origin: CardOrigin) -> None:
    arguments = ["--origin", origin.url, "--listen", "127.0.0.1:0"]
    path = "/v/clip1/360p-0123456789abcdef/open.mp4"
    async with (
        edge_process(arguments, {"HEADSTART_EDGE_DATA_DIR": str(data_dir)}) as (_, url),
        aiohttp.ClientSession() as http,
    ):
        bodies = [await (await http.get(url + path)).read() for _ in range(3)]

    assert bodies[0] == path.encode() * 20
    assert len(set(bodies)) == 1
    assert origin.requests[path] == 1


def test_a_public_url_that_nothing_can_be_sent_to_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"public_url is 'edge-1:8080', must be http://HOST"):
        Edge(EdgeConfig(public_url="edge-1:8080"))


async def test_a_wrong_setting_is_refused_with_the_nearest_name() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "edge",
        cwd=ROOT,
        env=dict(os.environ) | {"HEADSTART_EDGE_LISTN": "x"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()

    assert process.returncode == 2
    assert b"did you mean HEADSTART_EDGE_LISTEN" in told

"""The demo's clips as real files, and the filling of an installation that is played by a script."""

import asyncio
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from shared.demo.api import Api
from shared.demo.clips import CLIPS, SOUND_OF, WIDTH, Clip
from shared.demo.fill import N_WATCHED, Demo
from shared.demo.journal import Journal
from shared.demo.render import ClipFailed, render, title_image
from shared.errors import Unavailable
from shared.web import RunningServer, serve
from tests.clips import ffmpeg

pytestmark = pytest.mark.timeout(120)


async def described(clip: Path) -> str:
    """What ffmpeg says of a file."""
    process = await asyncio.create_subprocess_exec(
        ffmpeg(), "-hide_banner", "-i", str(clip), stderr=asyncio.subprocess.PIPE
    )
    _, told = await process.communicate()
    return told.decode()


@pytest.mark.parametrize("clip", CLIPS[:8], ids=lambda clip: clip.category)
async def test_a_clip_is_a_vertical_video_with_sound_as_long_as_it_says(clip: Clip, tmp_path: Path) -> None:
    told = await described(await render(clip, tmp_path / "clip.mp4"))
    assert re.search(r"Video: h264.*720x1280.*30 fps", told)
    assert re.search(r"Audio: aac.*44100 Hz", told)
    assert f"Duration: 00:00:{clip.seconds:02d}." in told
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_every_title_fits_on_the_screen() -> None:
    for clip in CLIPS:
        left, _, right, _ = title_image(clip).getbbox() or (0, 0, 0, 0)
        assert 10 < left < right < WIDTH - 10


async def test_a_clip_that_cannot_be_drawn_is_an_error_with_ffmpegs_words(tmp_path: Path) -> None:
    shade = CLIPS[0].shade._replace(colours=("not", "colours"))
    with pytest.raises((ClipFailed, ValueError)):
        await render(CLIPS[0]._replace(shade=shade), tmp_path / "clip.mp4")


class Installation:
    """An origin and an edge in one, that take everything and remember it."""

    def __init__(self) -> None:
        self.videos: list[dict[str, str]] = []
        self.n_sessions = 0
        self.events: Counter[str] = Counter()
        self.refuses_after = len(CLIPS)
        self.asked = Counter[str]()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/videos", self.listing)
        app.router.add_post("/v1/videos", self.upload)
        app.router.add_get("/v1/videos/{id}", self.status)
        app.router.add_post("/v1/sessions", self.session)
        app.router.add_post("/v1/events", self.take)
        return app

    async def listing(self, _: web.Request) -> web.Response:
        return web.json_response({"items": self.videos[:1]})

    async def upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        if len(self.videos) >= self.refuses_after:
            return web.json_response({"detail": "full"}, status=503)
        self.videos.append({name: str(text) for name, text in form.items() if name != "file"})
        return web.json_response({"id": f"video-{len(self.videos)}"}, status=201)

    async def status(self, request: web.Request) -> web.Response:
        """Queued when it is asked for the first time, then complete."""
        video = request.match_info["id"]
        self.asked[video] += 1
        return web.json_response({"status": "queued" if self.asked[video] == 1 else "complete"})

    async def session(self, _: web.Request) -> web.Response:
        self.n_sessions += 1
        return web.json_response({"session": {"token": "t"}}, status=201)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.events.update(event["id"] for event in body["events"])
        assert len(body["events"]) <= 64
        return web.json_response({})


async def draw_nothing(_: Clip, target: Path) -> Path:
    target.write_bytes(b"video")
    return target


async def filled(server: RunningServer, journal: Journal, n_viewers: int = 10) -> tuple[bool, dict[str, int]]:
    """Fill what is wanted; whether anything was, and how far each stage came."""
    stages: dict[str, int] = {}

    def tell(stage: str, count: int) -> None:
        stages[stage] = count

    async with ClientSession() as http:
        demo = Demo(Api(http, server.url, server.url), journal, tell, draw_nothing)
        if not await demo.is_wanted():
            return False, stages
        await demo.upload()
        await demo.follow()
        await demo.watch(n_viewers)
        journal.close()
    return True, stages


async def test_an_empty_installation_is_filled_once(tmp_path: Path) -> None:
    installation = Installation()
    server = await serve(installation.app(), "127.0.0.1:0")
    was_filled, stages = await filled(server, Journal.read(tmp_path / "demo.json"))
    assert was_filled
    assert stages == dict.fromkeys(("drawn", "uploaded", "playable", "complete"), 24) | {"viewers": 10}
    assert len(installation.videos) == 24
    assert installation.n_sessions == 10
    assert len(installation.events) >= 10 * N_WATCHED * 2
    assert set(installation.events.values()) == {1}
    assert await filled(server, Journal.read(tmp_path / "demo.json")) == (False, {})
    await server.stop(1)


async def test_some_videos_play_the_sound_of_one_that_is_playable_by_then(tmp_path: Path) -> None:
    installation = Installation()
    server = await serve(installation.app(), "127.0.0.1:0")
    await filled(server, Journal.read(tmp_path / "demo.json"))
    ids = {video["caption"]: f"video-{n}" for n, video in enumerate(installation.videos, start=1)}
    chosen = {video["caption"]: video["sound"] for video in installation.videos if "sound" in video}
    assert chosen == {user: ids[source] for user, source in SOUND_OF.items()}
    assert all(installation.asked[video] > 1 for video in chosen.values())
    await server.stop(1)


async def test_a_filling_that_was_interrupted_goes_on_where_it_was(tmp_path: Path) -> None:
    installation = Installation()
    installation.refuses_after = 7
    server = await serve(installation.app(), "127.0.0.1:0")
    with pytest.raises(ExceptionGroup) as failure:
        await filled(server, Journal.read(tmp_path / "demo.json"))
    assert failure.group_contains(Unavailable, match="503")
    installation.refuses_after = 100
    assert (await filled(server, Journal.read(tmp_path / "demo.json")))[0]
    captions = [video["caption"] for video in installation.videos]
    assert sorted(captions) == sorted(clip.caption for clip in CLIPS)
    await server.stop(1)


async def test_an_installation_with_videos_of_its_own_is_left_alone(tmp_path: Path) -> None:
    installation: Any = Installation()
    installation.videos = [{"caption": "mine"}]
    server = await serve(installation.app(), "127.0.0.1:0")
    assert await filled(server, Journal.read(tmp_path / "demo.json")) == (False, {})
    await server.stop(1)

"""What is swiped: real reels under many ids behind a real edge with a scripted queue; as files for nginx."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from edge.app import Edge
from origin.packaging.playlist import MEDIA_NAME, master, media
from shared import embedded
from tests.brains import ScriptedBrain
from tests.browser.reels import Reel, reels
from tests.card_origin import IMMUTABLE, CardOrigin
from tests.edge_nodes import make_config, running_edge
from tests.waiting import eventually

N_REELS = 5
CLIP_S = 12
NGINX = """
daemon off; master_process off; pid {root}/nginx.pid; error_log {root}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_timeout 65;
  types {{ video/mp4 mp4 m4s; application/vnd.apple.mpegurl m3u8; }}
  client_body_temp_path {root}/t1; proxy_temp_path {root}/t2; fastcgi_temp_path {root}/t3;
  uwsgi_temp_path {root}/t4; scgi_temp_path {root}/t5;
  server {{ listen 127.0.0.1:{port}; root {root}/files; }}
}}
"""


def shelf(n_videos: int, made: Sequence[Reel] = ()) -> dict[str, Reel]:
    """Videos by id; the same few pictures come again, their URLs do not."""
    made = made or reels(N_REELS, CLIP_S)
    found = {}
    for number in range(n_videos):
        reel, video = made[number % len(made)], f"clip{number:03}"
        card = msgspec.structs.replace(reel.card, id=video, creator_id=f"maker{number:03}", created_ms=number)
        playlists = {"master.m3u8": master(card.rungs).encode()}
        for rung in card.rungs:
            text = media(rung.init_bytes, rung.chunk_bytes, rung.chunk_ms)
            playlists[f"{rung.path}/{MEDIA_NAME}"] = text.encode()
        found[video] = Reel(card, reel.files | playlists)
    return found


class ShelfOrigin(CardOrigin):
    """An origin whose media are the reels' bytes."""

    def __init__(self, videos: dict[str, Reel]) -> None:
        super().__init__()
        self._videos = videos
        for reel in videos.values():
            self.publish(reel.card)

    async def _media(self, request: web.Request) -> web.Response:
        reel = self._videos.get(request.match_info["video"])
        body = reel.files.get(request.match_info["path"]) if reel else None
        if body is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": IMMUTABLE, "ETag": f'"{hash(body)}"', "Content-Type": _type(request.path)}
        return web.Response(body=body, headers=headers)


@contextlib.asynccontextmanager
async def node(
    videos: dict[str, Reel], data_dir: Path, origin: ShelfOrigin | None = None
) -> AsyncIterator[Edge]:
    """An edge whose queue is the shelf in its order."""
    nats = await embedded.nats_server(data_dir / "nats", {})
    origin = origin or ShelfOrigin(videos)
    await origin.start()
    brain = await ScriptedBrain.start(nats.url)
    brain.ranking = list(videos)
    config = make_config(data_dir / "edge", nats_url=nats.url, origin_url=origin.url)
    async with running_edge(config) as running:
        await eventually(lambda: running.health.readiness()[1]["nats"] == "ok", within_s=30)
        yield running
    await brain.close()
    await origin.stop()
    await nats.stop()


@contextlib.asynccontextmanager
async def edge(
    videos: dict[str, Reel], data_dir: Path, origin: ShelfOrigin | None = None
) -> AsyncIterator[str]:
    """URL of such an edge."""
    async with node(videos, data_dir, origin) as running:
        yield running.url


@contextlib.asynccontextmanager
async def nginx(videos: dict[str, Reel], root: Path, port: int) -> AsyncIterator[str]:
    """URL of an nginx with the same files."""
    for video, reel in videos.items():
        for path, body in reel.files.items():
            file = root / "files/v" / video / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
    (root / "nginx.conf").write_text(NGINX.format(root=root, port=port))
    process = await asyncio.create_subprocess_exec("nginx", "-p", str(root), "-c", "nginx.conf")
    try:
        await eventually(lambda: _answers(port), within_s=20)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _answers(port: int) -> Any:
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True
    return False


def _type(path: str) -> str:
    return "application/vnd.apple.mpegurl" if path.endswith(".m3u8") else "video/mp4"

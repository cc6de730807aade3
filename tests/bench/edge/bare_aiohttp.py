"""Peer of the edge's bench: aiohttp on uvloop with `web.Response(body=bytes)`, nothing else.

`bare_aiohttp.py PORT_FILE BODY_FILE…`: the last segment of the path names the file.
"""

import asyncio
import sys
from pathlib import Path

import uvloop
from aiohttp import web

HEADERS = {"Cache-Control": "public, max-age=36000", "ETag": '"bench"', "Content-Type": "video/mp4"}


async def serve(port_file: Path, bodies: dict[str, bytes]) -> None:
    """Listen on a free port, tell it, run until killed."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=bodies[request.match_info["name"]], headers=HEADERS)

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    port_file.write_text(str(runner.addresses[0][1]))
    await asyncio.Event().wait()


if __name__ == "__main__":
    files = [Path(name) for name in sys.argv[2:]]
    uvloop.run(serve(Path(sys.argv[1]), {file.name: file.read_bytes() for file in files}))

"""Peer and origin of the edge's bench: aiohttp on uvloop with `web.Response(body=bytes)`, nothing else.

`bare_aiohttp.py PORT_FILE`: `/N` answers N bytes.
"""

import asyncio
import sys
from pathlib import Path

import uvloop
from aiohttp import web

SIZES = (1024, 64 * 1024, 256 * 1024, 1024 * 1024)
BODIES = {str(size): bytes(size) for size in SIZES}
HEADERS = {"Cache-Control": "public, max-age=3600", "ETag": '"bench"', "Content-Type": "video/mp4"}


async def answer(request: web.Request) -> web.Response:
    """The body of the size that the path names."""
    return web.Response(body=BODIES[request.match_info["size"]], headers=HEADERS)


async def serve(port_file: Path) -> None:
    """Listen on a free port, tell it, run until killed."""
    app = web.Application()
    app.router.add_get("/{size}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port_file.write_text(str(runner.addresses[0][1]))
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1])))

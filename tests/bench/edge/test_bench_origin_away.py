"""The origin stops (SIGSTOP), goes on, and dies: how long viewers wait for what may stand in for it.

Run as a file it is the origin: every path is 64 KiB, fresh for a second, with stale-if-error.
"""

import asyncio
import http.client
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import pytest
from aiohttp import web

from tests.bench import report
from tests.origins import EdgeProcess

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

N_ROUNDS = 10
N_OBJECTS = 20
STALE_S = 2.1
BODY = bytes(64 * 1024)
TOLD = {"Cache-Control": "max-age=1, stale-if-error=999", "ETag": '"one"'}
Row = dict[str, float]


async def answer(request: web.BaseRequest) -> web.Response:
    """The same for every path."""
    if request.headers.get("If-None-Match") == TOLD["ETag"]:
        return web.Response(status=304, headers=TOLD)
    return web.Response(body=BODY, headers=TOLD)


async def serve() -> None:
    """Be the origin, and print the port."""
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


@asynccontextmanager
async def origin() -> AsyncIterator[tuple[str, int]]:
    """A process of its own: its URL and pid."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, stdout=PIPE, env=os.environ | {"PYTHONPATH": str(report.ROOT)}
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}", process.pid
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def asked_ms(edge: http.client.HTTPConnection, number: int) -> float:
    """How long a whole answer takes; it must be the right one."""
    began = time.perf_counter()
    edge.request("GET", f"/{number}")
    told = edge.getresponse()
    assert (told.status, told.read()) == (200, BODY)
    return (time.perf_counter() - began) * 1000


def row(took_ms: list[float]) -> Row:
    return {"median ms": median(took_ms), "worst ms": max(took_ms)}


async def test_viewers_of_stale_objects_while_the_origin_is_away(tmp_path: Path) -> None:
    first, second, others = [], [], []
    async with origin() as (url, pid):
        edge = EdgeProcess(url, tmp_path)
        viewer = http.client.HTTPConnection((await edge.start()).url.removeprefix("http://"))
        for number in range(N_OBJECTS):
            asked_ms(viewer, number)
        for _ in range(N_ROUNDS):
            await asyncio.sleep(STALE_S)
            os.kill(pid, signal.SIGSTOP)
            took = [asked_ms(viewer, number) for number in range(N_OBJECTS)]
            os.kill(pid, signal.SIGCONT)
            first.append(took[0])
            second.append(took[1])
            others += took[2:]
            await asyncio.sleep(0.2)  # the origin answers what it took while it was stopped
            for number in range(N_OBJECTS):
                asked_ms(viewer, number)
        await asyncio.sleep(STALE_S)
        os.kill(pid, signal.SIGKILL)
        down = [asked_ms(viewer, number) for number in range(N_OBJECTS)]
        viewer.close()
        await edge.stop()
    report.write(
        "origin_away",
        {
            "stopped: first viewer": row(first),
            "stopped: second object": row(second),
            "stopped: the others": row(others),
            "dead: first viewer": row(down[:1]),
            "dead: the others": row(down[1:]),
        },
    )


if __name__ == "__main__":
    asyncio.run(serve())

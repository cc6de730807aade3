"""`python -m edge --origin URL --listen HOST:PORT`: a caching proxy that needs no bus."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from shared.leash import leashed
from tests.stack import ROOT
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]


@pytest.fixture
async def asked() -> list[str]:
    """The paths that the origin was asked for."""
    return []


@pytest.fixture
async def origin(asked: list[str]) -> AsyncIterator[str]:
    """An HTTP origin that is not ours."""

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(body=b"x" * 1000, headers={"Cache-Control": "max-age=60", "ETag": '"one"'})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
async def edge(origin: str, free_port: int, tmp_path: Path) -> AsyncIterator[str]:
    """The edge in front of it, as a process, in an empty folder and environment."""
    arguments = ["-m", "edge", "--origin", origin, "--listen", f"127.0.0.1:{free_port}"]
    with (tmp_path / "edge.jsonl").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *leashed([sys.executable, *arguments]), cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, stderr=log
        )
    url = f"http://127.0.0.1:{free_port}"

    async def answers() -> bool:
        assert process.returncode is None, (tmp_path / "edge.jsonl").read_text()
        try:
            async with aiohttp.ClientSession() as http, http.get(f"{url}/warm-up") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    await eventually(answers, within_s=20)
    yield url
    process.terminate()
    assert await process.wait() == 0


async def test_the_second_request_for_an_object_is_not_the_origins(
    edge: str, asked: list[str], http: aiohttp.ClientSession
) -> None:
    for expected in ("fwd=uri-miss", "hit"):
        async with http.get(f"{edge}/any/path.bin") as answer:
            assert answer.status == 200
            assert len(await answer.read()) == 1000
            assert expected in answer.headers["Cache-Status"]
    assert asked.count("/any/path.bin") == 1


async def test_ranges_and_validators_are_answered_from_the_cache(
    edge: str, asked: list[str], http: aiohttp.ClientSession
) -> None:
    await (await http.get(f"{edge}/part.bin")).read()
    async with http.get(f"{edge}/part.bin", headers={"Range": "bytes=10-19"}) as answer:
        assert (answer.status, answer.headers["Content-Range"]) == (206, "bytes 10-19/1000")
    async with http.get(f"{edge}/part.bin", headers={"If-None-Match": '"one"'}) as answer:
        assert answer.status == 304
    assert asked.count("/part.bin") == 1

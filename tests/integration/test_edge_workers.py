"""Several serving processes as an operator starts them: one disk tier, one purge view, unfelt restarts."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from edge.handlers.signed import Gate, SignedLimits
from edge.workers.supervisor import Supervision, bound
from shared.clock import SystemClock
from tests.certificates import client_context, self_signed
from tests.origins import Reply, ScriptedOrigin
from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
N_CONNECTIONS = 24
"""Enough that the kernel gives some to each process."""


class Supervised:
    """`python -m edge` with workers, and what its clients see."""

    def __init__(self, origin_url: str, data_dir: Path, **environ: str) -> None:
        self._origin_url = origin_url
        self._data_dir = data_dir
        self._environ = environ
        self.url = self.admin = ""

    async def start(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HEADSTART_")}
        listen = ("--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0")
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "edge", "--origin", self._origin_url, *listen),
            env={**kept, "HEADSTART_DATA_DIR": str(self._data_dir), "PYTHONPATH": str(ROOT), **self._environ},
            stderr=asyncio.subprocess.PIPE,
        )
        await self.said('"supervising"')
        self.url = (self._data_dir / "edge-alone.url").read_text()
        self.admin = (self._data_dir / "edge-alone-admin.url").read_text()

    async def said(self, what: str) -> None:
        """Read the log up to the line that has this."""
        assert self.process.stderr is not None
        async with asyncio.timeout(60):
            while what not in (line := (await self.process.stderr.readline()).decode()):
                assert line, f"ended before it said {what}"

    def children(self) -> list[int]:
        """The serving processes, the oldest first."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return sorted(map(int, found.split()))

    async def stop(self) -> int:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        _, status = await asyncio.gather(self.process.communicate(), self.process.wait())
        return status


async def fetch(url: str) -> tuple[int, bytes, str]:
    """Over a connection of its own: any of the processes answers."""
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, await answer.read(), answer.headers.get("Cache-Status", "")


async def everywhere(url: str) -> list[tuple[int, bytes, str]]:
    return [await fetch(url) for _ in range(N_CONNECTIONS)]


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as started:
        started.replies["*"] = lambda request: Reply(body=request.path_qs.encode() * 9000)
        yield started


@asynccontextmanager
async def supervised(origin: ScriptedOrigin, data_dir: Path, **environ: str) -> AsyncIterator[Supervised]:
    edge = Supervised(origin.url, data_dir, **environ)
    try:
        await edge.start()
        yield edge
    finally:
        await edge.stop()


@pytest.fixture
async def edge(origin: ScriptedOrigin, data_dir: Path) -> AsyncIterator[Supervised]:
    async with supervised(origin, data_dir, HEADSTART_EDGE_WORKERS="3") as running:
        yield running


async def test_all_processes_share_one_fetch_from_the_origin(
    edge: Supervised, origin: ScriptedOrigin
) -> None:
    answers = await everywhere(f"{edge.url}/v/1/open.mp4")

    assert {(status, body) for status, body, _ in answers} == {(200, b"/v/1/open.mp4" * 9000)}
    assert origin.n_seen("/v/1/open.mp4") == 1
    assert len(edge.children()) == 3
    assert len({status.count("headstart-edge;") for _, _, status in answers}) == 2


async def test_a_purge_is_done_when_every_process_has_done_it(
    edge: Supervised, origin: ScriptedOrigin
) -> None:
    await everywhere(f"{edge.url}/v/1/open.mp4")
    origin.replies["*"] = Reply(body=b"new")
    asked = {"url": "/v/1/open.mp4"}
    async with aiohttp.ClientSession() as http, http.post(f"{edge.admin}/admin/purge", json=asked) as answer:
        assert answer.status == 200

    answers = await everywhere(f"{edge.url}/v/1/open.mp4")

    assert {body for _, body, _ in answers} == {b"new"}


async def test_a_change_through_one_process_is_seen_by_all(edge: Supervised, origin: ScriptedOrigin) -> None:
    await everywhere(f"{edge.url}/page")
    origin.replies["*"] = Reply(body=b"new", headers={"Cache-Control": "max-age=60"})
    async with aiohttp.ClientSession() as http, http.post(f"{edge.url}/page", data=b"x") as answer:
        assert answer.status == 200

    async def all_see_it() -> bool:
        return {body for _, body, _ in await everywhere(f"{edge.url}/page")} == {b"new"}

    await eventually(all_see_it)


@pytest.mark.parametrize(("allowed", "statuses"), [("127.0.0.0/8", {200}), ("10.0.0.0/8", {403})])
async def test_the_method_purge_is_judged_alike_in_every_process(
    origin: ScriptedOrigin, data_dir: Path, allowed: str, statuses: set[int]
) -> None:
    told = {"HEADSTART_EDGE_PURGE_METHOD_FROM": allowed}
    async with supervised(origin, data_dir, HEADSTART_EDGE_WORKERS="3", **told) as edge:
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as http:
            seen = set()
            for _ in range(N_CONNECTIONS):
                async with http.request("PURGE", f"{edge.url}/v/1/open.mp4") as answer:
                    seen.add(answer.status)

    assert seen == statuses
    assert origin.seen == []


async def test_a_process_that_is_killed_comes_back(edge: Supervised) -> None:
    before = edge.children()
    for pid in before:
        os.kill(pid, signal.SIGKILL)

    await eventually(
        lambda: len(edge.children()) == 3 and not set(edge.children()) & set(before), within_s=30
    )

    assert (await fetch(f"{edge.url}/v/1/open.mp4"))[0] == 200


async def test_nobody_outlives_a_supervisor_that_is_killed(edge: Supervised) -> None:
    children = edge.children()
    edge.process.kill()
    await edge.process.wait()

    await eventually(lambda: not any(is_alive(pid) for pid in children))


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_restart_fails_no_request(
    origin: ScriptedOrigin, data_dir: Path, workers: str, scheme: str
) -> None:
    told = {"HEADSTART_EDGE_WORKERS": workers, "HEADSTART_EDGE_IS_SUPERVISED": "true"}
    if scheme == "https":
        names = ("HEADSTART_EDGE_LISTENING_TLS_CERT", "HEADSTART_EDGE_LISTENING_TLS_KEY")
        told |= dict(zip(names, self_signed(), strict=True))
    async with supervised(origin, data_dir, **told) as edge:
        assert edge.url.startswith(f"{scheme}://")
        before, stop, counts = edge.children(), asyncio.Event(), []
        clients = [
            asyncio.create_task(watch(f"{edge.url}/v/{n}/open.mp4", stop, is_new=n % 2 == 0))
            for n in range(8)
        ]
        edge.process.send_signal(signal.SIGHUP)
        await edge.said('"restarted"')
        stop.set()
        counts = await asyncio.gather(*clients)

        assert not set(edge.children()) & set(before)
        assert min(counts) > 0


async def test_an_answer_under_way_outlives_a_restart(origin: ScriptedOrigin, data_dir: Path) -> None:
    gate = asyncio.Event()
    origin.replies["/slow"] = Reply(body=b"s" * 100_000, body_gate=gate)
    async with supervised(origin, data_dir, HEADSTART_EDGE_WORKERS="2") as edge:
        asking = asyncio.create_task(fetch(f"{edge.url}/slow"))
        await eventually(lambda: origin.n_seen("/slow") == 1)
        edge.process.send_signal(signal.SIGHUP)
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(1.5, gate.set)

        status, body, _ = await asking

        assert (status, body) == (200, b"s" * 100_000)
        await edge.said('"restarted"')


async def watch(url: str, stop: asyncio.Event, *, is_new: bool) -> int:
    """Ask again and again, over one connection or over a new one each time; any failure is raised."""
    n_asked = 0
    connector = aiohttp.TCPConnector(force_close=is_new, ssl=client_context())
    async with aiohttp.ClientSession(connector=connector) as http:
        while not stop.is_set():
            async with http.get(url) as answer:
                assert answer.status == 200
                await answer.read()
            n_asked += 1
            await asyncio.sleep(0.02)  # a viewer's pace: it must not starve who is watched
    return n_asked


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


async def test_a_lone_edge_that_wants_signatures_has_them_in_every_process(
    origin: ScriptedOrigin, data_dir: Path
) -> None:
    told = {
        "HEADSTART_EDGE_SIGNED_MODE": "required",
        "HEADSTART_EDGE_SIGNED_KEYS": "one:a-secret-of-some-length",
    }
    signer = Gate(SignedLimits(mode="required", keys=("one:a-secret-of-some-length",)))
    async with supervised(origin, data_dir, HEADSTART_EDGE_WORKERS="2", **told) as edge:
        signed = f"{edge.url}{signer.media_base('one', SystemClock().wall_ms() / 1000)}open.mp4"

        assert {status for status, _, _ in await everywhere(signed)} == {200}
        assert {status for status, _, _ in await everywhere(f"{edge.url}/v/one/open.mp4")} == {403}
        assert [request.path_qs for request in origin.seen] == ["/v/one/open.mp4"]


def test_an_address_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        for n_workers in (1, 2):
            with pytest.raises(OSError, match=f"cannot listen on {listen}: Address already in use"):
                bound(Supervision(listen, n_workers, 1.0, ()))

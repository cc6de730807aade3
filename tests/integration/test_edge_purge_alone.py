"""The standalone cache: purged by its operator or the method PURGE; softly; quickly; for good."""

import asyncio
import errno
import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from typer.testing import CliRunner

from edge.cache.files import ObjectFiles
from edge.cache.key import primary_key
from edge.cache.tags import Purge
from edge.cache.tiers import PURGE_BATCH
from edge.handlers.purge import may_purge, networks
from edge.handlers.warm import Warmth
from edge.purge.desk import LocalDesk
from edge.purge.node import PurgeLimits
from edge.standalone import _purge_handler
from shared.cli.__main__ import app
from shared.clock import SystemClock
from shared.errors import ConfigError
from shared.messages.purge import PurgeOrder, PurgeScope
from tests.edge_cache_builders import FakeClock, make_entry
from tests.origins import FRESH, PLAIN, Client, EdgeProcess, Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually

FREE = "127.0.0.1:0"
ORDER = PurgeOrder(id="o", scope=PurgeScope.TAG, value="video:1", issuer="alone", at_ms=1)
STALE_OK = {"Cache-Control": "max-age=60, stale-while-revalidate=60, stale-if-error=60", "ETag": '"one"'}


def revalidated(request: web.BaseRequest) -> Reply:
    if request.headers.get("If-None-Match") == '"one"':
        return Reply(status=304, headers=FRESH)
    return Reply(b"opening", headers=FRESH)


def now_ms(edge: RunningEdge) -> int:
    return edge.delivery.media._clock.wall_ms()


async def softly(edge: RunningEdge, purge: Purge) -> int:
    return await edge.delivery.purges.purge(replace(purge, is_soft=True, at_ms=now_ms(edge)))


async def test_a_soft_purge_asks_the_origin_before_the_object_is_used_again(origin: ScriptedOrigin) -> None:
    origin.replies["/a"] = revalidated
    async with running_edge(origin.url) as edge:
        await edge.ask("/a")
        assert await softly(edge, Purge(primary=primary_key("/a"))) == 1

        answer = await edge.ask("/a")

        assert (answer.body, origin.n_seen()) == (b"opening", 2)
        assert "fwd=stale; fwd-status=304" in answer.cache_status
        assert "; hit" in (await edge.ask("/a")).headers["Cache-Status"]
        assert origin.n_seen() == 2


async def test_a_soft_purged_object_stands_in_for_an_origin_that_is_away(origin: ScriptedOrigin) -> None:
    origin.replies["/a"] = Reply(b"opening", headers={"Cache-Control": "max-age=60, stale-if-error=60"})
    origin.replies["/strict"] = Reply(b"strict", headers={"Cache-Control": "max-age=60, must-revalidate"})
    async with running_edge(origin.url) as edge:
        for path in ("/a", "/strict"):
            await edge.ask(path)
        await softly(edge, Purge())
        await origin.stop()

        assert (await edge.ask("/a")).body == b"opening"
        assert (await edge.ask("/strict")).status >= 500


async def test_a_soft_purged_object_is_served_while_it_is_validated_if_it_says_so(
    origin: ScriptedOrigin,
) -> None:
    origin.replies["/a"] = [Reply(b"old", headers=STALE_OK), Reply(b"new", headers=STALE_OK)]
    async with running_edge(origin.url) as edge:
        await edge.ask("/a")
        await softly(edge, Purge(primary=primary_key("/a")))

        assert (await edge.ask("/a")).body == b"old"
        await eventually(lambda: origin.n_seen() == 2)

        async def is_new() -> bool:
            return (await edge.ask("/a")).body == b"new"

        await eventually(is_new)


async def test_a_soft_purge_reaches_what_is_only_on_disk(origin: ScriptedOrigin, tmp_path: Path) -> None:
    origin.replies["/a"] = revalidated
    async with running_edge(origin.url, tmp_path) as edge:
        await edge.ask("/a")
        disk = edge.delivery.cache.disk
        assert disk is not None
        await eventually(lambda: "/a" in disk and not disk.n_writing)
        edge.delivery.cache.memory.remove("/a")

        assert await softly(edge, Purge()) == 1

        assert "fwd=stale" in (await edge.ask("/a")).cache_status


async def test_a_file_that_comes_back_after_a_purge_is_not_served(
    origin: ScriptedOrigin, tmp_path: Path
) -> None:
    """A power cut may bring back what was deleted: the purge is on the medium, the deletion is not."""
    origin.replies["/a"] = Reply(b"opening", headers=FRESH)
    async with running_edge(origin.url, tmp_path) as edge:
        await edge.ask("/a")
        disk = edge.delivery.cache.disk
        assert disk is not None
        await eventually(lambda: not disk.n_writing)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    async with running_edge(origin.url, tmp_path) as edge:
        await edge.delivery.purges.purge(Purge(at_ms=now_ms(edge)))
        await edge.delivery.purges.keep()
    for path, data in before.items():
        if path.name != "purges.bin":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    async with running_edge(origin.url, tmp_path) as edge:
        assert "/a" in (edge.delivery.cache.disk or ())
        await edge.ask("/a")

    assert origin.n_seen() == 2


async def test_a_disk_that_refuses_to_delete_brings_nothing_back(
    origin: ScriptedOrigin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: ObjectFiles, numbers: object) -> None:
        raise OSError(errno.EIO, "no")

    origin.replies["*"] = Reply(b"opening", headers=FRESH | {"Surrogate-Key": "video:1"})
    async with running_edge(origin.url, tmp_path) as edge:
        for path in ("/a", "/b"):
            await edge.ask(path)
        disk = edge.delivery.cache.disk
        assert disk is not None
        await eventually(lambda: not disk.n_writing)
        with monkeypatch.context() as broken:
            broken.setattr(ObjectFiles, "remove", refuse)
            await edge.delivery.purges.purge(Purge(tag="video:1", at_ms=now_ms(edge)))
            await edge.delivery.purges.keep()
        assert not edge.delivery.media.is_in_memory("/a")

    async with running_edge(origin.url, tmp_path) as edge:
        await edge.ask("/a")

    assert origin.n_seen("/a") == 2


async def test_a_closed_gate_is_told_after_its_limit(origin: ScriptedOrigin) -> None:
    origin.replies["/a"] = Reply(b"opening", headers=FRESH)
    async with running_edge(origin.url) as edge:
        await edge.ask("/a")
        edge.delivery.cache.gate.close(0.05)

        answer = await edge.ask("/a")

        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert json.loads(answer.body)["type"] == "urn:headstart:problem:purges_replayed"
        assert (await edge.delivery.media.warm("/a")).source is Warmth.FAILED
        edge.delivery.cache.gate.open()
        assert (await edge.ask("/a")).status == 200


async def test_a_purge_is_done_when_the_workers_have_done_it(origin: ScriptedOrigin) -> None:
    async with running_edge(origin.url) as edge:
        gate, heard = asyncio.Event(), list[Purge]()

        async def worker(purge: Purge) -> int:
            heard.append(purge)
            await gate.wait()
            return 1

        edge.delivery.purges.listeners.append(worker)
        issuing = asyncio.create_task(LocalDesk(edge.delivery.purges, SystemClock()).issue(ORDER, 0))
        await eventually(lambda: heard)
        assert not issuing.done()

        gate.set()
        report = await issuing
        assert report.is_complete and heard[0].tag == "video:1"


@pytest.mark.parametrize("soft", [False, True])
async def test_a_purge_outlives_a_kill_right_after_its_receipt(
    origin: ScriptedOrigin, tmp_path: Path, soft: bool
) -> None:
    origin.replies["*"] = revalidated
    process = EdgeProcess(origin.url, tmp_path, arguments=("--admin-listen", FREE))
    client = await process.start()
    for path in ("/a", "/b"):
        await client.ask(path)
    folder = tmp_path / "edge-alone" / "cache"
    await eventually(lambda: len(list(folder.rglob("*.obj"))) >= 2 or None)
    operator = Client((tmp_path / "edge-alone-admin.url").read_text())
    answer = await operator.ask("/admin/purge", "POST", json.dumps({"url": "/a", "soft": soft}).encode())
    await process.stop(signal.SIGKILL)
    await operator.close()
    assert json.loads(answer.body)["purged"] == 1

    client = await process.start()
    assert "; hit" in (await client.ask("/b")).headers["Cache-Status"]
    assert "; hit" not in (await client.ask("/a")).headers["Cache-Status"]
    assert await process.stop() == 0


async def test_the_method_purge_is_the_origins_unless_it_is_turned_on(origin: ScriptedOrigin) -> None:
    origin.replies["/a"] = Reply(b"opening", headers=FRESH)
    async with running_edge(origin.url) as edge:
        await edge.ask("/a")
        _purge_handler(edge.delivery, PurgeLimits())
        await edge.ask("/a", method="PURGE")
        assert [request.method for request in origin.seen] == ["GET", "PURGE"]

        _purge_handler(edge.delivery, PurgeLimits(method_from="10.0.0.0/8"))
        assert (await edge.ask("/a", method="PURGE")).status == 403

        _purge_handler(edge.delivery, PurgeLimits(method_from="10.0.0.0/8, 127.0.0.1"))
        await edge.ask("/a")
        answer = await edge.ask("/a", method="PURGE")
        assert (answer.status, json.loads(answer.body)["purged"]) == (200, 1)
        assert not edge.delivery.media.is_in_memory("/a")
        await edge.ask("/a")
        assert json.loads((await edge.ask("/a", method="PURGE", Purge_Mode="soft")).body)["soft"]
        assert edge.delivery.media.is_in_memory("/a")


@pytest.mark.parametrize(
    ("remote", "is_allowed"),
    [("10.1.2.3", True), ("::ffff:10.1.2.3", True), ("fd00::1", True), ("11.0.0.1", False), ("", False)],
)
def test_addresses_are_judged_by_network(remote: str, is_allowed: bool) -> None:
    assert may_purge(remote, networks("10.0.0.0/8,fd00::/8")) is is_allowed
    with pytest.raises(ConfigError, match=r"purge\.method_from: 'nonsense'"):
        networks("10.0.0.0/8,nonsense")


async def test_the_operator_purges_a_cache_that_is_alone_and_sees_a_receipt(
    origin: ScriptedOrigin, tmp_path: Path
) -> None:
    origin.replies["*"] = Reply(b"opening", headers=FRESH | {"Surrogate-Key": "video:1 creator:ann"})
    process = EdgeProcess(origin.url, tmp_path, arguments=("--admin-listen", FREE))
    client = await process.start()
    admin = (tmp_path / "edge-alone-admin.url").read_text()
    try:
        for path in ("/a", "/b"):
            await client.ask(path)
        done = await asyncio.to_thread(
            CliRunner().invoke, app, ["purge", "--creator", "ann", "--admin", admin], env={"COLUMNS": "120"}
        )
        assert done.exit_code == 0, done.output
        assert "purged 2 objects on 1 of 1 nodes" in done.output
        await client.ask("/a")
        assert origin.n_seen("/a") == 2
    finally:
        assert await process.stop() == 0


@pytest.mark.parametrize("soft", [False, True])
async def test_ten_thousand_objects_go_without_holding_up_anybody(tmp_path: Path, soft: bool) -> None:
    limits = replace(PLAIN, memory_bytes=256 * 1024**2)
    async with running_edge("http://127.0.0.1:1", tmp_path, limits=limits, clock=FakeClock()) as edge:
        cache = edge.delivery.cache
        for number in range(10_000):
            cache.store(make_entry(f"/{number}", b"x" * 1000, Surrogate_Key="video:1"), cache.revision)
            if number % 500 == 0:
                await asyncio.sleep(0)
        cache.store(make_entry("/other", Surrogate_Key="video:10"), cache.revision)
        assert cache.disk is not None
        await eventually(lambda: not cache.disk or not cache.disk.n_writing, within_s=60)
        n_turns = 0

        async def others() -> None:
            nonlocal n_turns
            while True:
                await asyncio.sleep(0)
                n_turns += 1

        running = asyncio.create_task(others())
        n_purged = await cache.purge(
            Purge(tag="video:1", is_soft=soft, at_ms=edge.delivery.media._clock.wall_ms())
        )
        running.cancel()

        assert n_purged == 10_000
        assert n_turns >= 10_000 // PURGE_BATCH
        assert cache.memory.peek("/other") is not None

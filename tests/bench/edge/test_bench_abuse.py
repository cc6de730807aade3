"""`make bench-abuse`: what hits cost their viewers while others attack, and what is left of it afterwards.

The edge, the attackers and the probe are processes of their own. Each attack is repeated until memory is
flat: the first rounds fill pools, to the most that came at once. What never gets flat leaks.
"""

import asyncio
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path

import pytest

from tests.abuse import ATTACKS, Address
from tests.bench import report
from tests.origins import ROOT, EdgeProcess, Reply, ScriptedOrigin
from tests.waiting import eventually

N = {"slow_loris": 500, "disconnects": 10_000, "pipelined": 10_000, "large_heads": 2_000, "busting": 10_000}
MAX_ROUNDS = 8
P99_MS = 20.0
GROWTH_BYTES = 8 * 1024 * 1024
"""More memory after an attack than after the former one of its kind is not flat."""
N_KEPT = 128 + 64
"""Descriptors that may stay: the pool of connections to the origin, files of hot bodies."""
N_MORE = 48
"""More descriptors after the last attack of a kind than after the first are a leak."""
LONGEST_S = 120.0
LONG = {"Cache-Control": "max-age=3600"}


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as origin:
        origin.replies["*"] = Reply(bytes(1024 * 1024))
        origin.replies["/hot"] = Reply(b"hot" * 1000, headers=LONG)
        origin.replies["/v/one/open.mp4"] = Reply(b"opening" * 1000, headers=LONG)
        yield origin


def n_descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def rss_bytes(pid: int) -> int:
    (line,) = (one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


async def probed(address: Address, during: Awaitable[object]) -> list[float]:
    """Milliseconds of hits on one connection from a process of its own, until `during` is over."""
    probe = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.abuse", "probe", address[0], str(address[1]), "0"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(LONGEST_S):
            await during
            told, _ = await probe.communicate(b"")  # which ends its input
            return [float(line) for line in told.split()]
    finally:
        if probe.returncode is None:
            probe.kill()
            await probe.wait()


async def attacked(address: Address, name: str) -> list[float]:
    """The probe's figures during one attack."""
    attack = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.abuse", name, address[0], str(address[1]), str(N[name])), cwd=ROOT
    )
    try:
        return await probed(address, attack.wait())
    finally:
        if attack.returncode is None:
            attack.kill()
            await attack.wait()


def figures(took_ms: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(took_ms, n=1000)
    return {"n": len(took_ms), "p50_ms": round(cuts[499], 3), "p99_ms": round(cuts[989], 3)}


@pytest.mark.bench
@pytest.mark.timeout(900)
async def test_hits_stay_fast_and_nothing_is_left_behind(origin: ScriptedOrigin, data_dir: Path) -> None:
    settings = data_dir / "edge.toml"
    settings.write_text('[cache]\nquery_ignored = ["bust"]\n')
    edge = EdgeProcess(origin.url, data_dir, arguments=("--config", str(settings)))
    rows: dict[str, dict[str, float]] = {}
    try:
        client = await edge.start()
        for path in ("/hot", "/big", "/v/one/open.mp4"):
            await client.ask(path)
        await client.close()
        host, port = client.url.removeprefix("http://").split(":")
        address = (host, int(port))
        before = n_descriptors(edge.pid)
        rows["nobody"] = figures(await probed(address, asyncio.sleep(3.0)))
        for name in ATTACKS:
            rss: list[int] = []
            descriptors: list[int] = []
            while len(rss) < 2 or (rss[-1] - rss[-2] > GROWTH_BYTES and len(rss) < MAX_ROUNDS):
                row = figures(await attacked(address, name))
                await eventually(lambda: n_descriptors(edge.pid) <= before + N_KEPT, within_s=30)
                rss.append(rss_bytes(edge.pid))
                descriptors.append(n_descriptors(edge.pid))
                rows[name] = row if name not in rows else max(rows[name], row, key=lambda one: one["p99_ms"])
            rows[name] |= {
                "left_fds": descriptors[-1] - before,
                "more_fds": descriptors[-1] - descriptors[0],
                "grown_bytes": rss[-1] - rss[-2],
                "rounds": len(rss),
            }
    finally:
        await edge.stop()
    report.write("edge_abuse", rows)
    assert origin.n_seen("/v/one/open.mp4") == 1
    assert {
        name: row["grown_bytes"] for name, row in rows.items() if row.get("grown_bytes", 0) > GROWTH_BYTES
    } == {}
    assert {name: n for name, row in rows.items() if (n := row.get("more_fds", 0)) > N_MORE} == {}
    assert {name: row["p99_ms"] for name, row in rows.items() if row["p99_ms"] > P99_MS} == {}

"""A thousand cold clients for one object of a slow origin: one request, and how soon each has bytes."""

import asyncio
import json
import os
import random
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.bench import report
from tests.origins import EdgeProcess
from tests.waiting import eventually

pytestmark = pytest.mark.bench

PEER = str(Path(__file__).with_name("flight_peer.py"))
N_CLIENTS = 1000
BODY_BYTES = 1024 * 1024
FIRST_S, BODY_S = 0.2, 1.0
JOIN_S = 0.6
TICKS = os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def slow_origin(folder: Path, body: Path) -> AsyncIterator[tuple[str, Process]]:
    told = folder / "origin.port"
    arguments = (PEER, "origin", str(body), str(told), str(FIRST_S), str(BODY_S))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE, stderr=DEVNULL)
    try:
        port = await eventually(lambda: told.exists() and told.read_text(), within_s=20)
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def cpu_ms(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS * 1000


def pinned(pid: int, number: int) -> None:
    """A core for the edge, the others for its peers."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[0]} if number == 0 else set(cores[1:]))


def at(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))]


async def test_a_thousand_cold_clients_are_one_request(tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(random.Random(1).randbytes(BODY_BYTES))
    async with slow_origin(tmp_path, body) as (url, origin):
        edge = EdgeProcess(url, tmp_path / "data")
        (tmp_path / "data").mkdir()
        client = await edge.start()
        try:
            pinned(edge.pid, 0)
            pinned(origin.pid, 1)
            before_ms = cpu_ms(edge.pid)
            port = client.url.rpartition(":")[2]
            arguments = (PEER, "clients", str(body), port, str(N_CLIENTS), str(JOIN_S))
            clients = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=PIPE)
            pinned(clients.pid, 1)
            out, _ = await clients.communicate()
            spent_ms = cpu_ms(edge.pid) - before_ms
        finally:
            await edge.stop()
        origin.kill()
        assert origin.stdout is not None
        n_requests = (await origin.stdout.read()).count(b"request")
    took = json.loads(out)

    first, last = took["first_ms"], took["last_ms"]
    row = {
        "origin requests": float(n_requests),
        "first byte p50 ms": at(first, 0.5),
        "first byte p99 ms": at(first, 0.99),
        "p99 over the origin's ms": at(first, 0.99) - FIRST_S * 1000,
        "last byte p99 ms": at(last, 0.99),
        "joiner's first byte ms": took["late_ms"][0],
        "cpu ms": spent_ms,
    }
    report.write("flight", {f"{N_CLIENTS} cold clients, 1 MiB": row})
    assert n_requests == 1

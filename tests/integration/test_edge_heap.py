"""The RAM tier's memory is taken at start. Each in a process of its own: the allocator is the process's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.cache import heap
from tests.origins import ROOT, EdgeProcess, ScriptedOrigin
from tests.waiting import eventually

MIB = 1024 * 1024
HEAD = """
import asyncio, os, random, resource, sys
from collections import deque
from pathlib import Path
from edge.cache import heap
from edge.upstream.straight import StraightBody

MIB = 1024 * 1024

def rss_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

def body(n_bytes):
    one = StraightBody(None, None, n_bytes)
    for place in range(0, n_bytes, 4096):
        one.room[place] = 1
    return one
"""


def told(script: str) -> list[int]:
    """What a script prints."""
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [int(word) for word in done.stdout.split()]


def test_bodies_find_their_pages_touched() -> None:
    n_reserved, grown, n_faults = told("""
before = rss_bytes()
print(asyncio.run(heap.reserve(64 * MIB)), rss_bytes() - before)
n_faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
held = [body(256 * 1024) for _ in range(200)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - n_faults)
""")

    assert n_reserved == 64 * MIB
    assert grown > 60 * MIB
    assert n_faults < 200  # of 12,800 pages


def test_objects_of_all_sizes_that_come_and_go_leave_few_gaps() -> None:
    (grown,) = told("""
before, rng, held, used, total = rss_bytes(), random.Random(7), deque(), 0, 0
asyncio.run(heap.reserve(128 * MIB))
while total < 8 * 128 * MIB:
    n_bytes = int(50_000 * 40 ** rng.random())
    while used + n_bytes > 128 * MIB:
        held.rotate(-rng.randrange(8) if rng.random() < 0.3 else 0)
        used -= held.popleft().n_bytes
    held.append(body(n_bytes))
    used, total = used + n_bytes, total + n_bytes
print(rss_bytes() - before)
""")

    assert grown < 1.25 * 128 * MIB


def test_half_of_what_is_free_is_left_to_others() -> None:
    (n_reserved,) = told("""
heap._MEMINFO = Path("/dev/shm") / f"meminfo-{os.getpid()}"
heap._MEMINFO.write_text("MemTotal: 100000 kB\\nMemAvailable: 50000 kB\\n")
print(asyncio.run(heap.reserve(64 * MIB)))
heap._MEMINFO.unlink()
""")

    assert n_reserved == 0


def test_the_tightest_group_decides_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").write_text("4:memory:/a/b\n1:cpu:/\n0::/c\n")
    for folder, limit, used in (
        ("v1", "9000000", "1000"),
        ("v1/a", "700000", "200000"),
        ("v2/c", "max", "5"),
    ):
        names = heap._V1[1] if folder.startswith("v1") else heap._V2[1]
        (tmp_path / folder).mkdir(parents=True)
        for name, figure in zip(names, (limit, used), strict=True):
            (tmp_path / folder / name).write_text(figure + "\n")
    monkeypatch.setattr(heap, "_CGROUP", tmp_path / "own")
    monkeypatch.setattr(heap, "_V1", (tmp_path / "v1", heap._V1[1]))
    monkeypatch.setattr(heap, "_V2", (tmp_path / "v2", heap._V2[1]))

    assert heap.free_bytes() == 500_000


def test_a_kernel_that_cannot_is_no_failure() -> None:
    (n_reserved,) = told("""
heap._MADV_POPULATE_WRITE = 9999
print(asyncio.run(heap.reserve(8 * MIB)))
""")

    assert n_reserved == 0


@pytest.mark.parametrize("is_reserved", [True, False])
async def test_an_edge_takes_its_memory_when_it_has_started(data_dir: Path, is_reserved: bool) -> None:
    async with ScriptedOrigin() as origin:
        edge = EdgeProcess(
            origin.url,
            data_dir,
            HEADSTART_EDGE_CACHE_IS_RESERVED=str(is_reserved).lower(),
            HEADSTART_EDGE_CACHE_MEMORY_BYTES=str(512 * MIB),
        )
        try:
            await edge.start()
            status = Path(f"/proc/{edge.pid}/statm")

            def rss_bytes() -> int:
                return int(status.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")

            if is_reserved:  # soon: it may be done by now
                await eventually(lambda: rss_bytes() > 512 * MIB, within_s=60)
            else:
                assert rss_bytes() < 512 * MIB
        finally:
            assert await edge.stop() == 0

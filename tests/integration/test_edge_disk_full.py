"""A file system without room: the tier makes room or goes without; every answer is right."""

import os
import random
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.cache import metrics, upkeep
from edge.cache.disk import DiskTier
from edge.cache.settings import MIB, CacheLimits
from tests.edge_cache_builders import make_entry
from tests.origins import PLAIN, Reply, ScriptedOrigin, running_edge
from tests.waiting import eventually

SMALL_BYTES = 4 * MIB
LIMITS = replace(CacheLimits(), disk_bytes=1024 * MIB, disk_reserve_bytes=0, disk_scrub_s=0.0)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_BYTES}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("tests of a full disk left out: no tmpfs may be mounted here (be root)")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as running:
        for number in range(120):
            running.replies[f"/v/{number}"] = Reply(random.Random(number).randbytes(100_000 + number))
        yield running


def free_bytes(folder: Path) -> int:
    told = os.statvfs(folder)
    return told.f_bavail * told.f_frsize


@pytest.mark.parametrize("reserve_bytes", [0, MIB, 1024 * MIB])
async def test_all_answers_are_right_when_the_disk_is_far_too_small(
    origin: ScriptedOrigin, small: Path, reserve_bytes: int
) -> None:
    limits = replace(PLAIN, disk_bytes=1024 * MIB, disk_reserve_bytes=reserve_bytes, memory_bytes=2 * MIB)

    for _ in range(2):
        async with running_edge(origin.url, small / "cache", limits=limits) as edge:
            disk = edge.delivery.cache.disk
            assert disk is not None
            for path, reply in origin.replies.items():
                assert isinstance(reply, Reply) and (await edge.ask(path)).body == reply.body
            await eventually(lambda: not disk.n_writing)  # noqa: B023 - awaited here
            assert free_bytes(small) >= min(reserve_bytes, SMALL_BYTES - 2 * MIB)
            assert len(disk) > 20 if reserve_bytes < SMALL_BYTES else not len(disk)


async def test_newcomers_take_the_place_of_others_when_the_disk_is_full(small: Path) -> None:
    tier = DiskTier(small, LIMITS)
    await tier.open()

    for number in range(100):
        assert f"/{number}" not in await tier.put(make_entry(f"/{number}", bytes(100_000)))

    assert 30 < len(tier) <= SMALL_BYTES // 100_000
    loaded = [await tier.load(make_entry(key).key) for key in list(tier.keys())]
    assert all(entry is not None and entry.body == bytes(100_000) for entry in loaded)
    await tier.close()


async def test_an_object_that_no_eviction_makes_room_for_is_not_held(small: Path) -> None:
    tier = DiskTier(small, LIMITS)
    await tier.open()
    n_before = metrics.DISK_ERRORS.labels("full")._value.get()

    assert await tier.put(make_entry("/huge", bytes(2 * SMALL_BYTES))) == ["/huge"]
    assert len(tier) == 0 and tier.used_bytes == 0 and not list(small.rglob("*.obj"))
    assert metrics.DISK_ERRORS.labels("full")._value.get() == n_before + 1
    await tier.close()


async def test_the_tier_shrinks_when_others_fill_the_disk(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "TICK_S", 0.01)
    tier = DiskTier(small, replace(LIMITS, disk_reserve_bytes=MIB))
    await tier.open()
    gone: set[str] = set()
    tier.on_gone = gone.update
    for number in range(20):
        await tier.put(make_entry(f"/{number}", bytes(100_000)))

    (small / "log of another program").write_bytes(bytes(free_bytes(small) - 100_000))

    await eventually(lambda: free_bytes(small) >= MIB and len(tier) + len(gone) == 20)
    assert 0 < len(tier) < 20 and gone == {f"/{number}" for number in range(20)} - set(tier.keys())
    assert tier.used_bytes <= len(tier) * 102_400 + 4096
    await tier.close()


async def test_a_full_disk_does_not_stop_the_start(small: Path) -> None:
    tier = DiskTier(small, LIMITS)
    await tier.open()
    await tier.put(make_entry("/a", bytes(100_000)))
    await tier.close()
    with (small / "all the rest").open("wb") as file:
        file.write(bytes(free_bytes(small)))

    again = DiskTier(small, LIMITS)

    assert len(await again.open()) == 1
    loaded = await again.load(make_entry("/a").key)
    assert loaded is not None and loaded.body == bytes(100_000)
    await again.close()

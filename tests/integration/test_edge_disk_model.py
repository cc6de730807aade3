"""The disk tier beside a plain dictionary, killed at any moment: what was acknowledged is there."""

import asyncio
import random
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from edge.cache import disk, upkeep
from edge.cache.disk import DiskTier
from edge.cache.files import ObjectFiles
from edge.cache.settings import MIB, CacheLimits
from tests.edge_cache_builders import make_entry

LIMITS = replace(CacheLimits(), disk_bytes=64 * MIB, disk_reserve_bytes=0, disk_scrub_s=0.05)
KEYS = [f"/{number}" for number in range(8)]
N_STEPS = 12


class Twin:
    """For each key, what a tier that is killed now may hold: the acknowledged body, or the one on its way."""

    def __init__(self) -> None:
        self.acknowledged: dict[str, bytes | None] = dict.fromkeys(KEYS)
        self.under_way: dict[str, bytes | None] = {}

    def may_hold(self) -> dict[str, set[bytes | None]]:
        return {
            key: {self.acknowledged[key], self.under_way.get(key, self.acknowledged[key])} for key in KEYS
        }


async def change(tier: DiskTier, twin: Twin, key: str, rng: random.Random) -> None:
    """Put and delete one key, one after the other."""
    for step in range(N_STEPS):
        is_put = rng.random() < 0.7
        body = f"{key} {step} ".encode() * rng.randrange(1, 3000) if is_put else None
        twin.under_way[key] = body
        if body is not None:
            assert await tier.put(make_entry(key, body, Surrogate_Key=f"step:{step}")) == []
        elif rng.random() < 0.5:
            await tier.delete(key)
        else:
            await tier.delete_all([key, "/nobody's"])
        twin.acknowledged[key] = body
        del twin.under_way[key]
        found = await tier.load(make_entry(key).key)
        assert (found.body if found else None) == body


async def killed(tier: DiskTier, folder: Path, copy: Path) -> None:
    """A copy of the folder as a kill -9 would leave it, between two steps of the writing thread."""

    def vanishing(source: str, target: str) -> None:
        with suppress(FileNotFoundError):  # deleted behind its record meanwhile
            shutil.copyfile(source, target)

    await tier.run(tier.writer, lambda: shutil.copytree(folder, copy, copy_function=vanishing))


async def holding(folder: Path) -> dict[str, bytes | None]:
    """What a tier that starts on this folder serves."""
    tier = DiskTier(folder, LIMITS)
    held = await tier.open()
    assert {str(listed.key) for listed in held} <= set(KEYS)
    loaded = [await tier.load(make_entry(key).key) for key in KEYS]
    await tier.close()
    return {key: bytes(entry.body) if entry else None for key, entry in zip(KEYS, loaded, strict=True)}


@pytest.mark.parametrize("seed", range(10))
async def test_after_a_kill_at_any_moment_what_was_acknowledged_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(upkeep, "TICK_S", 0.01)
    monkeypatch.setattr(upkeep, "MIN_DEAD_RECORDS", 10)
    monkeypatch.setattr(disk, "MANY_FILES", seed % 2)
    remove = ObjectFiles.remove

    def remove_late(files: ObjectFiles, numbers: list[int]) -> None:
        if threading.current_thread().name.startswith("disk-care"):
            time.sleep(0.03)
        remove(files, numbers)

    monkeypatch.setattr(ObjectFiles, "remove", remove_late)
    twin, rng, folder = Twin(), random.Random(seed), tmp_path / "tier"
    tier = DiskTier(folder, LIMITS)
    await tier.open()
    changing = [asyncio.create_task(change(tier, twin, key, random.Random(f"{seed}{key}"))) for key in KEYS]
    kills: list[tuple[Path, dict[str, set[bytes | None]]]] = []
    while not all(task.done() for task in changing):
        copy, before = tmp_path / f"kill-{len(kills)}", twin.may_hold()
        await killed(tier, folder, copy)
        after = twin.may_hold()
        kills.append((copy, {key: before[key] | after[key] for key in KEYS}))
        await asyncio.sleep(rng.random() * 0.02)
    await asyncio.gather(*changing)
    await tier.close()

    assert await holding(folder) == twin.acknowledged
    assert kills
    for copy, may_hold in kills:
        found = await holding(copy)
        assert {key: body for key, body in found.items() if body not in may_hold[key]} == {}

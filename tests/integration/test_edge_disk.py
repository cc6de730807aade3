"""The disk tier against real files: restarts, torn and flipped files, a full or vanished disk."""

import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edge.cache import files, journal, metrics, upkeep
from edge.cache.disk import DiskTier
from edge.cache.files import FolderInUse
from edge.cache.settings import CacheLimits
from tests.edge_cache_builders import NOW_MS, headers, make_entry
from tests.waiting import eventually

LIMITS = replace(CacheLimits(), disk_bytes=1024 * 1024)


async def filled(folder: Path, n_objects: int = 3) -> DiskTier:
    tier = DiskTier(folder, LIMITS)
    await tier.open()
    for number in range(n_objects):
        await tier.put(make_entry(f"/{number}", b"x" * 5000, at_ms=NOW_MS - number, Surrogate_Key="video:1"))
    return tier


async def test_the_index_is_rebuilt_from_the_files(tmp_path: Path) -> None:
    await (await filled(tmp_path)).close()
    tier = DiskTier(tmp_path, LIMITS)

    held = await tier.open()

    assert [listed.primary for listed in held] == ["/0", "/1", "/2"]
    assert all(listed.tags == ("video:1",) for listed in held)
    loaded = await tier.load(make_entry("/1").key)
    assert loaded is not None and loaded.body == b"x" * 5000
    await tier.close()


async def test_variants_survive_a_restart(tmp_path: Path) -> None:
    tier = await filled(tmp_path, 0)
    entry = make_entry("/a", request=headers(Accept="text/html"), Vary="Accept")
    await tier.put(entry)
    await tier.close()

    again = DiskTier(tmp_path, LIMITS)

    assert [listed.key for listed in await again.open()] == [entry.key]
    await again.close()


@pytest.mark.parametrize("length", [0, 10, 71, 200, 4000])
@pytest.mark.parametrize("has_journal", [True, False])
async def test_a_torn_file_is_never_loaded(tmp_path: Path, length: int, has_journal: bool) -> None:
    await (await filled(tmp_path, 1)).close()
    (path,) = tmp_path.rglob("*.obj")
    path.write_bytes(path.read_bytes()[:length])
    if not has_journal:
        (tmp_path / "index.journal").unlink()
    tier = DiskTier(tmp_path, LIMITS)

    assert len(await tier.open()) == has_journal
    assert await tier.load(make_entry("/0").key) is None
    assert len(tier) == 0 and not path.exists()
    await tier.close()


async def test_a_file_that_took_anothers_name_is_never_loaded_as_that(tmp_path: Path) -> None:
    await (await filled(tmp_path, 2)).close()
    one, two = sorted(tmp_path.rglob("*.obj"))
    two.rename(one)
    tier = DiskTier(tmp_path, LIMITS)
    await tier.open()

    assert await tier.load(make_entry("/0").key) is None
    assert await tier.load(make_entry("/1").key) is None
    await tier.close()


async def test_foreign_files_in_the_folder_are_removed(tmp_path: Path) -> None:
    await (await filled(tmp_path, 1)).close()
    (path,) = tmp_path.rglob("*.obj")
    foreign = [path.with_name(name) for name in ("x.obj", "000000000101.tmp", "-1.obj", "1.obj")]
    for name in foreign:
        name.write_bytes(b"x")
    tier = DiskTier(tmp_path, LIMITS)

    assert len(await tier.open()) == 1
    assert not [name for name in foreign if name.exists()]
    await tier.close()


async def test_what_the_journal_missed_is_found_after_a_kill(tmp_path: Path) -> None:
    tier = await filled(tmp_path / "running", 3)
    await tier.put(make_entry("/1", b"newer", Surrogate_Key="video:2"))
    await tier.delete("/2")
    shutil.copytree(tmp_path / "running", tmp_path / "killed")  # what a kill -9 at this moment leaves
    await tier.close()
    again = DiskTier(tmp_path / "killed", LIMITS)

    held = await again.open()

    assert [(listed.primary, listed.tags) for listed in held] == [("/0", ("video:1",)), ("/1", ("video:2",))]
    loaded = await again.load(make_entry("/1").key)
    assert loaded is not None and loaded.body == b"newer"
    await again.close()


async def test_a_purge_of_many_holds_although_the_files_go_later(tmp_path: Path) -> None:
    tier = await filled(tmp_path / "running", 100)
    remove, tier.files.remove = tier.files.remove, lambda numbers: None  # type: ignore[method-assign]
    assert await tier.delete_all([f"/{number}" for number in range(90)]) == 90
    shutil.copytree(tmp_path / "running", tmp_path / "killed")
    tier.files.remove = remove  # type: ignore[method-assign]
    await tier.close()
    again = DiskTier(tmp_path / "killed", LIMITS)

    assert [listed.primary for listed in await again.open()] == [f"/{number}" for number in range(90, 100)]
    await eventually(lambda: len(list((tmp_path / "killed").rglob("*.obj"))) == 10)
    await again.close()


async def test_a_purge_of_all_is_one_rename(tmp_path: Path) -> None:
    tier = await filled(tmp_path, 100)

    assert await tier.clear() == 100
    assert len(tier) == 0 and not list((tmp_path / "objects").rglob("*.obj"))
    await tier.put(make_entry("/new"))
    await eventually(lambda: tier.used_bytes == 4096 and not list((tmp_path / "gone").iterdir()))
    await tier.close()


async def test_a_purge_of_all_withdraws_what_is_being_written(tmp_path: Path) -> None:
    tier = await filled(tmp_path, 1)
    writing = [tier.put(make_entry(f"/{number}", b"newer")) for number in range(2)]

    assert await tier.clear() == 2
    assert [await write for write in writing] == [[], []]
    assert len(tier) == 0 and tier.n_writing == 0
    await tier.close()
    assert not list(tmp_path.rglob("*.obj"))


async def test_an_older_copy_is_out_of_reach_while_a_newer_one_is_written(tmp_path: Path) -> None:
    tier = await filled(tmp_path, 1)

    writing = tier.put(make_entry("/0", b"newer"))

    assert "/0" not in tier and tier.may_hold("/0")
    assert await tier.load(make_entry("/0").key) is None
    assert await writing == []
    await tier.tidy()
    assert len(list(tmp_path.rglob("*.obj"))) == 1
    await tier.close()


async def test_of_two_puts_at_once_the_later_one_is_kept(tmp_path: Path) -> None:
    tier = await filled(tmp_path, 1)

    await asyncio.gather(tier.put(make_entry("/0", b"older")), tier.put(make_entry("/0", b"newer")))
    await tier.tidy()

    loaded = await tier.load(make_entry("/0").key)
    assert loaded is not None and loaded.body == b"newer"
    assert len(list(tmp_path.rglob("*.obj"))) == 1
    await tier.close()


async def test_the_journal_stays_small_however_often_objects_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "TICK_S", 0.01)
    monkeypatch.setattr(upkeep, "MIN_DEAD_RECORDS", 8)
    tier = await filled(tmp_path, 3)
    for _ in range(30):
        await tier.put(make_entry("/0", b"again"))
    await tier.put(make_entry("/new"))

    def is_compact() -> bool:
        listed = journal.replay((tmp_path / "index.journal").read_bytes()).listed.values()
        return len(listed) <= 24 and "/new" in {one.primary for one in listed}

    await eventually(is_compact)
    await tier.close()
    (tmp_path / "index.journal").rename(tmp_path / "kept")

    replayed = journal.replay((tmp_path / "kept").read_bytes())

    assert {"/0", "/1", "/2", "/new"} <= {listed.primary for listed in replayed.listed.values()}
    assert len(replayed.listed) <= 24 and not replayed.n_damaged


async def test_leftovers_of_a_killed_writer_are_removed(tmp_path: Path) -> None:
    await (await filled(tmp_path, 0)).close()
    leftover = tmp_path / "tmp" / "7.tmp"
    leftover.write_bytes(b"half")
    tier = DiskTier(tmp_path, LIMITS)

    await tier.open()

    assert not leftover.exists()
    await tier.close()


async def test_a_flipped_byte_is_never_loaded_and_the_file_goes(tmp_path: Path) -> None:
    tier = await filled(tmp_path, 1)
    (path,) = tmp_path.rglob("*.obj")
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)

    assert await tier.load(make_entry("/0").key) is None
    assert not path.exists() and "/0" not in tier
    await tier.close()


async def test_a_vanished_file_is_not_held(tmp_path: Path) -> None:
    tier = await filled(tmp_path, 1)
    (path,) = tmp_path.rglob("*.obj")
    path.unlink()

    assert await tier.load(make_entry("/0").key) is None
    assert len(tier) == 0
    await tier.close()


async def test_a_disk_that_cannot_be_written_holds_nothing_and_says_so(
    tmp_path: Path,
) -> None:
    tier = await filled(tmp_path, 1)
    (tmp_path / "tmp").rmdir()
    n_before = metrics.DISK_ERRORS.labels("write")._value.get()

    assert await tier.put(make_entry("/0", b"newer")) == ["/0"]
    assert "/0" not in tier and not tier.may_hold("/0") and tier.used_bytes == 0
    assert metrics.DISK_ERRORS.labels("write")._value.get() == n_before + 1
    await tier.close()


async def test_a_smaller_bound_after_a_restart_trims_the_disk(tmp_path: Path) -> None:
    await (await filled(tmp_path, 3)).close()
    tier = DiskTier(tmp_path, replace(LIMITS, disk_bytes=2 * 8192))

    held = await tier.open()

    assert len(held) == len(tier) == 2 and tier.used_bytes <= 2 * 8192
    await eventually(lambda: len(list(tmp_path.rglob("*.obj"))) == 2)
    await tier.close()


async def test_a_folder_belongs_to_one_tier_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LOCK_PAUSE_S", 0.001)
    tier, other = await filled(tmp_path, 1), DiskTier(tmp_path, LIMITS)

    with pytest.raises(FolderInUse):
        await other.open()
    await tier.close()
    assert len(await other.open()) == 1
    await other.close()


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is brought to the medium, in order."""
    names: list[str] = []

    def fsync(fd: int) -> None:
        names.append(Path(f"/proc/self/fd/{fd}").readlink().name)

    monkeypatch.setattr(os, "fsync", fsync)
    return names


async def test_each_object_is_on_the_medium_with_its_name_before_it_counts_as_stored(
    tmp_path: Path, synced: list[str]
) -> None:
    tier = DiskTier(tmp_path, replace(LIMITS, disk_fsync_s=0.0))
    await tier.open()

    await tier.put(make_entry("/0"))

    assert synced == ["1.tmp", "01"]
    await tier.close()


async def test_grouped_objects_are_on_the_medium_soon(tmp_path: Path, synced: list[str]) -> None:
    tier = DiskTier(tmp_path, replace(LIMITS, disk_fsync_s=0.01))
    await tier.open()

    await asyncio.gather(*(tier.put(make_entry(f"/{number}")) for number in range(3)))

    names = {f"{number:012x}.obj" for number in (1, 2, 3)} | {"01", "02", "03"}
    await eventually(lambda: names <= set(synced))
    await tier.close()


async def test_by_default_nothing_waits_for_the_medium(tmp_path: Path, synced: list[str]) -> None:
    await (await filled(tmp_path, 3)).close()

    assert synced == []


async def test_writes_that_push_each_other_out_leave_no_file_of_what_left(tmp_path: Path) -> None:
    tier = await filled(tmp_path, 0)
    large = b"x" * (LIMITS.disk_bytes // 4)

    await asyncio.gather(*(tier.put(make_entry(f"/{number % 9}", large)) for number in range(40)))
    await tier.tidy()

    left = {int(path.stem, 16) for path in tmp_path.rglob("*.obj")}
    assert left == {tier.number(key) for key in tier.keys()}  # noqa: SIM118 - no mapping
    assert not tier.n_writing and 0 < len(left) < 5
    await tier.close()


@pytest.mark.parametrize("n_bytes", [5000, 300_000, 320_000])
async def test_a_file_that_is_not_needed_is_written_over_by_the_next_object(
    tmp_path: Path, n_bytes: int
) -> None:
    tier, victims, number = await filled(tmp_path, 0), list[str](), 0
    while not victims:
        places = {path.stat().st_ino for path in tmp_path.rglob("*.obj")}
        victims = await tier.put(make_entry(f"/{number}", bytes([number]) * 300_000))
        number += 1
    entry = make_entry("/next", b"y" * n_bytes)

    await tier.put(entry)

    ours = tier.number("/next")
    (path,) = (path for path in tmp_path.rglob("*.obj") if int(path.stem, 16) == ours)
    assert path.stat().st_ino in places
    assert await tier.load(entry.key) == entry
    assert all(victim not in tier for victim in victims)
    await tier.close()
    assert len(list(tmp_path.rglob("*.obj"))) == len(tier)


async def test_a_file_whose_name_came_to_the_medium_before_its_bytes_is_refused(tmp_path: Path) -> None:
    tier = await filled(tmp_path, 1)
    (path,) = tmp_path.rglob("*.obj")
    await tier.close()
    renamed = tmp_path / "objects" / "02" / "000000000002.obj"
    renamed.parent.mkdir()
    path.rename(renamed)

    again = DiskTier(tmp_path, LIMITS)

    assert await again.open() == []
    await again.close()
    assert not renamed.exists()

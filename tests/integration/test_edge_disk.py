"""The disk tier against real files: restarts, torn and flipped files, a full or vanished disk."""

from dataclasses import replace
from pathlib import Path

import pytest

from edge.cache.disk import DiskTier
from edge.cache.settings import CacheLimits
from tests.edge_cache_builders import NOW_MS, headers, make_entry

LIMITS = replace(CacheLimits(), disk_bytes=1024 * 1024)


async def filled(folder: Path, n_objects: int = 3) -> DiskTier:
    tier = DiskTier(folder, LIMITS)
    await tier.open()
    for number in range(n_objects):
        await tier.put(make_entry(f"/{number}", b"x" * 5000, at_ms=NOW_MS + number, Surrogate_Key="video:1"))
    return tier


async def test_the_index_is_rebuilt_from_the_files(tmp_path: Path) -> None:
    await (await filled(tmp_path)).close()
    tier = DiskTier(tmp_path, LIMITS)

    metas = await tier.open()

    assert [meta.primary for meta in metas] == ["/0", "/1", "/2"]
    assert all(meta.tags == ("video:1",) for meta in metas)
    loaded = await tier.load(make_entry("/1").key)
    assert loaded is not None and loaded.body == b"x" * 5000
    await tier.close()


async def test_variants_survive_a_restart(tmp_path: Path) -> None:
    tier = await filled(tmp_path, 0)
    entry = make_entry("/a", request=headers(Accept="text/html"), Vary="Accept")
    await tier.put(entry)
    await tier.close()

    again = DiskTier(tmp_path, LIMITS)

    assert [meta.key for meta in await again.open()] == [entry.key]
    await again.close()


@pytest.mark.parametrize("length", [0, 10, 71, 200, 4000])
async def test_a_torn_file_is_dropped_at_start(tmp_path: Path, length: int) -> None:
    await (await filled(tmp_path, 1)).close()
    (path,) = tmp_path.rglob("*.obj")
    path.write_bytes(path.read_bytes()[:length])
    tier = DiskTier(tmp_path, LIMITS)

    assert await tier.open() == []
    assert not path.exists()
    await tier.close()


async def test_a_file_under_another_name_is_dropped_at_start(tmp_path: Path) -> None:
    await (await filled(tmp_path, 1)).close()
    (path,) = tmp_path.rglob("*.obj")
    path.rename(path.with_name("0" * 62 + ".obj"))
    tier = DiskTier(tmp_path, LIMITS)

    assert await tier.open() == []
    await tier.close()


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
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tier = await filled(tmp_path, 0)
    (tmp_path / "tmp").rmdir()

    assert await tier.put(make_entry("/a")) == ["/a"]
    assert "/a" not in tier
    assert "object_not_written" in caplog.text
    await tier.close()


async def test_a_smaller_bound_after_a_restart_trims_the_disk(tmp_path: Path) -> None:
    await (await filled(tmp_path, 3)).close()
    tier = DiskTier(tmp_path, replace(LIMITS, disk_bytes=2 * 8192))

    held = await tier.open()

    assert len(held) == len(tier) == len(list(tmp_path.rglob("*.obj"))) == 2
    assert tier.used_bytes <= 2 * 8192
    await tier.close()

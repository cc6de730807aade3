"""What the media store promises, for a folder and for a store in memory that speaks obstore's protocol."""

import asyncio
from pathlib import Path

import pytest

from origin.blobs import Blobs
from origin.errors import MediaUnavailable
from shared.errors import NotFound


@pytest.fixture(params=["folder", "memory"])
def blobs(request: pytest.FixtureRequest, data_dir: Path) -> Blobs:
    return Blobs((data_dir / "media with space").as_uri() if request.param == "folder" else "memory:///")


async def test_what_was_put_comes_back_whole_and_in_parts(blobs: Blobs) -> None:
    await blobs.put("v/a/open.mp4", b"0123456789")
    assert await blobs.get("v/a/open.mp4") == b"0123456789"
    assert await blobs.get_range("v/a/open.mp4", 2, 5) == b"234"
    assert await blobs.size("v/a/open.mp4") == 10


async def test_a_file_is_stored_and_fetched_in_pieces(blobs: Blobs, data_dir: Path) -> None:
    source, target = data_dir / "source", data_dir / "target"
    source.write_bytes(bytes(range(256)) * 30_000)
    await blobs.put("sources/v1", source)
    await blobs.fetch(target, "sources/v1")
    assert target.read_bytes() == source.read_bytes()


async def test_a_missing_object_is_not_found(blobs: Blobs, data_dir: Path) -> None:
    assert await blobs.size("nothing") is None
    for reading in (
        blobs.get("nothing"),
        blobs.get_range("nothing", 0, 1),
        blobs.fetch(data_dir / "x", "no"),
    ):
        with pytest.raises(NotFound):
            await reading


async def test_deleting_twice_is_fine(blobs: Blobs) -> None:
    await blobs.put("a", b"x")
    await blobs.delete("a")
    await blobs.delete("a")
    assert await blobs.size("a") is None


async def test_a_list_holds_every_key_below_a_folder(blobs: Blobs) -> None:
    for key in ("v/1/b", "v/1/a", "v/2/a"):
        await blobs.put(key, b"x")
    assert await blobs.list("v/1") == ["v/1/a", "v/1/b"]


async def test_writers_of_the_same_key_leave_one_whole_object(blobs: Blobs) -> None:
    body = bytes(100_000)
    await asyncio.gather(*(blobs.put("same", body) for _ in range(8)))
    assert await blobs.get("same") == body


async def test_a_store_that_answers_is_ready(blobs: Blobs) -> None:
    await blobs.check()


def test_what_a_killed_put_left_is_removed_when_it_is_old(data_dir: Path) -> None:
    blobs = Blobs(data_dir.as_uri())
    (data_dir / "sources").mkdir()
    for name in ("v1", "v1#1", "v2#12"):
        (data_dir / "sources" / name).write_bytes(b"x")
    assert blobs.remove_staged("sources", before_s=0) == 0
    assert blobs.remove_staged("sources", before_s=2**40) == 2
    assert [path.name for path in (data_dir / "sources").iterdir()] == ["v1"]


async def test_a_folder_that_cannot_be_written_is_unavailable(data_dir: Path) -> None:
    blobs = Blobs((data_dir / "media").as_uri())
    (data_dir / "media").rmdir()
    (data_dir / "media").write_text("a file in the way")
    with pytest.raises(MediaUnavailable):
        await blobs.check()

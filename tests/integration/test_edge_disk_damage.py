"""Whatever happens to the files while nobody looks: no byte that was not stored is ever served."""

import random
import shutil
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.cache import metrics
from edge.cache.disk import DiskTier
from edge.cache.settings import CacheLimits
from tests.disk_damage import HARMS, flip, journal, objects, tear, zero_page
from tests.edge_cache_builders import make_entry
from tests.origins import PLAIN, EdgeProcess, Reply, ScriptedOrigin, running_edge
from tests.waiting import eventually

LIMITS = replace(CacheLimits(), disk_scrub_s=0.0)
N_OBJECTS = 60


def version(key: str, number: int) -> bytes:
    """A body that tells its key and version in every page."""
    return f"{key} {number}; ".encode() * 900


async def twice_filled(folder: Path, n_objects: int) -> set[bytes]:
    """A tier whose every second object was stored again, stopped; returns all bodies ever stored."""
    tier = DiskTier(folder, LIMITS)
    await tier.open()
    bodies = set()
    for turn in (0, 1):
        for number in range(0, n_objects, turn + 1):
            body = version(f"/{number}", turn)
            bodies.add(body)
            await tier.put(make_entry(f"/{number}", body))
    await tier.close()
    return bodies


@pytest.mark.parametrize("seed", range(12))
async def test_after_a_power_loss_what_is_served_was_stored_under_that_key(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    bodies = await twice_filled(tmp_path, 30)
    for path in rng.sample(objects(tmp_path), 15):
        if path.exists():
            rng.choice(HARMS)(path, rng)
    rng.choice((tear, zero_page, lambda path, rng: path.unlink(), lambda path, rng: None))(
        journal(tmp_path), rng
    )
    tier = DiskTier(tmp_path, LIMITS)
    held = await tier.open()

    served = {key: await tier.load(key) for key in (listed.key for listed in held)}

    whole = {key: bytes(entry.body) for key, entry in served.items() if entry is not None}
    assert all(body in bodies and body.startswith(f"{key} ".encode()) for key, body in whole.items())
    assert len(whole) >= 5 and len(tier) == len(whole) == len(objects(tmp_path))
    await tier.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kept=st.floats(0, 1, exclude_max=True))
async def test_an_object_torn_anywhere_is_dropped(tmp_path: Path, kept: float) -> None:
    shutil.rmtree(tmp_path)
    await twice_filled(tmp_path, 1)
    (path,) = objects(tmp_path)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    tier = DiskTier(tmp_path, LIMITS)
    await tier.open()

    assert await tier.load(make_entry("/0").key) is None
    assert "/0" not in tier
    await tier.close()


# With a real process.


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as running:
        for number in range(N_OBJECTS):
            running.replies[f"/v/{number}"] = Reply(random.Random(number).randbytes(20_000 + number))
        yield running


@pytest.fixture
async def process(origin: ScriptedOrigin, data_dir: Path) -> AsyncIterator[EdgeProcess]:
    running = EdgeProcess(origin.url, data_dir)
    yield running
    await running.stop(signal.SIGKILL)


async def filled(origin: ScriptedOrigin, process: EdgeProcess, data_dir: Path, how: int) -> dict[Path, str]:
    """The files of all objects after a stop of the process, and their URLs."""
    client = await process.start()
    for path in origin.replies:
        await client.ask(path)
    await eventually(lambda: len(objects(data_dir)) == N_OBJECTS)
    await process.stop(how)
    return dict(zip(objects(data_dir), origin.replies, strict=True))


def flip_at_random(paths: list[Path], rng: random.Random) -> None:
    """One byte of each, by turns in the prefix, in the head, in the body."""
    for number, path in enumerate(paths):
        low, high = ((0, 72), (72, 150), (400, path.stat().st_size))[number % 3]
        flip(path, rng.randrange(low, high), rng)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_no_flipped_byte_is_served_and_each_damaged_object_is_fetched_once(
    origin: ScriptedOrigin, process: EdgeProcess, data_dir: Path, how: int
) -> None:
    rng = random.Random(how)
    files = await filled(origin, process, data_dir, how)
    damaged = rng.sample(list(files), 21)
    flip_at_random(damaged, rng)
    if how == signal.SIGTERM:
        for _ in range(5):
            flip(journal(data_dir), rng.randrange(journal(data_dir).stat().st_size), rng)
    origin.seen.clear()

    client = await process.start()
    answers = {path: await client.ask(path) for path in origin.replies}

    assert all(answers[path].body == origin.replies[path].body for path in answers)  # type: ignore[union-attr]
    assert sorted(request.path for request in origin.seen) == sorted(files[path] for path in damaged)
    hit = {path for path, answer in answers.items() if answer.cache_status == "hit; detail=disk"}
    assert hit == set(files.values()) - {files[path] for path in damaged}


async def test_each_damaged_object_is_counted(
    origin: ScriptedOrigin, process: EdgeProcess, data_dir: Path
) -> None:
    files = await filled(origin, process, data_dir, signal.SIGTERM)
    flip_at_random(list(files)[:15], random.Random(1))
    (folder,) = (path.parent for path in data_dir.rglob("index.journal"))
    n_before = metrics.CORRUPT._value.get()

    async with running_edge(origin.url, folder, limits=PLAIN) as edge:
        for path in origin.replies:
            await edge.ask(path)
        again = [await edge.ask(path) for path in origin.replies]

    assert metrics.CORRUPT._value.get() == n_before + 15
    assert {answer.cache_status for answer in again} == {"hit; detail=memory"}


async def test_the_scrub_drops_a_damaged_object_that_nobody_asks_for(
    origin: ScriptedOrigin, process: EdgeProcess, data_dir: Path
) -> None:
    files = await filled(origin, process, data_dir, signal.SIGTERM)
    damaged = list(files)[:6]
    flip_at_random(damaged, random.Random(2))
    (folder,) = (path.parent for path in data_dir.rglob("index.journal"))
    n_before, n_passes = metrics.CORRUPT._value.get(), metrics.SCRUBS._value.get()

    limits = replace(PLAIN, disk_scrub_s=0.5, disk_scrub_bps=100_000_000)
    async with running_edge(origin.url, folder, limits=limits) as edge:
        await eventually(lambda: metrics.SCRUBS._value.get() > n_passes)
        assert edge.delivery.cache.disk is not None and len(edge.delivery.cache.disk) == N_OBJECTS - 6
        origin.seen.clear()
        answers = [await edge.ask(files[path]) for path in damaged]

    assert metrics.CORRUPT._value.get() == n_before + 6
    assert not [path for path in damaged if path.exists()]
    assert [answer.cache_status.partition(";")[0] for answer in answers] == ["fwd=uri-miss"] * 6
    assert origin.n_seen() == 6

"""The worker over ports in memory, with a real ffmpeg, and once over a real bus."""

import asyncio
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from origin.errors import SoundUnavailable
from origin.transcode.jobs import JobLimits
from origin.transcode.render import MediaObject, Posters, RenderedRung, Renderer, RenderLimits
from origin.transcode.worker import LaidSound, SourceVideo, Worker, WorkerLimits
from origin.transcode.workspace import sweep, workspace
from shared.bus import Bus, Outcome
from shared.errors import Unavailable
from shared.messages.jobs import TranscodeJob
from shared.subjects import JOBS, JOBS_FIRST
from tests.clips import make_clip
from tests.rungs import renderer
from tests.waiting import eventually

FIRST = TranscodeJob(id="j1", video_id="v1", rungs=["360p"])
LADDER = TranscodeJob(id="j2", video_id="v1", rungs=["540p", "720p"])


@dataclass
class MemoryCatalogue:
    """A catalogue of one video."""

    video: SourceVideo | None = field(default_factory=SourceVideo)
    is_away: bool = False
    refusal: SoundUnavailable | None = None
    is_withdrawn_meanwhile: bool = False
    published: list[RenderedRung] = field(default_factory=list)
    posters: list[Posters | None] = field(default_factory=list)
    given_up: list[tuple[Sequence[str], str]] = field(default_factory=list)

    async def source(self, video_id: str) -> SourceVideo | None:
        if self.is_away:
            raise Unavailable("the catalogue is away")
        if self.refusal:
            raise self.refusal
        return self.video

    async def publish(self, video_id: str, rendered: RenderedRung, posters: Posters | None) -> bool:
        if self.is_withdrawn_meanwhile:
            return False
        self.published.append(rendered)
        self.posters.append(posters)
        names = frozenset(known.rung.name for known in self.published)
        self.video = SourceVideo(published=names, has_poster=True)
        return True

    async def give_up(self, video_id: str, rungs: Sequence[str], reason: str) -> None:
        self.given_up.append((rungs, reason))


@dataclass
class MemoryMedia:
    """A store with one source."""

    clip: Path
    stored: list[str] = field(default_factory=list)
    n_fetched: int = 0

    async def fetch_source(self, video_id: str, to: Path) -> None:
        self.n_fetched += 1
        shutil.copyfile(self.clip, to)

    async def fetch_sound(self, sound: LaidSound, to: Path) -> None:
        shutil.copyfile(self.clip.with_name(sound.video_id), to)

    async def put(self, video_id: str, objects: Sequence[MediaObject]) -> None:
        assert all(part.file.stat().st_size == part.size_bytes for part in objects)
        self.stored += [part.path for part in objects]


@dataclass
class FakeLease:
    """Counts the signs of life."""

    n_delivered: int = 1
    n_signs: int = 0
    is_bus_away: bool = False

    async def in_progress(self) -> None:
        self.n_signs += 1
        if self.is_bus_away:
            raise Unavailable("the bus is away")


@dataclass
class Bench:
    """A worker with its surroundings in memory."""

    catalogue: MemoryCatalogue
    media: MemoryMedia
    work: Path
    renderer: Renderer = field(default_factory=renderer)

    def worker(self) -> Worker:
        limits = WorkerLimits(jobs=JobLimits(sign_s=0.05))
        return Worker(self.catalogue, self.media, self.renderer, self.work, limits)

    async def handle(self, job: TranscodeJob, lease: FakeLease | None = None) -> Outcome:
        return await self.worker().handle(job, lease or FakeLease())

    def names(self) -> list[str]:
        return [rendered.rung.name for rendered in self.catalogue.published]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    clip = make_clip(tmp_path / "clip.mp4", seconds=1, width=540, height=960)
    return Bench(MemoryCatalogue(), MemoryMedia(clip), tmp_path / "work")


async def test_the_first_job_publishes_360p_with_posters(bench: Bench) -> None:
    lease = FakeLease()
    assert await bench.handle(FIRST, lease) is Outcome.ACK
    assert bench.names() == ["360p"]
    (posters,) = bench.catalogue.posters
    assert posters
    assert posters.webp.path in bench.media.stored
    assert f"{bench.catalogue.published[0].rung.path}/open.mp4" in bench.media.stored
    assert lease.n_signs > 2
    assert list(bench.work.iterdir()) == []


async def test_the_ladder_job_adds_what_the_source_is_large_enough_for(bench: Bench) -> None:
    bench.catalogue.video = SourceVideo(published=frozenset({"360p"}), has_poster=True)
    assert await bench.handle(LADDER) is Outcome.ACK
    assert bench.names() == ["540p"]
    assert bench.catalogue.posters == [None]


async def test_a_job_that_runs_twice_lays_the_sound_to_the_same_bytes(bench: Bench) -> None:
    make_clip(bench.media.clip.with_name("other"), seconds=2)
    sound = LaidSound("other", (), duration_ms=2000, sound_volume=1, original_volume=0.5)
    for _ in range(2):
        bench.catalogue.video = SourceVideo(has_poster=True, sound=sound)
        assert await bench.handle(FIRST) is Outcome.ACK
    bench.catalogue.video = SourceVideo(has_poster=True)
    assert await bench.handle(FIRST) is Outcome.ACK
    first, second, without = [rendered.rung.path for rendered in bench.catalogue.published]
    assert first == second != without


async def test_a_sound_that_may_not_be_used_ends_the_job_with_its_reason(bench: Bench) -> None:
    bench.catalogue.refusal = SoundUnavailable("sound: withdrawn")
    assert await bench.handle(FIRST) is Outcome.TERM
    assert bench.catalogue.given_up == [(["360p"], "sound: withdrawn")]


async def test_a_repeated_job_makes_nothing_again(bench: Bench) -> None:
    bench.catalogue.video = SourceVideo(published=frozenset({"360p"}), has_poster=True)
    assert await bench.handle(FIRST) is Outcome.ACK
    assert bench.media.n_fetched == 0


async def test_a_job_for_a_withdrawn_video_is_dropped(bench: Bench) -> None:
    bench.catalogue.video = None
    assert await bench.handle(FIRST) is Outcome.ACK
    assert bench.media.n_fetched == 0


async def test_a_video_withdrawn_while_it_encodes_is_dropped(bench: Bench) -> None:
    bench.catalogue.is_withdrawn_meanwhile = True
    assert await bench.handle(TranscodeJob(id="j3", video_id="v1", rungs=["360p", "540p"])) is Outcome.ACK
    assert bench.names() == []


async def test_a_source_that_went_bad_fails_the_video_with_the_reason(bench: Bench) -> None:
    bench.media.clip.write_bytes(bench.media.clip.read_bytes()[:5000])
    assert await bench.handle(FIRST) is Outcome.TERM
    ((rungs, reason),) = bench.catalogue.given_up
    assert rungs == ["360p"]
    assert reason.startswith("truncated")


async def test_an_encode_that_fails_three_times_fails_the_video(bench: Bench) -> None:
    bench.renderer = Renderer(sys.executable, RenderLimits())
    outcomes = [await bench.handle(FIRST, FakeLease(n_delivered=n)) for n in (1, 2, 3)]
    assert outcomes == [Outcome.RETRY, Outcome.RETRY, Outcome.TERM]
    assert [rungs for rungs, _ in bench.catalogue.given_up] == [["360p"]]


async def test_a_job_that_keeps_killing_workers_is_given_up_untried(bench: Bench) -> None:
    assert await bench.handle(FIRST, FakeLease(n_delivered=51)) is Outcome.TERM
    assert bench.media.n_fetched == 0
    assert len(bench.catalogue.given_up) == 1


async def test_a_catalogue_that_is_away_costs_no_try(bench: Bench) -> None:
    bench.catalogue.is_away = True
    assert await bench.handle(FIRST, FakeLease(n_delivered=9)) is Outcome.RETRY
    assert bench.catalogue.given_up == []


async def test_a_disk_that_refuses_costs_no_try(bench: Bench) -> None:
    bench.work.write_bytes(b"a file where the folder should be")
    assert await bench.handle(FIRST, FakeLease(n_delivered=9)) is Outcome.RETRY
    assert bench.catalogue.given_up == []


async def test_a_bus_that_is_away_does_not_stop_the_encode(bench: Bench) -> None:
    assert await bench.handle(FIRST, FakeLease(is_bus_away=True)) is Outcome.ACK


async def test_a_cancelled_job_leaves_nothing_on_disk(bench: Bench) -> None:
    job = asyncio.create_task(bench.handle(FIRST))
    await eventually(lambda: list(bench.work.glob("*/360p")), within_s=20)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert list(bench.work.iterdir()) == []


async def test_a_sweep_removes_the_folders_of_the_dead_only(tmp_path: Path) -> None:
    dead = tmp_path / "job-dead"
    dead.mkdir()
    (dead / "lock").touch()
    (dead / "source").write_bytes(bytes(1000))
    with workspace(tmp_path) as living:
        assert sweep(tmp_path) == 1
        assert list(tmp_path.iterdir()) == [living]
    assert sweep(tmp_path / "nowhere") == 0


async def test_a_job_on_the_bus_is_taken_and_leaves_the_queue(bench: Bench, nats: str) -> None:
    bus = await Bus.connect(nats, "worker", wait=True)
    await bus.ensure_streams([JOBS])
    lane = asyncio.create_task(bench.worker().run_lane(bus, "transcode-first"))
    await bus.publish_durable(JOBS_FIRST, FIRST, msg_id=FIRST.id)
    await eventually(lambda: bench.names() == ["360p"], within_s=30)
    lane.cancel()
    await asyncio.wait({lane})
    await bus.close()

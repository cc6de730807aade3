"""The life of a video, its jobs and its card."""

import pytest

from origin.catalog import records
from origin.catalog.records import Status, Video
from shared.messages.catalog import CatalogKind
from tests.builders import make_rung


def make_video(status: Status = Status.QUEUED, **fields: object) -> Video:
    dull = {
        "id": "v1",
        "creator_id": "neon",
        "caption": "",
        "category": "other",
        "hashtags": [],
        "source_bytes": 1,
        "duration_ms": 3000,
        "width": 360,
        "height": 640,
        "planned": ["360p", "540p", "720p"],
        "status": status,
        "error": "",
        "created_ms": 1,
        "changed_ms": 1,
        "poster": "",
        "poster_jpeg": "",
        "blurhash": "",
        "stills": [],
        "text_tracks": [],
        "likes": 0,
        "comments": 0,
        "shares": 0,
        "first_seq": None,
        "seq": None,
    }
    return Video(**(dull | fields))  # type: ignore[arg-type]


def test_a_worker_starts_a_queued_video_and_never_steps_back() -> None:
    after = {status: records.after_start(status) for status in Status}
    assert after.pop(Status.QUEUED) is Status.TRANSCODING
    assert all(before is now for before, now in after.items())


@pytest.mark.parametrize(
    ("published", "status"),
    [
        ([], Status.FAILED),
        (["360p"], Status.PLAYABLE),
        (["720p"], Status.PLAYABLE),
        (["360p", "540p", "720p"], Status.COMPLETE),
        (["360p", "540p", "720p", "1080p"], Status.COMPLETE),
    ],
)
def test_the_published_rungs_decide_the_status(published: list[str], status: Status) -> None:
    assert records.after_rung(["360p", "540p", "720p"], published) is status


def test_the_first_job_makes_one_rung_and_the_ladder_job_the_rest() -> None:
    assert records.first_job("v1", ["360p", "540p"]).rungs == ["360p"]
    rest = records.ladder_job("v1", ["360p", "540p"])
    assert rest is not None
    assert rest.rungs == ["540p"]
    assert records.ladder_job("v1", ["360p"]) is None


def test_only_a_video_that_is_not_complete_waits_for_a_job() -> None:
    jobs = {status: records.waiting_job(make_video(status)) for status in Status}
    waiting = {status: job.id for status, job in jobs.items() if job}
    assert waiting == {
        Status.QUEUED: "v1-first",
        Status.TRANSCODING: "v1-first",
        Status.PLAYABLE: "v1-ladder",
    }


def test_a_card_lists_its_rungs_lowest_first_and_says_when_the_ladder_is_complete() -> None:
    rungs = [make_rung("720p"), make_rung("360p")]
    card = records.card(make_video(Status.COMPLETE), "Neon Waves", rungs)
    assert [rung.name for rung in card.rungs] == ["360p", "720p"]
    assert card.is_complete
    assert card.creator_name == "Neon Waves"


@pytest.mark.parametrize(
    ("status", "seq", "kind"),
    [
        (Status.PLAYABLE, 5, CatalogKind.PUBLISHED),
        (Status.PLAYABLE, 6, CatalogKind.UPDATED),
        (Status.WITHDRAWN, 7, CatalogKind.WITHDRAWN),
    ],
)
def test_the_first_announcement_publishes_and_the_later_ones_update(
    status: Status, seq: int, kind: CatalogKind
) -> None:
    video = make_video(status, first_seq=5, seq=seq)
    told = records.catalog_event(video, records.card(video, "", []), 9)
    assert (told.kind, told.id, told.seq) == (kind, f"v1-{seq}", seq)
    assert (told.card is None) is (kind is CatalogKind.WITHDRAWN)

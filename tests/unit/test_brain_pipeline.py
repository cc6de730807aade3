import itertools

import numpy as np

from brain.features.interest import Signal
from brain.features.store import Profile
from brain.pipeline import liked_tags, user_vector
from brain.retrieval.retriever import RegionTrends
from brain.space import VectorSpace
from brain.training.factors import FactorModel, Factors
from shared.messages.events import EventKind
from shared.messages.queues import Source
from tests.brain_builders import pipeline_of, world_of
from tests.builders import NOW_MS

STRANGER = Profile("stranger")


def watched(*videos: str, completion: float = 1.0, at_ms: int = NOW_MS) -> tuple[Signal, ...]:
    return tuple(
        Signal(f"e{video}", EventKind.WATCH, video, "space", "c", completion, at_ms) for video in videos
    )


def test_a_stranger_gets_a_full_queue() -> None:
    built = pipeline_of().build(world_of(500), STRANGER, 300, NOW_MS)

    assert len(built.items) == 300
    assert len({item.video_id for item in built.items}) == 300
    assert not built.is_cut_short
    assert not built.user.any()


def test_an_empty_catalogue_gives_an_empty_queue() -> None:
    assert pipeline_of().build(world_of(0), STRANGER, 10, NOW_MS).items == []


def test_seen_and_blocked_videos_are_not_queued_while_there_are_others() -> None:
    profile = Profile("u", seen={"v0": 1, "v1": 2}, blocked=frozenset({"v2"}))

    queue = pipeline_of().build(world_of(40), profile, 30, NOW_MS).items

    assert not {item.video_id for item in queue} & {"v0", "v1", "v2"}


def test_when_all_is_seen_the_oldest_comes_back_first() -> None:
    seen = {f"v{number}": number for number in range(8)}

    queue = pipeline_of().build(world_of(10), Profile("u", seen=seen), 10, NOW_MS).items

    assert {item.video_id for item in queue[:2]} == {"v8", "v9"}
    assert [item.video_id for item in queue[2:]] == [f"v{number}" for number in range(8)]


def test_a_blocked_video_never_comes_back() -> None:
    everything = {f"v{number}": 1 for number in range(5)}
    profile = Profile("u", seen=everything, blocked=frozenset({"v3"}))

    queue = pipeline_of().build(world_of(5), profile, 10, NOW_MS).items

    assert "v3" not in {item.video_id for item in queue}
    assert len(queue) == 4


def test_a_queue_says_which_source_brought_a_video() -> None:
    world = world_of(3000)
    world = type(world)(world.table, world.space, RegionTrends(now={"v2990": 1.0}, lasting={}))
    profile = Profile(
        "u", {"space": 30}, watched("v1", "v9"), {"v1": 1, "v9": 2}, frozenset({"creator7"}), frozenset()
    )

    queue = pipeline_of().build(world, profile, 300, NOW_MS).items

    assert {item.source for item in queue} >= {
        Source.VECTORS,
        Source.FOLLOWING,
        Source.TRENDING,
        Source.EXPLORE,
    }
    assert next(item for item in queue if item.video_id == "v2990").source in (
        Source.TRENDING,
        Source.EXPLORE,
    )


def test_a_late_queue_still_comes() -> None:
    ticks = itertools.count()
    pipeline = pipeline_of(monotonic=lambda: next(ticks) / 20)

    built = pipeline.build(world_of(500), STRANGER, 100, NOW_MS)

    assert built.is_cut_short
    assert len(built.items) == 100


def test_the_same_seed_builds_the_same_queue() -> None:
    one, other = (pipeline_of(5).build(world_of(200), STRANGER, 50, NOW_MS).items for _ in range(2))

    assert one == other


def test_a_vector_is_folded_in_from_what_was_watched() -> None:
    world = world_of(80)

    vector = user_vector(world, Profile("u", history=watched("v1", "v9")))

    similar = world.space.scores(vector, np.arange(80))
    assert world.table.items[int(similar.argmax())].category == "space"


def test_a_known_user_is_moved_only_by_what_came_after_the_training() -> None:
    world = world_of(80)
    model = FactorModel(
        Factors(
            "lightfm-x",
            NOW_MS,
            tuple(f"video:v{number}" for number in range(80)),
            np.random.default_rng(0).normal(size=(80, 8)).astype(np.float32),
            np.zeros(80, np.float32),
            ("u",),
            np.ones((1, 8), np.float32),
        )
    )
    space = VectorSpace(model)
    space.extend(world.table.items)
    world = type(world)(world.table, space)

    before = user_vector(world, Profile("u", history=watched("v1", at_ms=NOW_MS - 1)))
    after = user_vector(world, Profile("u", history=watched("v1", at_ms=NOW_MS + 1)))

    assert before.tolist() == [1.0] * 8
    assert not np.array_equal(before, after)


def test_liked_hashtags_are_those_of_what_was_liked() -> None:
    world = world_of(80)

    tags = liked_tags(world.table, Profile("u", history=watched("v1") + watched("v0", completion=0.0)))

    assert set(tags) == {"space1", "common1"}

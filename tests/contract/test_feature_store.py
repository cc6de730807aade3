"""One suite for every FeatureStore: what the brain relies on, in Redis and in memory alike."""

from collections.abc import AsyncIterator

import pytest

from brain.features import schema, trending
from brain.features.effects import effects_of
from brain.features.redis_store import RedisFeatureStore
from brain.features.store import FeatureStore
from shared import kv
from shared.messages.events import EventKind, ViewEvent
from tests.brain_builders import said, store
from tests.builders import NOW_MS, make_batch, make_event

HALF_LIVES_S = (6 * 3600.0, 14 * 86_400.0)


@pytest.fixture(params=["redis", "memory"])
async def features(request: pytest.FixtureRequest, valkey: str) -> AsyncIterator[FeatureStore]:
    if request.param == "memory":
        yield store()
        return
    client = kv.connect(valkey)
    yield RedisFeatureStore(client, *HALF_LIVES_S)
    await client.aclose()


async def fold(features: FeatureStore, *events: ViewEvent, region: str = "local") -> None:
    await features.apply(effects_of([make_batch(*events, region=region, at_ms=NOW_MS + 10**6)]))


async def test_a_stranger_has_an_empty_profile(features: FeatureStore) -> None:
    profile = await features.profile("nobody")

    assert (profile.counters, profile.history, profile.seen) == ({}, (), {})


async def test_counters_add_up_by_category(features: FeatureStore) -> None:
    await fold(
        features,
        said("u1", "v1", 0.95, category="space"),
        said("u1", "v2", 0.95, category="space"),
        said("u1", "v3", 0.1, category="cats"),
        said("u1", "v4", 0.5, category="diy"),
        said("u2", "v1", 0.1, category="space"),
    )

    assert (await features.profile("u1")).counters == {"space": 20, "cats": -10}
    assert (await features.profile("u2")).counters == {"space": -10}


async def test_the_same_events_again_change_nothing(features: FeatureStore) -> None:
    events = [said("u1", f"v{number}", 1.0, category="space") for number in range(5)]
    await fold(features, *events)
    before, trends = await features.profile("u1"), await features.trends("local", 10, ["v1"])

    await fold(features, *events)
    await fold(features, *events[2:], said("u1", "v9", 1.0, category="space"))

    after = await features.profile("u1")
    assert before.counters == {"space": 50}
    assert after.counters == {"space": 60}
    assert len(after.history) == 6
    assert (await features.trends("local", 10, ["v1"])).now["v1"] == trends.now["v1"]


async def test_boosts_that_cancel_leave_a_counter_of_nothing(features: FeatureStore) -> None:
    await fold(features, said("u", "v1", 1.0, category="space"), said("u", "v2", 0.0, category="space"))

    assert (await features.profile("u")).counters == {"space": 0}


async def test_history_and_seen_are_in_order_of_time(features: FeatureStore) -> None:
    await fold(features, said("u", "late", at_ms=NOW_MS + 2), said("u", "early", at_ms=NOW_MS + 1))
    await fold(features, said("u", "first", at_ms=NOW_MS))

    profile = await features.profile("u")
    assert [signal.video_id for signal in profile.history] == ["first", "early", "late"]
    assert list(profile.seen) == ["first", "early", "late"]
    assert profile.history[0].completion == 1.0


async def test_seeing_again_makes_a_video_the_latest_seen(features: FeatureStore) -> None:
    await fold(features, said("u", "a", at_ms=NOW_MS), said("u", "b", at_ms=NOW_MS + 1))
    await fold(features, said("u", "a", at_ms=NOW_MS + 2))

    assert list((await features.profile("u")).seen) == ["b", "a"]


async def test_what_is_kept_of_a_viewer_is_bounded(features: FeatureStore) -> None:
    n = schema.MAX_SEEN + 10
    for start in range(0, n, 201):  # a starved machine answers a small pipeline in time
        some = range(start, min(n, start + 201))
        await fold(features, *(said("u", f"v{number}", at_ms=NOW_MS + number) for number in some))

    profile = await features.profile("u")
    assert len(profile.seen) == schema.MAX_SEEN
    assert len(profile.history) == schema.MAX_HISTORY
    assert "v0" not in profile.seen
    assert profile.history[-1].video_id == f"v{n - 1}"


@pytest.mark.parametrize("is_reversed", [False, True])
async def test_the_later_of_follow_and_unfollow_wins(features: FeatureStore, is_reversed: bool) -> None:
    events = [
        make_event(EventKind.FOLLOW, id="e1", creator_id="c1", at_ms=NOW_MS),
        make_event(EventKind.UNFOLLOW, id="e2", creator_id="c1", at_ms=NOW_MS + 1),
        make_event(EventKind.FOLLOW, id="e3", creator_id="c2", at_ms=NOW_MS + 2),
    ]
    for event in reversed(events) if is_reversed else events:
        await fold(features, event)

    assert (await features.profile("u1")).follows == {"c2"}


async def test_not_interested_blocks(features: FeatureStore) -> None:
    await fold(features, make_event(EventKind.NOT_INTERESTED, "v7"))

    assert (await features.profile("u1")).blocked == {"v7"}


async def test_trends_are_the_decayed_sums_by_region(features: FeatureStore) -> None:
    hours_ago = NOW_MS - 6 * 3600 * 1000
    await fold(features, said("u1", "v1"), said("u2", "v1", at_ms=hours_ago), region="eu")
    await fold(features, said("u3", "v2"), make_event(EventKind.IMPRESSION, "v2"), region="us")

    eu, us = await features.trends("eu", 10, []), await features.trends("us", 10, ["v2", "v1"])

    assert trending.mass(eu.now["v1"], NOW_MS / 1000, HALF_LIVES_S[0]) == pytest.approx(1.5, rel=1e-6)
    assert trending.mass(eu.lasting["v1"], NOW_MS / 1000, HALF_LIVES_S[1]) == pytest.approx(1.988, rel=1e-3)
    assert set(us.now) == {"v2"}
    assert us.shown == {"v2": 1}


async def test_trends_come_highest_first_and_not_more_than_asked(features: FeatureStore) -> None:
    for number in range(5):
        await fold(features, *(said(f"u{viewer}", f"v{number}") for viewer in range(number + 1)))

    assert list((await features.trends("local", 3, [])).now) == ["v4", "v3", "v2"]


async def test_regions_are_known_by_their_events(features: FeatureStore) -> None:
    await fold(features, said("u", "v1"), region="eu")
    await fold(features, said("u", "v2", at_ms=NOW_MS + 5), region="us")

    assert await features.regions() == ["us", "eu"]


async def test_a_withdrawn_video_leaves_the_trends(features: FeatureStore) -> None:
    await fold(features, said("u", "v1"), make_event(EventKind.IMPRESSION, "v1"), said("u", "v2"))

    await features.forget_video("v1", ["local", "unknown"])

    trends = await features.trends("local", 10, ["v1"])
    assert set(trends.now) == set(trends.lasting) == {"v2"}
    assert trends.shown == {}


async def test_a_store_knows_whether_it_was_built(features: FeatureStore) -> None:
    assert not await features.is_built()
    await features.set_built()

    assert await features.is_built()


async def test_nothing_to_write_writes_nothing(features: FeatureStore) -> None:
    await features.apply(effects_of([]))

    assert await features.regions() == []
    await features.forget_video("v1", [])


def masses(levels: dict[str, float]) -> dict[str, float]:
    return {
        name: round(trending.mass(level, NOW_MS / 1000, HALF_LIVES_S[1]), 4) for name, level in levels.items()
    }


def watched(user: str, video: str, seconds: float, category: str = "space") -> ViewEvent:
    return said(user, video, seconds / 10, watched_ms=int(1000 * seconds), category=category)


async def test_watches_are_counted_by_how_they_ended_by_video_and_category(features: FeatureStore) -> None:
    await fold(features, watched("u1", "v1", 3.5), watched("u2", "v1", 3.1), watched("u3", "v2", 10))
    await fold(features, watched("u1", "v3", 3.0, category=""))

    one, two, other, none = await features.watches(
        [("space", "v1"), ("space", "v2"), ("", "v3"), ("space", "v9")]
    )
    assert (masses(one), masses(two), masses(other), none) == ({"e3": 2}, {"f10": 1}, {"e3": 1}, {})
    by_category = await features.category_watches()
    assert {name: masses(levels) for name, levels in by_category.items()} == {
        "space": {"e3": 2, "f10": 1},
        "": {"e3": 1},
    }


async def test_a_watch_again_is_counted_once(features: FeatureStore) -> None:
    event = watched("u1", "v1", 3.5)
    await fold(features, event)
    await fold(features, event, watched("u2", "v1", 4.5))

    assert masses((await features.watches([("space", "v1")]))[0]) == {"e3": 1, "e4": 1}
    assert masses((await features.category_watches())["space"]) == {"e3": 1, "e4": 1}


async def test_an_older_watch_weighs_less(features: FeatureStore) -> None:
    event = said("u1", "v1", 0.1, watched_ms=1_000, category="space", at_ms=NOW_MS - 7 * 86_400_000)
    await features.apply(effects_of([make_batch(event, at_ms=NOW_MS)]))

    assert masses((await features.watches([("space", "v1")]))[0]) == {"e1": pytest.approx(0.7071)}


async def test_no_videos_have_no_watches(features: FeatureStore) -> None:
    assert await features.watches([]) == []
    assert await features.category_watches() == {}

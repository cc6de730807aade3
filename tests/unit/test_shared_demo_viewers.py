"""The demo's simulated viewers: their tastes, and what they do with a video."""

from random import Random

from shared.demo.viewers import BORED, LOVED, Shown, Viewer, cast, evening, react

CATEGORIES = ("lava", "cells", "skies", "music")
VIDEOS = [Shown(f"v{i}", CATEGORIES[i % 4], 10_000) for i in range(12)]


def test_every_category_has_its_lovers() -> None:
    viewers = cast(40, CATEGORIES, Random(1))
    lovers = [sum(viewer.tastes[name] == LOVED for viewer in viewers) for name in CATEGORIES]
    assert lovers == [10, 10, 10, 10]


def test_the_same_seed_makes_the_same_viewers() -> None:
    assert cast(9, CATEGORIES, Random(5)) == cast(9, CATEGORIES, Random(5))
    assert len({viewer.id for viewer in cast(9, CATEGORIES, Random(5))}) == 9


def test_a_loved_video_is_finished_and_a_boring_one_is_skipped() -> None:
    viewer = Viewer("sim-0", {"lava": LOVED, "cells": BORED})
    rng = Random(2)
    loved = [react(viewer, Shown("v", "lava", 10_000), 0, rng)[1]["completion"] for _ in range(50)]
    bored = [react(viewer, Shown("v", "cells", 10_000), 0, rng)[1]["completion"] for _ in range(50)]
    assert sum(loved) / 50 > 0.9
    assert sum(completion < 0.2 for completion in bored) >= 49


def test_only_finished_videos_are_liked_followed_or_shared() -> None:
    rng = Random(3)
    for viewer in cast(50, CATEGORIES, rng):
        for shown in VIDEOS:
            events = react(viewer, shown, 0, rng)
            assert len(events) == 2 or events[1]["completion"] > 0.9


def test_what_was_watched_agrees_with_the_share_of_the_duration() -> None:
    watch = react(Viewer("sim-0", {}), VIDEOS[0], 4, Random(4))[1]
    assert abs(watch["watched_ms"] - watch["completion"] * 10_000) <= 5
    assert watch["position"] == 4


def test_an_evening_shows_each_video_once() -> None:
    events = evening(Viewer("sim-0", {}), VIDEOS, 20, Random(6))
    watched = [event["video"] for event in events if event["kind"] == "watch"]
    assert sorted(watched) == sorted(shown.id for shown in VIDEOS)


def test_lovers_of_one_category_tend_to_love_its_neighbour() -> None:
    viewers = cast(400, CATEGORIES, Random(7))
    lava = [viewer for viewer in viewers if viewer.tastes["lava"] == LOVED]
    likes_next = sum(viewer.tastes["cells"] > 0.7 for viewer in lava)
    likes_other = sum(viewer.tastes["music"] > 0.7 for viewer in lava)
    assert likes_next > 50
    assert likes_other == 0

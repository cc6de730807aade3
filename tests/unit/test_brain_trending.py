import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.features import trending
from shared.messages.events import EventKind

HOUR_S = 3600.0
NOW_S = 1_800_000_000.0

additions = st.lists(st.tuples(st.floats(0.1, 10), st.floats(0, 100 * HOUR_S)), min_size=1, max_size=20)


def level_of(parts: list[tuple[float, float]]) -> float:
    levels = [trending.level(weight, NOW_S - age_s, 6 * HOUR_S) for weight, age_s in parts]
    total = levels[0]
    for level in levels[1:]:
        total = trending.combine(total, level)
    return total


@given(additions)
def test_the_mass_is_the_sum_of_the_decayed_weights(parts: list[tuple[float, float]]) -> None:
    naive = sum(weight * 2 ** (-age_s / (6 * HOUR_S)) for weight, age_s in parts)

    assert trending.mass(level_of(parts), NOW_S, 6 * HOUR_S) == pytest.approx(naive, rel=1e-6)


@given(additions)
def test_the_order_of_the_additions_does_not_matter(parts: list[tuple[float, float]]) -> None:
    assert level_of(parts) == pytest.approx(level_of(parts[::-1]), abs=1e-6)


def test_a_mass_halves_in_a_half_life() -> None:
    level = trending.level(8.0, NOW_S, 6 * HOUR_S)

    assert trending.mass(level, NOW_S + 12 * HOUR_S, 6 * HOUR_S) == pytest.approx(2.0, rel=1e-6)


def test_a_level_is_finite_in_a_hundred_years() -> None:
    level = trending.combine(
        trending.level(1.0, 0.0, HOUR_S), trending.level(1.0, 100 * 365 * 86_400.0, HOUR_S)
    )

    assert level == pytest.approx(100 * 365 * 24)


def test_only_what_is_liked_trends() -> None:
    assert trending.weight(EventKind.WATCH, 0.3) == 0
    assert trending.weight(EventKind.IMPRESSION, 0.0) == 0
    assert trending.weight(EventKind.WATCH, 5.0) == 1.0
    assert trending.weight(EventKind.SHARE, 0.0) > trending.weight(EventKind.LIKE, 0.0) > 1


def test_shares_are_relative_to_the_highest() -> None:
    assert trending.share_of_top({"a": 100.0, "b": 99.0}) == {"a": 1.0, "b": 0.5}
    assert trending.share_of_top({}) == {}


def test_regions_merge_by_adding_their_masses() -> None:
    merged = trending.merge([{"a": 10.0}, {"a": 10.0, "b": 3.0}])

    assert merged == {"a": pytest.approx(11.0), "b": 3.0}


def test_a_region_ranks_its_own_trend_first_and_fills_up_from_everywhere() -> None:
    ranked = trending.ranking({"own": 5.0}, {"own": 5.0, "x": 50.0, "y": 49.0}, 2)

    assert [video for video, _ in ranked] == ["own", "x"]
    assert ranked[0][1] >= ranked[1][1]


def test_a_hashtags_trend_is_the_sum_of_its_videos() -> None:
    tags_of = {"a": ["big"], "b": ["many", "many"], "c": ["many"], "d": ["big", "small"]}
    ranked = [("a", 1.0), ("b", 0.7), ("c", 0.7), ("d", 0.1)]

    assert trending.tags(ranked, lambda video: tags_of[video], 2) == [
        ("many", 2, 1.0),
        ("big", 2, pytest.approx(1.1 / 1.4)),
    ]
    assert trending.tags([], lambda _: [], 5) == []

"""The schedule on which the browser bench swipes."""

from random import Random

from tests.bench.swipe_browser.schedule import LONGEST_S, MEDIAN_S, SHARE_SHORT, SHORT_S, dwells, quantile


def test_dwell_times_have_the_stated_median_and_share_of_short_ones() -> None:
    drawn = dwells(20_000, Random(1))

    assert abs(quantile(drawn, 0.5) - MEDIAN_S) < 0.2
    assert abs(sum(dwell < SHORT_S for dwell in drawn) / len(drawn) - SHARE_SHORT) < 0.01
    assert 0.3 <= min(drawn) < max(drawn) <= LONGEST_S


def test_the_same_seed_is_the_same_viewer() -> None:
    assert dwells(50, Random(2026)) == dwells(50, Random(2026)) != dwells(50, Random(2027))


def test_a_quantile_is_one_of_the_values() -> None:
    assert [quantile([3.0, 1.0, 2.0], share) for share in (0.01, 0.5, 0.95, 1.0)] == [1.0, 2.0, 3.0, 3.0]
    assert quantile([], 0.5) == 0

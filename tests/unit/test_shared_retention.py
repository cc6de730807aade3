"""Curves as bytes, and the assumed one."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retention import MAX_POINTS, assumed, n_points, n_seconds, pack, unpack


def test_the_assumed_viewer_leaves_after_a_median_of_5_7_seconds_and_15_percent_within_2() -> None:
    shares = assumed(MAX_POINTS)

    assert shares[0] == 1.0
    assert shares[2] == pytest.approx(0.85, abs=0.01)
    assert shares[5] > 0.5 > shares[6]


@given(st.binary(max_size=300))
def test_whatever_the_bytes_a_curve_starts_at_1_and_never_rises(data: bytes) -> None:
    shares = unpack(data)

    assert shares[0] == 1.0
    assert len(shares) == min(len(data), MAX_POINTS) + 1
    assert all(1 >= one >= other >= 0 for one, other in pairwise(shares))


@given(st.lists(st.floats(-1, 2), max_size=MAX_POINTS))
def test_a_packed_share_comes_back_within_half_a_step(shares: list[float]) -> None:
    falling = sorted((min(1.0, max(0.0, share)) for share in shares), reverse=True)

    assert unpack(pack(falling))[1:] == pytest.approx(falling, abs=0.5 / 255 + 1e-9)


@pytest.mark.parametrize(("duration_ms", "n"), [(0, 1), (999, 1), (3_000, 3), (3_001, 4), (10**9, 120)])
def test_a_curve_has_a_point_for_each_second_that_began(duration_ms: int, n: int) -> None:
    assert n_points(duration_ms) == n
    assert n_seconds(duration_ms) == (600 if n == 120 else n)

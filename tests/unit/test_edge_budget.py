"""The token bucket of prefetch, with live traffic that does not ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.prefetch.budget import TokenBucket


def test_a_burst_is_granted_at_once() -> None:
    assert TokenBucket(100.0, 500.0, now=0.0).take(500, now=0.0) == 0.0


def test_an_empty_bucket_says_how_long_to_wait() -> None:
    bucket = TokenBucket(100.0, 500.0, now=0.0)
    bucket.take(500, now=0.0)

    assert bucket.take(200, now=0.0) == pytest.approx(2.0)
    assert bucket.take(200, now=2.0) == 0.0


def test_live_traffic_delays_prefetch_but_only_by_a_burst() -> None:
    bucket = TokenBucket(100.0, 500.0, now=0.0)
    bucket.spend(1_000_000, now=0.0)

    assert bucket.take(500, now=0.0) == pytest.approx(10.0)
    assert bucket.take(500, now=10.0) == 0.0


def test_more_than_a_burst_is_granted_from_a_full_bucket() -> None:
    bucket = TokenBucket(100.0, 500.0, now=0.0)

    assert bucket.take(900, now=0.0) == 0.0
    assert bucket.take(1, now=0.0) > 0.0


def test_a_clock_that_stands_still_fills_nothing() -> None:
    bucket = TokenBucket(100.0, 500.0, now=10.0)
    bucket.take(500, now=10.0)

    assert bucket.take(100, now=9.0) == pytest.approx(1.0)


@given(st.lists(st.tuples(st.integers(1, 800), st.floats(0, 3)), max_size=60))
def test_grants_never_exceed_rate_and_burst(asks: list[tuple[int, float]]) -> None:
    bucket = TokenBucket(100.0, 500.0, now=0.0)
    now = granted = 0.0
    for n_bytes, passed_s in asks:
        now += passed_s
        if bucket.take(n_bytes, now) == 0.0:
            granted += min(n_bytes, 500)

    assert granted <= 500 + 100 * now + 500 + 1e-6

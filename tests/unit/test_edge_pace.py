"""How fast the scrub reads: in time, within the bound, and slowly enough after a large object."""

from hypothesis import given
from hypothesis import strategies as st

from edge.cache.pace import MAX_CREDIT_S, Pace


def test_the_whole_tier_is_read_in_the_set_time() -> None:
    assert Pace(100.0, 1e9).rate_bps(5000) == 50


def test_the_bound_holds_for_a_tier_too_large_for_the_set_time() -> None:
    assert Pace(100.0, 30).rate_bps(5000) == 30


def test_an_object_larger_than_the_credit_is_paid_off_before_the_next() -> None:
    pace = Pace(100.0, 1000)
    pace.advance(1.0, 100_000)
    pace.spend(3000)

    pace.advance(1.9, 100_000)
    assert not pace.may_go()
    pace.advance(0.2, 100_000)
    assert pace.may_go()


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 5000)), max_size=60),
    st.integers(10, 2000),
)
def test_never_more_than_rate_credit_and_one_object(steps: list[tuple[float, int]], limit_bps: int) -> None:
    pace, passed_s, read_bytes, largest = Pace(1.0, limit_bps), 0.0, 0, 0
    for wait_s, size_bytes in steps:
        pace.advance(wait_s, 10**6)
        passed_s += wait_s
        if pace.may_go():
            pace.spend(size_bytes)
            read_bytes += size_bytes
            largest = max(largest, size_bytes)

    assert read_bytes <= limit_bps * (passed_s + MAX_CREDIT_S) + largest

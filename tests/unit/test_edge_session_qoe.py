"""Players' beacons: what is taken, and which limit a refusal names."""

from typing import Any

import pytest

from edge.session.qoe import MAX_SHOWINGS, QoeIn, check_qoe
from shared.errors import InvalidId, InvalidRequest


def test_a_sound_beacon_is_taken() -> None:
    check_qoe([QoeIn(video="v1", startup_ms=18.5, n_stalls=1, fetched_bytes=10, wasted_bytes=10)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"startup_ms": -1},
        {"n_stalls": 1_000_000},
        {"stalled_ms": 1e12},
        {"fetched_bytes": 5, "wasted_bytes": 6},
        {"watched_ms": float("nan")},
    ],
)
def test_a_figure_out_of_its_bounds_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=f"qoe.{list(wrong)[-1]} must be 0 to"):
        check_qoe([QoeIn(video="v1", **wrong)])


def test_too_many_beacons_and_bad_ids_are_refused() -> None:
    with pytest.raises(InvalidRequest, match=f"at most {MAX_SHOWINGS} qoe entries"):
        check_qoe([QoeIn(video="v1")] * (MAX_SHOWINGS + 1))
    with pytest.raises(InvalidId):
        check_qoe([QoeIn(video="a/b")])

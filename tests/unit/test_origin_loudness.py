"""From ebur128's summary to one gain."""

import pytest

from origin.transcode.loudness import gain_db, normalise


def summary(loudness: str) -> str:
    return f"Summary:\n\n  Integrated loudness:\n    I:         {loudness} LUFS\n    Threshold: -31.8 LUFS\n"


@pytest.mark.parametrize(
    ("loudness", "gain"),
    [("-21.8", 5.8), ("-16.0", 0), ("-6.0", -10), ("-40.0", 15), ("-70.0", 0), ("-inf", 0), ("nan", 0)],
)
def test_the_gain_reaches_the_target_within_bounds(loudness: str, gain: float) -> None:
    assert gain_db(summary(loudness)) == pytest.approx(gain)


def test_nothing_measured_changes_nothing() -> None:
    assert gain_db("") == 0


def test_metadata_that_looks_like_a_summary_does_not_win() -> None:
    assert gain_db(summary("-50.0") + summary("-20.0")) == pytest.approx(4)


def test_a_limiter_follows_the_gain() -> None:
    assert normalise(5.84).startswith("volume=5.8dB,alimiter=limit=0.84")

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.features import interest
from brain.features.interest import Signal
from shared.messages.events import EventKind


def signal(kind: EventKind = EventKind.WATCH, completion: float = 1.0, **fields: object) -> Signal:
    dull = Signal("e1", kind, "v1", "space", "neon_waves", completion, 1_000)
    return dull._replace(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("completion", "boost"),
    [(0.0, -10), (0.1999, -10), (0.2, 0), (0.5, 0), (0.9, 0), (0.9001, 10), (1.0, 10), (3.0, 10)],
)
def test_a_boost_follows_the_specification(completion: float, boost: int) -> None:
    assert interest.boost(completion) == boost


@given(st.integers(-10_000, 10_000))
def test_a_squashed_counter_keeps_its_sign_and_stays_within_one(counter: int) -> None:
    squashed = interest.squash(counter)

    assert -1 <= squashed <= 1
    assert (squashed > 0) == (counter > 0)


def test_a_signal_survives_its_packing() -> None:
    one = signal(completion=0.25, category="", creator_id="")

    assert Signal.unpack(one.pack(), one.at_ms) == one


def test_garbage_is_no_signal() -> None:
    with pytest.raises(ValueError, match=r"unpack|enough"):
        Signal.unpack("garbage", 0)


def test_a_finish_speaks_for_a_skip_and_a_refusal_against() -> None:
    assert interest.weight(signal(completion=1.0)) > interest.weight(signal(completion=0.7)) > 0
    assert interest.weight(signal(completion=0.1)) < 0
    assert interest.weight(signal(EventKind.NOT_INTERESTED)) < interest.weight(signal(completion=0.1))
    assert interest.weight(signal(EventKind.IMPRESSION)) == 0


def test_a_rate_is_shrunk_when_there_is_little_of_it() -> None:
    once = interest.category_rates([signal()])["space"]
    often = interest.category_rates([signal()] * 10)["space"]

    assert 0 < once < often < 1


def test_a_rate_without_a_name_is_left_out() -> None:
    assert interest.creator_rates([signal(creator_id="")]) == {}


def test_the_window_leaves_out_what_is_older() -> None:
    old, new = signal(at_ms=1_000), signal(at_ms=50_000)

    assert interest.window([old, new], now_ms=60_000, window_s=30) == [new]

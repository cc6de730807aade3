"""From how watches ended to survival curves."""

import math
import random

import numpy as np
import pytest

from brain.features import retention
from brain.features.effects import effects_of
from shared.messages.events import EventKind
from shared.messages.retention import Curve
from shared.retention import MAX_POINTS, unpack
from tests.builders import NOW_MS, make_batch, make_event

DAY_S = 86_400.0
NOW_S = NOW_MS / 1000
HALF_LIFE_S = 14 * DAY_S


def levels_of(counts: dict[str, float], at_s: float = NOW_S) -> dict[str, float]:
    return {name: math.log2(n) + at_s / HALF_LIFE_S for name, n in counts.items()}


def counted(counts: dict[str, float], at_s: float = NOW_S) -> retention.Watches:
    return retention.watches(levels_of(counts, at_s), NOW_S, HALF_LIFE_S)


@pytest.mark.parametrize(
    ("watched_ms", "completion", "name"),
    [
        (3_400, 0.34, "e3"),
        (0, 0.0, "e0"),
        (9_600, 0.96, "f10"),
        (31_000, 3.1, "f10"),
        (0, 0.5, ""),
        (130_000, 0.5, "f120"),
        (400_000, 1.0, "f120"),
    ],
)
def test_a_watch_is_counted_by_how_it_ended(watched_ms: int, completion: float, name: str) -> None:
    assert retention.field(make_event(watched_ms=watched_ms, completion=completion)) == name


def test_only_watches_are_counted() -> None:
    effects = effects_of(
        [
            make_batch(
                make_event(EventKind.LIKE),
                make_event(EventKind.IMPRESSION),
                make_event(watched_ms=2_000, completion=0.2, category="space"),
            )
        ]
    )

    (step,) = effects.watches["space"]
    assert (step.video_id, step.field, step.at_ms) == ("v1", "e2", NOW_MS)


def test_a_hazard_is_the_exits_over_those_still_there() -> None:
    counts = counted({"e0": 10, "e2": 30, "f4": 60})

    hazards = retention.hazard(counts, np.zeros(MAX_POINTS), 1e-9)

    assert hazards[:4] == pytest.approx([0.1, 0.0, 1 / 3, 0.0], abs=1e-6)


def test_who_saw_a_short_video_to_its_end_says_nothing_of_later_seconds() -> None:
    counts = counted({"f5": 90, "e8": 5, "f20": 5})

    hazards = retention.hazard(counts, np.zeros(MAX_POINTS), 1e-9)

    assert hazards[8] == pytest.approx(0.5, abs=1e-6)


def test_a_video_that_nobody_watched_has_its_parents_curve() -> None:
    parent = retention.assumed_hazard()

    assert np.array_equal(retention.hazard(counted({}), parent, 20), parent)


def test_the_pseudo_count_is_how_many_viewers_weigh_as_much_as_the_parent() -> None:
    parent = np.full(MAX_POINTS, 0.2)

    hazards = retention.hazard(counted({"f10": 20}), parent, 20)

    assert hazards[:10] == pytest.approx([0.1] * 10)
    assert hazards[10] == 0.2


def test_old_watches_weigh_half_after_a_half_life() -> None:
    assert counted({"e3": 8}, NOW_S - HALF_LIFE_S).weight == pytest.approx(4)


def test_names_that_are_none_are_left_out() -> None:
    assert counted({"e120": 1, "f121": 1, "x3": 1, "e": 1, "e-1": 1}).weight == 0


def test_the_curve_of_many_viewers_is_found_again() -> None:
    rng = random.Random(5)
    shares = [math.exp(-0.1 * second) for second in range(13)]
    counts: dict[str, float] = {}
    for _ in range(4_000):
        watched_s = rng.expovariate(0.1)
        event = make_event(watched_ms=int(min(watched_s, 12) * 1000), completion=min(watched_s, 12) / 12)
        counts[retention.field(event)] = counts.get(retention.field(event), 0) + 1

    hazards = retention.hazard(counted(counts), retention.assumed_hazard(), 20)
    told = retention.curve(hazards, 12, 4_000)

    assert unpack(told.shares)[:12] == pytest.approx(shares[:12], abs=0.03)


def test_a_small_move_is_no_difference() -> None:
    one = Curve(bytes([200, 100]))

    assert not retention.differs(one, Curve(bytes([203, 100])), 0.02)
    assert retention.differs(one, Curve(bytes([208, 100])), 0.02)
    assert retention.differs(one, Curve(bytes([200])), 0.02)
    assert retention.differs(None, one, 0.02)

"""Watch signals to the delta vector, against the recurrence of the design."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.session import deltas
from edge.session.signals import Signal
from shared.messages.events import EventKind


def rows_of(*values: list[float]) -> deltas.F32:
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("kind", "completion", "weight"),
    [
        (EventKind.WATCH, 0.91, 1.0),
        (EventKind.WATCH, 0.9, 0.0),
        (EventKind.WATCH, 0.5, 0.0),
        (EventKind.WATCH, 0.2, 0.0),
        (EventKind.WATCH, 0.19, -1.0),
        (EventKind.WATCH, 2.5, 1.0),
        (EventKind.LIKE, 0.0, 1.5),
        (EventKind.UNLIKE, 0.0, -1.5),
        (EventKind.SHARE, 0.0, 2.0),
        (EventKind.FOLLOW, 0.0, 1.5),
        (EventKind.NOT_INTERESTED, 0.0, -2.0),
        (EventKind.IMPRESSION, 0.0, 0.0),
    ],
)
def test_an_event_weighs_by_its_kind_and_completion(
    kind: EventKind, completion: float, weight: float
) -> None:
    assert deltas.weight(kind, completion) == weight


def test_a_signal_points_to_its_item_away_from_the_mean() -> None:
    mean = rows_of([1.0, 1.0])[0]
    item = rows_of([4.0, 5.0])[0]

    d = deltas.fold(np.zeros(2, np.float32), item, mean, 1.0, 0.9)

    assert d == pytest.approx([0.6, 0.8])


def test_a_skip_points_away_from_its_item() -> None:
    item = rows_of([2.0, 0.0])
    d = deltas.delta([Signal("a", -1.0)], item, np.array([True]), 0.9)

    assert d == pytest.approx([-1.0, 0.0])


def test_a_signal_without_a_vector_still_ages_the_others() -> None:
    signals = [Signal("a", 1.0), Signal("unknown", 1.0)]
    d = deltas.delta(signals, rows_of([1.0, 0.0], [0.0, 0.0]), np.array([True, False]), 0.5)

    assert d == pytest.approx([0.5, 0.0])


def test_the_shift_scales_with_the_users_own_length() -> None:
    d = rows_of([0.0, 1.0])[0]

    assert deltas.shifted(rows_of([3.0, 4.0])[0], d, 0.5) == pytest.approx([3.0, 6.5])


def test_an_unknown_user_is_where_the_session_points() -> None:
    d = rows_of([0.0, 2.0])[0]

    assert deltas.shifted(np.zeros(2, np.float32), d, 1.0) == pytest.approx([0.0, 2.0])


def test_a_zero_row_stays_zero_as_a_unit() -> None:
    assert deltas.unit(rows_of([0.0, 0.0], [0.0, 5.0])).tolist() == [[0.0, 0.0], [0.0, 1.0]]


number = st.floats(-4, 4, width=16)


@given(
    st.lists(
        st.tuples(st.sampled_from([-2.0, -1.0, 1.0, 1.5]), number, number, number), min_size=1, max_size=20
    )
)
def test_the_closed_form_is_the_recurrence(steps: list[tuple[float, float, float, float]]) -> None:
    mean = np.array([0.1, -0.2, 0.3], np.float32)
    items = np.array([step[1:] for step in steps], np.float32)
    d = np.zeros(3, np.float32)
    for (strength, *_), item in zip(steps, items, strict=True):
        d = deltas.fold(d, item, mean, strength, 0.9)

    signals = [Signal(f"v{n}", step[0]) for n, step in enumerate(steps)]
    closed = deltas.delta(signals, items - mean, np.ones(len(steps), bool), 0.9)

    assert closed == pytest.approx(d, abs=1e-4)

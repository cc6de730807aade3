"""How long an origin may take before it counts as hanging."""

from hypothesis import given
from hypothesis import strategies as st

from edge.fills.patience import N_ANSWERS, Patience

LOW_S, HIGH_S = 0.008, 1.0


def after(*took_s: float) -> float:
    """The wait after these answers."""
    patience = Patience(LOW_S, HIGH_S)
    for one_s in took_s:
        patience.answered(one_s)
    return patience.wait_s


def test_an_origin_that_never_answered_gets_all_the_time() -> None:
    assert after() == HIGH_S


def test_an_origin_gets_twice_its_time_within_the_bounds() -> None:
    assert [after(took_s) for took_s in (0.001, 0.08, 3.0)] == [LOW_S, 0.16, HIGH_S]


def test_a_cold_start_is_forgotten_with_the_next_answer() -> None:
    assert after(0.5, 0.002) == LOW_S


def test_a_slow_answer_among_many_changes_nothing() -> None:
    assert after(*[0.002] * N_ANSWERS, 0.007, *[0.002] * 9) == LOW_S


def test_an_origin_that_hung_gets_no_more_time() -> None:
    hung = [5.0, 0.002]

    assert after(0.002, *hung * 20) == LOW_S


def test_an_origin_that_became_slow_gets_more_time_from_its_fourth_slow_answer_on() -> None:
    fast = [0.002] * N_ANSWERS

    assert [after(*fast, *[0.05] * n_slow) for n_slow in (3, 4)] == [LOW_S, 0.1]


def test_one_request_is_timed_at_a_time() -> None:
    patience = Patience(LOW_S, HIGH_S)
    timed = [patience.times(now_s) for now_s in (5, 5.5)]
    patience.answered(0.5)

    assert [*timed, patience.times(5.6)] == [True, False, True]


def test_a_timed_request_without_an_answer_gives_way_to_another() -> None:
    patience = Patience(LOW_S, HIGH_S)

    assert [patience.times(now_s) for now_s in (5, 5 + HIGH_S)] == [True, True]


def test_an_origin_that_became_fast_gets_less_when_the_slow_answers_are_old() -> None:
    assert after(*[0.05] * N_ANSWERS, *[0.002] * N_ANSWERS) == LOW_S


def test_a_lowest_wait_over_the_highest_is_the_highest() -> None:
    assert Patience(2.0, 0.5).wait_s == 0.5


@given(st.lists(st.floats(0, 1e4), max_size=80))
def test_the_wait_keeps_its_bounds(took_s: list[float]) -> None:
    assert LOW_S <= after(*took_s) <= HIGH_S

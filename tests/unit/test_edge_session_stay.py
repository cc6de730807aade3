"""Gain against waste: when the video that the player holds next may move."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.session import intake
from edge.session.arrange import Ranking, View, arrange
from edge.session.player import HeldIn, PlayerIn
from edge.session.state import Session
from edge.session.stay import Stay, gives_way, held_bytes
from edge.session.vectors import ItemVectors
from shared.messages.events import EventKind
from tests.builders import make_event
from tests.edge_builders import make_card, make_rung, make_session, make_table

DANCE, FOOD = [1.0, 0.0], [0.0, 1.0]
RULES = Stay()
SCORES = st.lists(st.floats(-5, 5, width=32), min_size=2, max_size=20)


def f32(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def holding(*events: EventKind, n_bytes: int = 200_000) -> Session:
    """Holds a food clip next, and did this to a dance clip."""
    session = make_session("f1", "f2", "f3", "d1", "d2")
    session.hold(["f1"])
    session.held_bytes = n_bytes
    said = [make_event(kind, "seen", id=str(number), completion=1.0) for number, kind in enumerate(events)]
    intake.apply(session, said)
    vectors = ItemVectors(10)
    rows = {video: DANCE if video[0] == "d" else FOOD for video in session.queue.ids}
    vectors.add(make_table({**rows, "seen": DANCE}))
    arrange(session, View(vectors, lambda _: None, lambda _: False), Ranking())
    return session


def holds(video: str, rung: str, *chunks: tuple[int, int]) -> HeldIn:
    return HeldIn(video=video, rung=rung, chunks=list(chunks))


def first(session: Session) -> str:
    return session.shown()[0].video_id


def test_finishing_a_clip_moves_nothing_that_is_preloaded() -> None:
    assert first(holding(EventKind.WATCH, EventKind.WATCH, EventKind.WATCH)) == "f1"


def test_a_like_moves_what_is_preloaded_when_the_gain_is_worth_it() -> None:
    assert first(holding(EventKind.WATCH, EventKind.LIKE)) == "d1"


def test_many_preloaded_bytes_are_not_thrown_away_for_a_like() -> None:
    assert first(holding(EventKind.WATCH, EventKind.LIKE, n_bytes=5_000_000)) == "f1"


def test_a_cause_counts_once() -> None:
    session = holding(EventKind.LIKE)

    assert session.cause == 0.0


def test_a_new_queue_is_no_cause() -> None:
    assert not gives_way(f32(0, 9), 0, 0, 0.0, RULES)


@given(SCORES, st.integers(0, 10**8), st.floats(0, 5))
def test_the_best_never_gives_way(scores: list[float], n_bytes: int, cause: float) -> None:
    assert not gives_way(f32(*scores), int(np.argmax(scores)), n_bytes, cause, RULES)


@given(SCORES, st.integers(0, 10**7), st.integers(0, 10**7))
def test_more_bytes_are_never_thrown_away_sooner(scores: list[float], one: int, other: int) -> None:
    few, many = sorted((one, other))
    if gives_way(f32(*scores), 0, many, 2.0, RULES):
        assert gives_way(f32(*scores), 0, few, 2.0, RULES)


@pytest.mark.parametrize(
    ("held", "n_bytes"),
    [
        ([], 0),
        ([holds("v", "360p", (0, 0))], 100_000),
        ([holds("v", "360p", (0, 1), (2, 2))], 260_000),
        ([holds("v", "360p", (0, 99))], 260_000),
        ([holds("other", "360p", (0, 2)), holds("v", "1080p", (0, 2))], 0),
    ],
)
def test_held_bytes_are_those_of_the_chunks_that_the_player_names(held: list[HeldIn], n_bytes: int) -> None:
    assert held_bytes(make_card("v"), PlayerIn(video="now", held=held)) == n_bytes


def test_a_player_that_tells_nothing_holds_the_opening() -> None:
    assert held_bytes(make_card("v", rungs=[make_rung(open_bytes=7)]), None) == 7
    assert held_bytes(None, None) == 0

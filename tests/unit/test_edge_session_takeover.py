"""What the brain tells of a session that another edge held."""

from edge.session.signals import Signal
from edge.session.state import Session
from edge.session.takeover import resume
from shared.ids import new_id
from shared.messages.queues import RecentSignal
from tests.builders import NOW_MS

BEGAN_MS = NOW_MS - 60_000


def moved(began_ms: int = BEGAN_MS) -> Session:
    return Session(id=new_id(began_ms, bytes(10)), user_id="u1", version=1)


def recent(video: str, kind: str = "watch", completion: float = 1.0, at_ms: int = NOW_MS) -> RecentSignal:
    return RecentSignal(video, kind, completion, "space", at_ms)


def test_signals_of_the_session_are_taken_as_the_other_edge_weighed_them() -> None:
    session = moved()

    n = resume(session, [recent("a"), recent("a", "like"), recent("b", completion=0.1), recent("c", "share")])

    assert n == 4
    assert session.signals == [
        Signal("a", 1.0, "space", True),
        Signal("a", 1.5, "space"),
        Signal("b", -1.0, "space"),
        Signal("c", 2.0, "space"),
    ]


def test_what_was_before_the_session_is_not_its_own() -> None:
    session = moved()

    assert resume(session, [recent("old", at_ms=BEGAN_MS - 1), recent("new", at_ms=BEGAN_MS)]) == 1
    assert [signal.video_id for signal in session.signals] == ["new"]


def test_what_says_nothing_or_is_not_known_is_left_out() -> None:
    session = moved()

    assert resume(session, [recent("a", completion=0.5), recent("b", "from-the-future")]) == 0
    assert session.signals == []


def test_a_session_with_events_of_its_own_takes_nothing() -> None:
    session = moved()
    session.n_events = 1

    assert resume(session, [recent("a")]) == 0


def test_an_id_that_tells_no_time_takes_nothing() -> None:
    session = Session(id="s1", user_id="u1", version=1)

    assert resume(session, [recent("a")]) == 0

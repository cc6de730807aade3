"""The bounded table of sessions, its snapshot, and the memory of recent events."""

import pytest

from edge.session.recent import Recent
from edge.session.signals import Signal
from edge.session.state import Session
from edge.session.store import SessionLimits, SessionStore
from shared.errors import DecodeError
from tests.edge_builders import make_session


def named(name: str) -> Session:
    return Session(id=name, user_id="u", version=1)


def ids(store: SessionStore) -> list[str]:
    return [session.id for session in store]


def test_the_longest_idle_leaves_when_the_table_is_full() -> None:
    store = SessionStore(SessionLimits(max_sessions=2))
    store.add(named("a"), 1.0)
    store.add(named("b"), 2.0)
    store.touch("a", 3.0)

    assert store.add(named("c"), 4.0) == ["b"]

    assert ids(store) == ["a", "c"]


def test_idle_sessions_expire_and_used_ones_stay() -> None:
    store = SessionStore(SessionLimits(idle_s=10.0))
    store.add(named("a"), 0.0)
    store.add(named("b"), 5.0)

    assert store.expire(10.0) == ["a"]
    assert ids(store) == ["b"]


def test_an_unknown_session_is_not_touched() -> None:
    assert SessionStore(SessionLimits()).touch("nobody", 1.0) is None


def test_a_snapshot_brings_everything_back_with_its_age() -> None:
    store = SessionStore(SessionLimits(idle_s=100.0))
    session = make_session("a", "b", following={"c1": None})
    session.note(Signal("z", 1.5, "dance", True))
    session.see(["a"])
    store.add(session, 1_000.0)

    fresh = SessionStore(SessionLimits(idle_s=100.0))
    assert fresh.unpack(store.pack(1_040.0), 7.0) == 1

    back = fresh.get("s1")
    assert back is not None
    assert back.touched_s == -33.0
    assert (back.queue, back.order, back.seen, back.signals) == (
        session.queue,
        session.order,
        session.seen,
        session.signals,
    )
    assert back.served == session.served


def test_sessions_that_were_idle_too_long_do_not_come_back() -> None:
    store = SessionStore(SessionLimits(idle_s=10.0))
    store.add(named("a"), 0.0)

    assert SessionStore(SessionLimits(idle_s=10.0)).unpack(store.pack(11.0), 500.0) == 0


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x92\x02\x90", b"garbage"])
def test_a_broken_snapshot_is_a_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        SessionStore(SessionLimits()).unpack(data, 0.0)


def test_an_event_is_new_once_until_it_is_forgotten() -> None:
    recent = Recent(2)

    assert recent.add("a")
    assert not recent.add("a")
    assert recent.add("b")
    assert recent.add("c")
    assert recent.add("a")

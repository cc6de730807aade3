from hypothesis import given
from hypothesis import strategies as st

from brain.sessions import Session, SessionTable, next_version, rebuilds_at_once
from shared.messages.events import EventKind
from tests.builders import make_batch, make_event


def test_a_positive_boost_and_strong_signals_rebuild_at_once() -> None:
    assert rebuilds_at_once(make_event(completion=0.95))
    assert not rebuilds_at_once(make_event(completion=0.1))
    for kind in (EventKind.LIKE, EventKind.SHARE, EventKind.FOLLOW, EventKind.NOT_INTERESTED):
        assert rebuilds_at_once(make_event(kind))
    assert not rebuilds_at_once(make_event(EventKind.IMPRESSION))


def test_weak_signals_rebuild_at_every_third_event() -> None:
    table = SessionTable(10, every_events=3)
    batches = [make_batch(make_event(EventKind.IMPRESSION, id=f"e{number}")) for number in range(6)]

    due = [list(table.take([batch])) for batch in batches]

    assert due == [[], [], ["s1"], [], [], ["s1"]]


def test_several_events_ask_once_with_the_latest_cause() -> None:
    table = SessionTable(10, every_events=3)
    batch = make_batch(make_event(id="e1", completion=1.0), make_event(id="e2", video="v2", completion=1.0))

    ((session, cause),) = table.take([batch]).values()

    assert (session.edge_id, session.region, cause) == ("e1", "local", "e2")


def test_a_session_moves_with_its_viewer_to_another_edge() -> None:
    table = SessionTable(10, 3)
    first = table.heard("s1", "u1", "e1", "eu")

    assert table.heard("s1", "u1", "e2", "us") is first
    assert first.edge_id == "e2"


def test_the_least_recent_session_is_forgotten() -> None:
    table = SessionTable(2, 3)
    for name in ("s1", "s2", "s1", "s3"):
        table.heard(name, "u", "e", "r")
    former = table.heard("s1", "u", "e", "r")
    former.version = 7

    assert len(table) == 2
    assert table.heard("s1", "u", "e", "r").version == 7
    assert table.heard("s2", "u", "e", "r").version == 0


@given(st.lists(st.integers(0, 10**13), min_size=1))
def test_versions_always_grow_even_when_the_clock_does_not(clock: list[int]) -> None:
    session = Session("s", "u", "e", "r")

    versions = [next_version(session, now_ms) for now_ms in clock]

    assert versions == sorted(set(versions))
    assert versions[0] >= clock[0]

"""The session's queue, seen set and held head, against hand-made cases and random walks."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from edge.session.signals import MAX_SIGNALS, Signal
from edge.session.state import MAX_QUEUE, MAX_SEEN, MAX_SERVED, Session
from tests.edge_builders import make_candidates, make_queue, make_session


def videos_of(session: Session) -> list[str]:
    return [item.video_id for item in session.shown()]


def test_a_pushed_queue_replaces_the_held_one() -> None:
    session = make_session("a", "b")

    assert session.merge(make_queue("c", "d", version=2))

    assert videos_of(session) == ["c", "d"]


def test_the_latest_version_wins_when_pushes_overtake_each_other() -> None:
    session = make_session()
    session.merge(make_queue("new", version=9))

    assert not session.merge(make_queue("old", version=8))
    assert not session.merge(make_queue("same", version=9))

    assert videos_of(session) == ["new"]


def test_a_pushed_queue_loses_what_was_seen_and_what_is_on_screen() -> None:
    session = make_session("a", "b", "c", current="c")
    session.see(["a"])

    session.merge(make_queue("a", "b", "c", "d", version=2))

    assert videos_of(session) == ["b", "d"]


def test_the_seen_videos_of_a_pushed_queue_are_remembered() -> None:
    session = make_session()

    session.merge(make_queue("a", "b", seen=["b", "z"]))

    assert videos_of(session) == ["a"]
    assert list(session.seen) == ["b", "z"]


def test_a_video_that_comes_twice_in_a_push_is_queued_once() -> None:
    assert videos_of(make_session("a", "b", "a")) == ["a", "b"]


def test_the_held_head_stays_first_when_a_queue_is_pushed() -> None:
    session = make_session("a", "b", "c")
    session.hold(["b"])

    session.merge(make_queue("x", "b", "y", version=2))

    assert videos_of(session) == ["b", "x", "y"]


def test_the_held_head_stays_when_the_pushed_queue_no_longer_has_it() -> None:
    session = make_session("a", "b", "c")
    session.hold(["b"])

    session.merge(make_queue("x", "y", version=2))

    assert videos_of(session) == ["b", "x", "y"]


def test_holding_passes_over_what_is_not_queued() -> None:
    session = make_session("a", "b")

    session.hold(["gone", "b", "a"])

    assert session.held == "b"


def test_a_dropped_head_is_no_longer_held() -> None:
    session = make_session("a", "b")
    session.hold(["a"])

    assert session.drop({"a"})

    assert session.held == ""
    assert videos_of(session) == ["b"]


def test_seeing_a_video_keeps_what_it_was_shown_for() -> None:
    session = make_session("a", "b")

    session.see(["a"])

    assert session.served["a"].score == 1.0
    assert videos_of(session) == ["b"]


def test_every_visible_change_grows_the_version() -> None:
    session = make_session("a", "b", "c")
    versions = [session.version]
    for change in (
        lambda: session.arrange(array("H", [2, 1, 0]), True),
        lambda: session.see(["a"]),
        lambda: session.drop({"b"}),
        lambda: session.extend(make_candidates("x")),
        lambda: session.merge(make_queue("y", version=7)),
    ):
        change()
        versions.append(session.version)

    assert versions == sorted(set(versions))


def test_what_changes_nothing_leaves_the_version() -> None:
    session = make_session("a", "b")
    before = session.version

    session.arrange(array("H", [0, 1]), False)
    session.see([])
    session.drop({"unknown"})
    session.extend(make_candidates("a"))

    assert session.version == before


def test_fallback_candidates_come_after_the_queue_and_only_when_new() -> None:
    session = make_session("a", "b")
    session.see(["s"])

    assert session.extend(make_candidates("b", "s", "x"))

    assert videos_of(session) == ["a", "b", "x"]


def test_forgotten_videos_may_be_queued_again() -> None:
    session = make_session()
    session.see(["a", "b"])

    session.forget_seen(["a"])
    session.extend(make_candidates("a", "b"))

    assert videos_of(session) == ["a"]


def test_a_creator_is_followed_until_unfollowed() -> None:
    session = make_session()

    session.follow("c1", True)
    session.follow("c2", True)
    session.follow("c1", False)

    assert list(session.following) == ["c2"]


def test_everything_a_session_remembers_is_bounded() -> None:
    session = make_session(*(f"v{n}" for n in range(MAX_QUEUE + 50)))
    session.extend(make_candidates("one-more"))
    for n in range(MAX_SIGNALS + 5):
        session.note(Signal(f"v{n}", 1.0))
    session.see([f"v{n}" for n in range(MAX_SEEN + 10)])

    assert len(session.queue) <= MAX_QUEUE
    assert len(session.signals) == MAX_SIGNALS
    assert len(session.seen) == MAX_SEEN
    assert "v0" not in session.seen
    assert len(session.served) == MAX_SERVED


names = st.sampled_from([f"v{n}" for n in range(12)])
step = st.one_of(
    st.tuples(st.just("see"), st.lists(names, max_size=3)),
    st.tuples(st.just("drop"), st.lists(names, max_size=3)),
    st.tuples(st.just("hold"), st.lists(names, max_size=3)),
    st.tuples(st.just("merge"), st.lists(names, max_size=8)),
    st.tuples(st.just("extend"), st.lists(names, max_size=8)),
    st.tuples(st.just("reverse"), st.just([])),
)


@given(st.lists(step, max_size=30))
def test_any_walk_keeps_order_a_permutation_and_the_queue_unseen(walk: list[tuple[str, list[str]]]) -> None:
    session = make_session()
    for number, (action, videos) in enumerate(walk, start=2):
        if action == "see":
            session.see(videos)
        elif action == "drop":
            session.drop(set(videos))
        elif action == "hold":
            session.hold(videos)
        elif action == "merge":
            session.merge(make_queue(*videos, version=number))
        elif action == "extend":
            session.extend(make_candidates(*videos))
        else:
            session.arrange(session.order[::-1], True)

        queued = [item.video_id for item in session.queue]
        assert sorted(session.order) == list(range(len(queued)))
        assert len(set(queued)) == len(queued)
        assert not set(queued) & set(session.seen)
        assert session.held in ("", *queued)

"""What a player may post: limits, reasons, global ids, and what an event does to the session."""

import pytest

from edge.session import intake
from edge.session.intake import EventIn, EventsIn
from shared.errors import InvalidId, InvalidRequest
from shared.messages.events import EventKind, ViewEvent
from shared.messages.queues import Source
from tests.edge_builders import make_candidates, make_card, make_session


def made(event: EventIn, now_ms: int = 100_000_000) -> ViewEvent:
    return intake.view_event(make_session("a"), event, make_card("a"), "e1", now_ms)


def watched(video: str, completion: float, **changes: str) -> ViewEvent:
    fields = {"category": "dance", "creator_id": "c1"} | changes
    return ViewEvent(
        id=f"e-{video}",
        kind=EventKind.WATCH,
        user_id="u1",
        session_id="s1",
        video_id=video,
        at_ms=0,
        completion=completion,
        category=fields["category"],
        creator_id=fields["creator_id"],
    )


def test_a_body_at_its_limits_is_taken() -> None:
    events = [EventIn(kind="watch", video="v")] * intake.MAX_EVENTS

    intake.check_events(EventsIn(events=events, held=["v"] * intake.MAX_HELD, n=intake.MAX_ITEMS))


@pytest.mark.parametrize(
    ("body", "limit"),
    [
        (EventsIn(events=[EventIn(kind="watch", video="v")] * 65), "64"),
        (EventsIn(held=["v"] * 17), "16"),
        (EventsIn(n=0), "20"),
        (EventsIn(n=21), "20"),
    ],
)
def test_a_body_over_a_limit_is_refused_with_the_limit(body: EventsIn, limit: str) -> None:
    with pytest.raises(InvalidRequest, match=limit):
        intake.check_events(body)


@pytest.mark.parametrize("body", [EventsIn(current="../etc"), EventsIn(held=["ok", "not ok"])])
def test_a_body_with_a_bad_id_is_refused(body: EventsIn) -> None:
    with pytest.raises(InvalidId, match="video id"):
        intake.check_events(body)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (EventIn(kind="watch", video="v"), ""),
        (EventIn(kind="watch", video="v", completion=3.0, id="e", position=4), ""),
        (EventIn(kind="comment", video="v", text="nice"), ""),
        (EventIn(kind="stare", video="v"), "unknown kind 'stare'"),
        (EventIn(kind="watch", video="a b"), "video id"),
        (EventIn(kind="watch", video="v", id="x" * 65), "event id"),
        (EventIn(kind="watch", video="v", completion=-0.1), "completion must be 0 to 100"),
        (EventIn(kind="watch", video="v", watched_ms=-1), "watched_ms"),
        (EventIn(kind="watch", video="v", position=-1), "position"),
        (EventIn(kind="comment", video="v", text=" "), "needs a text"),
        (EventIn(kind="comment", video="v", text="x" * 501), "500 characters"),
    ],
)
def test_a_bad_event_is_named_by_its_reason(event: EventIn, reason: str) -> None:
    found = intake.problem(event)

    assert reason in found
    assert bool(found) == bool(reason)


def test_a_retry_has_the_same_global_id_and_another_user_another() -> None:
    assert intake.global_id("u1", "e1") == intake.global_id("u1", "e1")
    assert intake.global_id("u1", "e1") != intake.global_id("u2", "e1")
    assert len(intake.global_id("u1", "e1")) == 26


def test_an_event_travels_with_what_the_edge_knows_of_the_video() -> None:
    session = make_session()
    session.extend(make_candidates("a", source=Source.EXPLORE))
    event = intake.view_event(session, EventIn(kind="like", video="a"), make_card("a"), "e1", 5)

    assert (event.category, event.creator_id, event.source) == ("dance", "by-a", Source.EXPLORE)


def test_an_event_of_a_video_that_left_the_queue_keeps_its_source() -> None:
    session = make_session("a")
    session.see(["a"])

    event = intake.view_event(session, EventIn(kind="like", video="a"), None, "e1", 5)

    assert (event.source, event.category) == (Source.VECTORS, "")


@pytest.mark.parametrize(
    ("at_ms", "believed"),
    [(None, 100_000_000), (99_999_000.7, 99_999_000), (100_000_001, 100_000_000), (5, 13_600_000)],
)
def test_a_players_clock_is_believed_within_a_day_and_never_ahead(at_ms: float | None, believed: int) -> None:
    assert made(EventIn(kind="watch", video="a", at_ms=at_ms)).at_ms == believed


def test_an_unplaced_event_is_counted_by_the_session() -> None:
    session = make_session(n_events=7)

    assert intake.view_event(session, EventIn(kind="watch", video="a"), None, "e", 0).position == 7


def test_a_finished_video_is_seen_and_remembered_as_a_finish() -> None:
    session = make_session("a", "b")

    intake.apply(session, [watched("a", 1.0)])

    assert [item.video_id for item in session.queue] == ["b"]
    assert session.signals[0].is_finish
    assert session.n_events == 1


def test_a_half_watched_video_is_seen_without_a_signal() -> None:
    session = make_session("a")

    intake.apply(session, [watched("a", 0.5)])

    assert session.signals == []
    assert list(session.seen) == ["a"]


def test_an_unwanted_video_is_returned_and_leaves_the_queue() -> None:
    session = make_session("a", "b", held="a")
    event = intake.view_event(session, EventIn(kind="not_interested", video="a"), make_card("a"), "e", 0)

    assert intake.apply(session, [event]) == {"a"}

    assert session.held == ""
    assert session.signals[0].weight == -2.0


def test_a_follow_is_remembered_by_creator() -> None:
    session = make_session("a")
    event = intake.view_event(session, EventIn(kind="follow", video="a"), make_card("a"), "e", 0)

    intake.apply(session, [event])

    assert list(session.following) == ["by-a"]
    assert [item.video_id for item in session.queue] == ["a"]

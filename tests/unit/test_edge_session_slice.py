"""The answer to a player: items, reasons, the plan, and where the order came from."""

import pytest

from edge.prefetch.warming import PlanLimits
from edge.session import slice as slices
from edge.session.signals import Signal
from edge.session.state import Session
from edge.session.why import reason
from shared.messages.catalog import VideoCard
from shared.messages.queues import Candidate, Source
from tests.edge_builders import make_candidates, make_card, make_queue, make_rung, make_session

CARDS = {video: make_card(video) for video in "abcdef"}


def sliced(session: Session, n: int = 5, cards: dict[str, VideoCard] | None = None) -> slices.Slice:
    known = CARDS if cards is None else cards
    return slices.build(session, slices.upcoming(session, known.get, max(n, 3)), n, PlanLimits())


def test_a_slice_has_the_next_videos_in_the_order_shown() -> None:
    session = make_session("a", "b", "c", order=[2, 0, 1], is_reranked=True)

    answer = sliced(session, n=2)

    assert [item.video for item in answer.items] == ["c", "a"]
    assert [item.why.rank_moved for item in answer.items] == [2, -1]
    assert answer.items[0].master == "/v/c/master.m3u8"
    assert answer.origin == "local"


def test_the_plan_names_the_opening_chunks_of_the_next_three() -> None:
    plan = sliced(make_session("a", "b", "c", "d"), n=1).plan

    assert [step.video for step in plan] == ["a", "b", "c"]
    assert plan[0].url == "/v/a/360p-0123456789abcdef/open.mp4"
    assert (plan[0].rung, plan[0].bytes) == ("360p", 100_000)


def test_a_video_without_a_card_or_a_rung_is_passed_over() -> None:
    cards = {"b": make_card("b", rungs=[]), "c": make_card("c")}

    assert [item.video for item in sliced(make_session("a", "b", "c"), cards=cards).items] == ["c"]


def test_the_video_on_screen_is_not_in_the_slice() -> None:
    assert [item.video for item in sliced(make_session("a", "b", current="a")).items] == ["b"]


@pytest.mark.parametrize("source", [Source.FALLBACK_TRENDING, Source.FALLBACK_CACHED])
def test_a_slice_says_which_fallback_it_came_from(source: Source) -> None:
    session = make_session()
    session.extend(make_candidates("a", source=source))

    assert sliced(session).origin == source


def test_the_brains_own_order_is_called_so() -> None:
    assert sliced(make_session("a")).origin == "brain"
    assert sliced(make_session()).items == []


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (Source.TRENDING, "trending in your region"),
        (Source.FRESH, "new"),
        (Source.EXPLORE, "trying something new"),
        ("something else", "picked for you"),
    ],
)
def test_a_reason_names_the_source(source: str, text: str) -> None:
    assert reason(make_session(), Candidate("a", 1.0, source), CARDS["a"], 0) == text


def test_a_reason_counts_the_clips_that_were_finished() -> None:
    session = make_session()
    for n in range(3):
        session.note(Signal(f"v{n}", 1.0, "dance", True))

    text = reason(session, make_candidates("a")[0], CARDS["a"], 4)

    assert text == "because you finished 3 dance clips"


def test_a_reason_tells_a_like_from_a_skip() -> None:
    liked, skipped = make_session(), make_session()
    liked.note(Signal("v", 1.5, "dance"))
    skipped.note(Signal("v", -1.0, "food"))

    assert reason(liked, make_candidates("a")[0], CARDS["a"], 1) == "because you liked dance"
    assert reason(skipped, make_candidates("a")[0], CARDS["a"], 1) == "instead of what you skipped"


def test_a_followed_creator_is_the_first_reason() -> None:
    session = make_session(following={"by-a": None})

    assert reason(session, make_candidates("a")[0], CARDS["a"], 0) == "from a creator you follow"


def test_a_named_start_rung_is_planned() -> None:
    card = make_card("a", rungs=[make_rung("360p"), make_rung("540p", open_bytes=7)])
    session = make_session("a")
    found = slices.build(
        session, slices.upcoming(session, {"a": card}.get, 3), 1, PlanLimits(start_rung="540p")
    )

    assert (found.plan[0].rung, found.plan[0].bytes) == ("540p", 7)


def test_queue_version_and_model_are_the_brains() -> None:
    session = make_session()
    session.merge(make_queue("a", version=77, model="m9"))

    answer = sliced(session)

    assert (answer.queue_version, answer.model) == (77, "m9")

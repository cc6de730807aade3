"""What is shown when the brain is silent."""

from edge.feed import fallback
from shared.messages.queues import Candidate, Source
from tests.edge_builders import make_candidates, make_card


def ids(candidates: list[Candidate]) -> list[str]:
    return [one.video_id for one in candidates]


def test_trending_leaves_out_the_seen_and_the_unknown() -> None:
    found = fallback.trending(make_candidates("a", "b", "c"), {"a"}, lambda video: video != "c")

    assert ids(found) == ["b"]
    assert found[0].source == Source.FALLBACK_TRENDING


def test_fresh_prefers_what_is_warm_then_what_is_new() -> None:
    cards = [make_card("old", created_ms=1), make_card("new", created_ms=3), make_card("warm", created_ms=2)]

    found = fallback.fresh(cards, set(), lambda card: card.id == "warm")

    assert ids(found) == ["warm", "new", "old"]
    assert found[0].source == Source.FALLBACK_CACHED


def test_fresh_leaves_out_the_seen_and_the_unplayable() -> None:
    cards = [make_card("a"), make_card("b", rungs=[]), make_card("c")]

    assert ids(fallback.fresh(cards, {"a"}, lambda card: True)) == ["c"]


def test_the_longest_ago_seen_come_again_first() -> None:
    assert fallback.again(["a", "b", "c", "d"], lambda video: True, "d") == ["a", "b"]


def test_the_video_on_screen_comes_again_only_when_it_is_the_only_one() -> None:
    assert fallback.again(["a", "b"], lambda video: True, "b") == ["a"]
    assert fallback.again(["a"], lambda video: True, "a") == ["a"]
    assert fallback.again([], lambda video: True, "") == []


def test_earlier_lists_fill_first_and_no_video_twice() -> None:
    filled = fallback.fill(3, make_candidates("a", "b"), make_candidates("b", "c", "d"))

    assert ids(filled) == ["a", "b", "c"]


def test_short_lists_give_what_they_have() -> None:
    assert ids(fallback.fill(9, [], make_candidates("a"))) == ["a"]

"""What is found among the cards at hand."""

import pytest

from edge.feed.search import local, tags
from shared.messages.search import FoundTag
from tests.edge_builders import make_card

CARDS = [
    make_card("old", caption="Night lights of Tokyo", hashtags=["neon", "city"], created_ms=1),
    make_card("new", caption="Lights out", hashtags=["neon"], created_ms=2, creator_name="Mika"),
    make_card("bare", caption="Lights, no rungs", rungs=[]),
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("lights", ["new", "old"]),
        ("LIGHTS tok", ["old"]),
        ("#neon", ["new", "old"]),
        ("#neo", []),
        ("mika lights", ["new"]),
        ("  ", []),
    ],
)
def test_every_word_must_be_there_and_the_newest_comes_first(query: str, found: list[str]) -> None:
    assert [card.id for card in local(CARDS, query, 10)] == found


def test_no_more_are_found_than_asked_for() -> None:
    assert len(local(CARDS, "lights", 1)) == 1


def test_hashtags_are_counted_once_a_video() -> None:
    assert tags(CARDS[:2], 2) == [FoundTag("neon", 2, 1.0), FoundTag("city", 1, 0.5)]
    assert tags([], 5) == []

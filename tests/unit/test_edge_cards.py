"""The card cache against a scripted origin: order of changes, tombstones, freshness, saving."""

from collections.abc import Sequence

import pytest

from edge.bounded import BoundedCache
from edge.feed.cards import CardCache, CardLimits
from shared.errors import DecodeError, Unavailable
from shared.messages.catalog import VideoCard
from shared.messages.reads import CardPage
from tests.edge_builders import make_card


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s

    def wall_ms(self) -> int:
        return int(self.now_s * 1_000)


class Shop:
    """Cards to fetch; counts what was asked."""

    def __init__(self, *cards: VideoCard) -> None:
        self.cards = {card.id: card for card in cards}
        self.asked: list[list[str]] = []
        self.is_away = False

    async def fetch(self, ids: Sequence[str]) -> CardPage:
        self.asked.append(list(ids))
        if self.is_away:
            raise Unavailable("away")
        found = [self.cards[video] for video in ids if video in self.cards]
        return CardPage(found, [video for video in ids if video not in self.cards])


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def cache_of(clock: FakeClock, shop: Shop | None = None, max_cards: int = 100) -> CardCache:
    return CardCache(CardLimits(max_cards=max_cards), clock, (shop or Shop()).fetch)


def test_the_later_change_of_a_video_wins(clock: FakeClock) -> None:
    cards = cache_of(clock)
    assert cards.publish(make_card("a", likes=2), 2)

    assert not cards.publish(make_card("a", likes=1), 1)

    assert cards.get("a") == make_card("a", likes=2)


async def test_a_late_answer_does_not_bring_a_withdrawn_video_back(clock: FakeClock) -> None:
    shop = Shop(make_card("a"))
    cards = cache_of(clock, shop)
    assert cards.withdraw("a", 5)

    await cards.fetch_now(["a"])
    assert not cards.publish(make_card("a"), 4)

    assert cards.get("a") is None
    assert shop.asked == []


def test_a_video_that_is_published_anew_is_back(clock: FakeClock) -> None:
    cards = cache_of(clock)
    cards.withdraw("a", 5)

    assert cards.publish(make_card("a"), 6)

    assert not cards.is_withdrawn("a")
    assert not cards.withdraw("a", 5)


async def test_an_unknown_video_is_not_asked_for_again_and_again(clock: FakeClock) -> None:
    shop = Shop()
    cards = cache_of(clock, shop)
    await cards.fetch_now(["x"])
    await cards.fetch_now(["x"])
    clock.now_s += 31

    await cards.fetch_now(["x"])

    assert shop.asked == [["x"], ["x"]]


async def test_what_is_held_is_not_fetched(clock: FakeClock) -> None:
    shop = Shop(make_card("a"), make_card("b"))
    cards = cache_of(clock, shop)
    cards.publish(make_card("a"), 1)

    await cards.fetch_now(["a", "b"])

    assert shop.asked == [["b"]]
    assert cards.get("b") is not None


async def test_an_origin_that_is_away_is_told_and_takes_nothing(clock: FakeClock) -> None:
    shop = Shop()
    shop.is_away = True
    cards = cache_of(clock, shop)
    cards.publish(make_card("a"), 1)

    with pytest.raises(Unavailable):
        await cards.fetch_now(["b"])

    assert cards.get("a") is not None


async def test_the_least_used_card_leaves_a_full_cache(clock: FakeClock) -> None:
    cards = cache_of(clock, max_cards=2)
    cards.publish(make_card("a"), 1)
    cards.publish(make_card("b"), 2)
    cards.want(["a"])
    cards.publish(make_card("c"), 3)

    assert [video for video in "abc" if cards.get(video)] == ["a", "c"]


def test_the_newest_are_those_created_last(clock: FakeClock) -> None:
    cards = cache_of(clock)
    for seq, video in enumerate("abc", start=1):
        cards.publish(make_card(video, created_ms=seq), seq)

    assert [card.id for card in cards.newest(2)] == ["c", "b"]


def test_saved_cards_come_back_but_not_over_newer_ones(clock: FakeClock) -> None:
    cards = cache_of(clock)
    cards.publish(make_card("a", likes=1), 1)
    cards.publish(make_card("gone"), 2)
    cards.last_seq = 2
    data = cards.pack()

    fresh = cache_of(clock)
    fresh.publish(make_card("a", likes=9), 9)
    fresh.withdraw("gone", 10)
    fresh.unpack(data)

    assert fresh.get("a") == make_card("a", likes=9)
    assert fresh.get("gone") is None
    assert fresh.last_seq == 2


def test_damaged_saved_cards_are_a_decode_error(clock: FakeClock) -> None:
    with pytest.raises(DecodeError):
        cache_of(clock).unpack(b"\x93nonsense")


async def test_aiocaches_own_calls_and_ours_see_the_same_entries() -> None:
    cache: BoundedCache[int] = BoundedCache(2)
    await cache.set("a", 1)
    cache.put("b", 2)
    assert await cache.get("a") == 1
    await cache.set("c", 3, ttl=60)

    assert (cache.peek("a"), cache.peek("b"), cache.peek("c")) == (1, None, 3)
    await cache.clear()
    assert len(cache) == 0

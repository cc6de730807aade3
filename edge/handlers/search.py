"""`/v1/search` and `/v1/trends`: the brain's answer with the cards, or what is at hand while it is silent."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol

import msgspec
from aiohttp import web

from edge import metrics
from edge.bounded import BoundedCache
from edge.feed import search
from edge.feed.cards import CardCache
from shared.clock import Clock
from shared.errors import DecodeError, InvalidRequest, ServiceError, Unavailable
from shared.messages.catalog import VideoCard
from shared.messages.queues import TrendingList
from shared.messages.search import FoundCreator, FoundTag, SearchAnswer
from shared.web import json_response

MAX_QUERY_CHARS = 200
DEFAULT_FOUND, MAX_FOUND = 20, 50
N_TAGS = 30
N_LOCAL = 5_000
"""Cards that are looked through while the brain is silent."""
KEPT, FRESH_S = 1_000, 3.0
"""Answers that are kept, and how long they serve the same words again."""
_FIELDS = {"Cache-Control": "no-cache"}


class Brain(Protocol):
    """Who knows all videos."""

    async def search(self, query: str, n: int) -> SearchAnswer:
        """Raises Unavailable, DecodeError."""
        ...


class FoundVideo(msgspec.Struct, frozen=True):
    """One video, as in a slice."""

    video: str
    base: str
    master: str
    card: VideoCard


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Answer to a search, or to a look at the trends. `origin`: brain, or local."""

    query: str = ""
    origin: str
    videos: list[FoundVideo]
    hashtags: list[FoundTag]
    creators: list[FoundCreator] = []


class Sources(NamedTuple):
    """What the handler reads."""

    brain: Brain
    cards: CardCache
    trending: Callable[[], TrendingList | None]
    media_base: Callable[[str, float], str]


class SearchHandler:
    """Answers searches. At most KEPT answers are held."""

    def __init__(self, sources: Sources, clock: Clock) -> None:
        self._from = sources
        self._clock = clock
        self._kept: BoundedCache[tuple[SearchAnswer, float]] = BoundedCache(KEPT)

    async def search(self, request: web.Request) -> web.Response:
        """Videos, hashtags and creators for `q`."""
        query, n = request.query.get("q", ""), _number(request)
        if not 0 < len(query.strip()) <= MAX_QUERY_CHARS:
            raise InvalidRequest(f"q has 1 to {MAX_QUERY_CHARS} characters", limit=MAX_QUERY_CHARS)
        try:
            answer = await self._asked(query, n)
            await self._fetched(answer.videos)
        except (Unavailable, DecodeError):
            return self._told_locally(query, n)
        metrics.SEARCHES.labels("brain").inc()
        told = Found(
            query=query,
            origin="brain",
            videos=self._known(answer.videos),
            hashtags=answer.hashtags,
            creators=answer.creators,
        )
        return json_response(told, headers=_FIELDS)

    async def trends(self, request: web.Request) -> web.Response:
        """The region's trending videos and hashtags."""
        n, trending = _number(request), self._from.trending()
        if trending is None:
            newest = [card for card in self._from.cards.newest(N_LOCAL) if card.rungs]
            videos = [self._item(card) for card in newest[:n]]
            tags = search.tags(newest, N_TAGS)
            return json_response(Found(origin="local", videos=videos, hashtags=tags), headers=_FIELDS)
        videos = self._known(item.video_id for item in trending.items)[:n]
        return json_response(
            Found(origin="brain", videos=videos, hashtags=trending.hashtags[:N_TAGS]), headers=_FIELDS
        )

    async def _asked(self, query: str, n: int) -> SearchAnswer:
        key, now_s = f"{n} {query}", self._clock.monotonic()
        kept = self._kept.peek(key)
        if kept is not None and now_s - kept[1] < FRESH_S:
            return kept[0]
        answer = await self._from.brain.search(query, n)
        self._kept.put(key, (answer, now_s))
        return answer

    async def _fetched(self, videos: list[str]) -> None:
        """Ask for the cards that are not here; without the origin, those at hand are shown."""
        try:
            await self._from.cards.fetch_now(videos)
        except ServiceError as exc:
            metrics.CARD_FETCHES.labels(exc.code).inc()

    def _told_locally(self, query: str, n: int) -> web.Response:
        metrics.SEARCHES.labels("local").inc()
        cards = search.local(self._from.cards.newest(N_LOCAL), query, n)
        found = Found(
            query=query,
            origin="local",
            videos=[self._item(card) for card in cards],
            hashtags=search.tags(cards, N_TAGS),
        )
        return json_response(found, headers=_FIELDS)

    def _known(self, videos: Iterable[str]) -> list[FoundVideo]:
        cards = (self._from.cards.get(video) for video in videos)
        return [self._item(card) for card in cards if card is not None and card.rungs]

    def _item(self, card: VideoCard) -> FoundVideo:
        base = self._from.media_base(card.id, self._clock.wall_ms() / 1000)
        return FoundVideo(card.id, base, f"{base}master.m3u8", card)


def _number(request: web.Request) -> int:
    text = request.query.get("n", str(DEFAULT_FOUND))
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 0 < int(text) <= MAX_FOUND):
        raise InvalidRequest(f"n is a number from 1 to {MAX_FOUND}, got {text[:40]!r}", limit=MAX_FOUND)
    return int(text)

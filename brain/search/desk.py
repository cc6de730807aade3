"""Search on the bus: keeps the index equal to the catalogue and answers edges.

Words find videos; how a word begins finds hashtags and creators. What trends in the edge's region counts up
to twice.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from itertools import islice
from typing import NamedTuple

from brain.metrics import SEARCH_SECONDS, SEARCHABLE
from brain.search.index import SearchIndex
from brain.search.names import Names
from brain.search.words import fold, parse
from shared.clock import Clock
from shared.messages.catalog import VideoCard
from shared.messages.search import FoundCreator, FoundTag, SearchAnswer, SearchRequest

log = logging.getLogger(__name__)

COMMIT_S = 0.5
"""A new video is found after so long."""
BATCH = 5_000
MAX_FOUND = 100
N_NAMES = 10
_SEPARATOR = "\0"


class _Known(NamedTuple):
    tags: tuple[str, ...]
    creator: str


class SearchDesk:
    """Owner of the index, the names and what waits to be indexed."""

    def __init__(
        self, index: SearchIndex, trending: Callable[[str], Mapping[str, float]], clock: Clock
    ) -> None:
        self._index = index
        self._trending = trending
        self._clock = clock
        self._waiting: dict[str, VideoCard | None] = {}
        self._known: dict[str, _Known] = {}
        self._tags, self._creators = Names(), Names()
        self._wake = asyncio.Event()

    def hear(self, video: str, card: VideoCard | None) -> None:
        """A video is new, changed, or (None) gone."""
        former = self._known.pop(video, None)
        if former is not None:
            self._count(former, -1)
        if card is not None:
            creator = _SEPARATOR.join((fold(card.creator_name), card.creator_id, card.creator_name))
            self._known[video] = _Known(tuple(dict.fromkeys(card.hashtags)), creator)
            self._count(self._known[video], 1)
        self._waiting[video] = card
        self._wake.set()

    async def run(self) -> None:
        """Index what waits, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = dict(islice(self._waiting.items(), BATCH))
                await asyncio.to_thread(self._index.apply, batch.items())
                for video, card in batch.items():
                    if self._waiting[video] is card:
                        del self._waiting[video]
                SEARCHABLE.set(len(self._known))
            await asyncio.sleep(COMMIT_S)

    async def answer(self, request: SearchRequest) -> SearchAnswer:
        """What fits the query, best first. An empty one finds nothing."""
        began_s = self._clock.monotonic()
        n = max(1, min(request.n, MAX_FOUND))
        query = parse(request.query)
        found = await asyncio.to_thread(self._index.find, query, 2 * n)
        trending = self._trending(request.region)
        ranked = sorted(found, key=lambda hit: -hit[1] * (1.0 + trending.get(hit[0], 0.0)))
        begins = fold(request.query.strip().lstrip("#"))
        answer = SearchAnswer(
            videos=[video for video, _ in ranked if video in self._known][:n],
            hashtags=[FoundTag(tag, n_videos) for tag, n_videos in self._begin(self._tags, begins)],
            creators=[_creator(name, n_videos) for name, n_videos in self._begin(self._creators, begins)],
        )
        SEARCH_SECONDS.observe(self._clock.monotonic() - began_s)
        return answer

    def _begin(self, names: Names, begins: str) -> list[tuple[str, int]]:
        return names.starting(begins, N_NAMES) if begins else []

    def _count(self, known: _Known, n: int) -> None:
        for tag in known.tags:
            self._tags.add(tag, n)
        self._creators.add(known.creator, n)


def _creator(name: str, n_videos: int) -> FoundCreator:
    _, creator, told = name.split(_SEPARATOR, 2)
    return FoundCreator(creator, told, n_videos)

"""Catalogues, viewers and events for the brain's tests, with dull defaults."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from brain.features.effects import effects_of
from brain.features.memory_store import MemoryFeatureStore
from brain.items import ItemTable
from brain.pipeline import Built, Pipeline, PipelineConfig, World
from brain.space import ItemModel, VectorSpace
from brain.training.content import ContentModel
from shared.messages.catalog import CatalogEvent
from shared.messages.events import EventKind, ViewEvent
from tests.builders import NOW_MS, make_batch, make_card, make_catalog_event, make_event

CATEGORIES = ("cooking", "space", "cats", "dance", "diy", "travel", "music", "sport")
HOUR_MS = 3_600_000
_ids = itertools.count()


def catalogue(n: int, n_creators: int = 40, categories: Sequence[str] = CATEGORIES) -> Iterable[CatalogEvent]:
    """n published videos, `v0` up, one category after the other, an hour apart, the first the newest."""
    for number in range(n):
        category = categories[number % len(categories)]
        card = make_card(
            f"v{number}",
            creator_id=f"creator{number // len(categories) % n_creators}",
            category=category,
            hashtags=[f"{category}{number % 3}", f"common{number % 5}"],
            created_ms=NOW_MS - number * HOUR_MS,
            duration_ms=10_000,
        )
        yield make_catalog_event(f"v{number}", seq=number + 1, card=card)


def table_of(events: Iterable[CatalogEvent]) -> ItemTable:
    """A table with these events applied."""
    table = ItemTable()
    for event in events:
        table.apply(event)
    return table


def world_of(n: int, model: ItemModel | None = None, n_creators: int = 40) -> World:
    """A catalogue of n videos with vectors, without trends."""
    table = table_of(catalogue(n, n_creators))
    space = VectorSpace(model or ContentModel())
    space.extend(table.items)
    return World(table, space)


def pipeline_of(seed: int = 0, monotonic: Callable[[], float] = lambda: 0.0) -> Pipeline:
    """A pipeline in which no time passes."""
    return Pipeline(PipelineConfig(), np.random.default_rng(seed), monotonic)


def store() -> MemoryFeatureStore:
    """An empty store with the default half-lives."""
    return MemoryFeatureStore(6 * 3600.0, 14 * 86_400.0)


def said(user: str, video: str, completion: float = 1.0, **fields: Any) -> ViewEvent:
    """A watch with an id of its own."""
    dull: dict[str, Any] = {"id": f"event{next(_ids)}", "user_id": user, "session_id": f"s-{user}"}
    return make_event(EventKind.WATCH, video, completion=completion, **(dull | fields))


class Viewer:
    """A simulated viewer: swipes through what the pipeline gives, one queue after the other."""

    def __init__(self, world: World, user: str = "viewer", seed: int = 0) -> None:
        self.world, self.user, self.now_ms = world, user, NOW_MS
        self._store, self._pipeline = store(), pipeline_of(seed)

    async def queue(self, n: int = 20) -> Built:
        """The queue as of now."""
        return self._pipeline.build(self.world, await self._store.profile(self.user), n, self.now_ms)

    async def next(self, n: int) -> list[str]:
        """Categories of the next n videos."""
        return [self.category(item.video_id) for item in (await self.queue(n)).items]

    def category(self, video: str) -> str:
        """The video's category."""
        return self.world.table.items[self.world.table.row_of[video]].category

    async def watch(self, video: str, completion: float) -> None:
        """Watch it so far; five seconds pass."""
        self.now_ms += 5_000
        event = said(
            self.user,
            video,
            completion,
            at_ms=self.now_ms,
            category=self.category(video),
            creator_id=self.world.table.items[self.world.table.row_of[video]].creator,
        )
        await self._store.apply(effects_of([make_batch(event, at_ms=self.now_ms)]))

    async def watch_category(self, category: str, n: int, completion: float) -> None:
        """Watch the next n videos of one category that the catalogue has and the viewer has not seen."""
        seen = (await self._store.profile(self.user)).seen
        videos = [item.id for item in self.world.table.items if item.category == category]
        for video in [video for video in videos if video not in seen][:n]:
            await self.watch(video, completion)

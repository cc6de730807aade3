"""The model revisions in memory: the one that serves, the one before, and how a newer one takes over.

A snapshot is loaded, checked and given vectors for every item in a thread; then one assignment swaps it in. A
refused one is counted and looked at no more until its folder changes; the old keeps serving.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from brain.config import ModelLimits, RetrievalLimits
from brain.errors import SnapshotRefused
from brain.items import ItemTable
from brain.metrics import MODEL_AGE, MODEL_LOADS
from brain.space import ItemModel, VectorSpace
from brain.training import snapshot
from brain.training.content import ContentModel
from brain.training.factors import FactorModel
from shared.messages.vectors import ModelAnnouncement

log = logging.getLogger(__name__)


class Shelf:
    """Owner of the vector spaces. `current` always has a vector for every row of the table."""

    def __init__(
        self, table: ItemTable, folder: Path, limits: ModelLimits, retrieval: RetrievalLimits
    ) -> None:
        self._table, self._folder, self._limits, self._retrieval = table, folder, limits, retrieval
        self._held: list[VectorSpace] = [self._space(ContentModel())]
        self._refused: dict[str, float] = {}
        self._wake = asyncio.Event()
        self.on_swap: Callable[[ModelAnnouncement], Awaitable[None]] | None = None

    @property
    def current(self) -> VectorSpace:
        """The space that serves, extended to the table."""
        space = self._held[0]
        space.extend(self._table.items)
        return space

    def named(self, revision: str) -> VectorSpace:
        """The space of this revision if it is held, else the current one."""
        for space in self._held:
            if space.model.revision == revision:
                space.extend(self._table.items)
                return space
        return self.current

    def row_of(self, video: str) -> int | None:
        """The row of a video that lives."""
        return self._table.row_of.get(video)

    def announcement(self) -> ModelAnnouncement:
        """What edges are told of the current model."""
        model = self._held[0].model
        return ModelAnnouncement(
            model=model.revision,
            dim=model.dim,
            n_items=self._table.n_alive,
            n_users=model.n_users,
            trained_at_ms=model.trained_at_ms,
        )

    def look(self) -> None:
        """Look into the folder now rather than at the next poll."""
        self._wake.set()

    async def run(self) -> None:
        """Take newer revisions from the folder, for ever."""
        while True:
            self._wake.clear()
            await self.refresh()
            try:
                async with asyncio.timeout(self._limits.poll_s):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def refresh(self) -> bool:
        """Swap in the newest sound revision that is newer than ours; whether there was one."""
        for revision in await asyncio.to_thread(snapshot.revisions, self._folder):
            if revision <= self._held[0].model.revision and self._held[0].model.n_users:
                return False
            changed_s = await asyncio.to_thread(_changed_s, self._folder / revision)
            if self._refused.get(revision) == changed_s:
                continue
            try:
                space = await asyncio.to_thread(self._loaded, revision)
            except SnapshotRefused as exc:
                self._refuse(revision, changed_s, exc)
                continue
            await self._swap(space)
            return True
        return False

    def _loaded(self, revision: str) -> VectorSpace:
        model = FactorModel(snapshot.load(self._folder, revision, self._limits.max_bytes))
        space = self._space(model)
        space.extend(list(self._table.items))
        return space

    def _space(self, model: ItemModel) -> VectorSpace:
        return VectorSpace(model, self._retrieval.faiss_above_items, self._retrieval.ivf_above_items)

    async def _swap(self, space: VectorSpace) -> None:
        self._held = [space, *self._held][: self._limits.held]
        MODEL_LOADS.labels("loaded").inc()
        MODEL_AGE.set(space.model.trained_at_ms / 1000)
        log.info("model_serves", extra={"model": space.model.revision, "n_items": len(space)})
        if self.on_swap is not None:
            await self.on_swap(self.announcement())

    def _refuse(self, revision: str, changed_s: float, error: SnapshotRefused) -> None:
        MODEL_LOADS.labels("refused").inc()
        self._refused[revision] = changed_s
        while len(self._refused) > 100:
            self._refused.pop(next(iter(self._refused)))
        log.error("model_refused", extra={"model": revision, "code": error.code, "detail": error.detail})


def _changed_s(folder: Path) -> float:
    try:
        return max(entry.stat().st_mtime for entry in [folder, *folder.iterdir()])
    except OSError:
        return 0.0

"""Exploration slots: now and then what the ranking would not have shown, with its probability logged.

Pure: the generator is an argument. The draw is uniform over a small pool, so the propensity is exact and the
events of explored videos can be weighted by its inverse when a ranking is learnt or compared offline.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from brain.items import BoolArray, FloatArray, IntArray


class Draw(NamedTuple):
    """An explored candidate and the probability with which it was drawn."""

    row: int
    propensity: float


class Explorer:
    """Fills every `every`-th place. The pool: what may stand there and is of no category placed lately."""

    def __init__(self, every: int, pool: int, rng: np.random.Generator) -> None:
        self._every, self._pool, self._rng = every, pool, rng

    def is_slot(self, place: int) -> bool:
        """Whether place (from 0) is an exploration slot."""
        return self._every > 0 and place % self._every == self._every - 1

    def draw(
        self, values: FloatArray, may_stand: BoolArray, categories: IntArray, recent: Sequence[int]
    ) -> Draw | None:
        """One of the best `pool` candidates of other categories than `recent`; None when there is none."""
        is_new = may_stand.copy()
        for category in recent:
            is_new &= categories != category
        rows = np.flatnonzero(is_new)
        if len(rows) == 0:
            rows = np.flatnonzero(may_stand)
        if len(rows) < 2:
            return None
        if len(rows) > self._pool:
            rows = rows[np.argpartition(-values[rows], self._pool - 1)[: self._pool]]
        return Draw(int(rows[self._rng.integers(len(rows))]), 1.0 / len(rows))

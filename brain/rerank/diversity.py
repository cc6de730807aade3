"""The order of a queue: maximal marginal relevance, creators and categories apart, exploration slots.

Pure. Greedy: each place takes the candidate with the highest (1 - d) * value - d * (similarity to the nearest
one placed), among those that the spacing rules allow there (Carbonell & Goldstein, SIGIR 1998). When no
candidate may stand, the rules give way: a queue is never shorter for them. O(places * n), vectorised.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from brain.config import RerankLimits
from brain.items import BoolArray, FloatArray, IntArray
from brain.rerank.explore import Explorer

LOOKAHEAD = 60


class Placed(NamedTuple):
    """One place of the queue: row of the candidate among them, probability of its being there."""

    row: int
    propensity: float
    is_explored: bool


class Field(NamedTuple):
    """The candidates, `(n,)` each and `(n, dim)` vectors."""

    values: FloatArray
    vectors: FloatArray
    creators: IntArray
    categories: IntArray


def arrange(
    field: Field, n: int, limits: RerankLimits, explorer: Explorer, *, is_diverse: bool = True
) -> list[Placed]:
    """At most n places, best first; none twice. Without `is_diverse` by value and spacing alone."""
    queue = _Queue(field, limits, explorer)
    n = min(n, len(field.values))
    n_diverse = min(n, limits.diverse_items if is_diverse else 0)
    queue.by_relevance(n_diverse)
    queue.by_value(n)
    return queue.placed


class _Queue:
    """A queue as it grows. The head is filled by MMR in numpy, the tail by value in plain loops."""

    def __init__(self, field: Field, limits: RerankLimits, explorer: Explorer) -> None:
        self._field, self._limits, self._explorer = field, limits, explorer
        self._is_left = np.ones(len(field.values), np.bool_)
        self._creators: list[int] = field.creators.tolist()
        self._categories: list[int] = field.categories.tolist()
        self._rows: list[int] = []
        self.placed: list[Placed] = []

    def by_relevance(self, n: int) -> None:
        """Fill places up to n by maximal marginal relevance."""
        field, share = self._field, self._limits.diversity
        units = field.vectors / np.maximum(np.linalg.norm(field.vectors, axis=1, keepdims=True), 1e-9)
        relevance = (1.0 - share) * _unit_range(field.values)
        nearest = np.zeros(len(field.values), np.float32)
        while len(self._rows) < n:
            if not self._explored():
                apart = may_stand(field, self._rows, self._is_left, self._limits)
                gain = relevance - share * nearest
                self._place(Placed(int(np.where(apart, gain, -np.inf).argmax()), 1.0, is_explored=False))
            np.maximum(nearest, units @ units[self._rows[-1]], out=nearest)

    def by_value(self, n: int) -> None:
        """Fill places up to n by value; a rule gives way when none of the next LOOKAHEAD keeps it."""
        rows = np.flatnonzero(self._is_left)
        order: list[int] = rows[np.argsort(-self._field.values[rows], kind="stable")].tolist()
        creators, categories = self._creators, self._categories
        while len(self._rows) < n:
            if self._explored():
                order.remove(self._rows[-1])
                continue
            near = self._rows[-self._limits.author_gap :] if self._limits.author_gap else []
            recent = self._recent_categories()
            barred = {creators[row] for row in near}
            full = {name for name in recent if recent.count(name) >= self._limits.category_cap}
            apart = (at for at, row in enumerate(order[:LOOKAHEAD]) if creators[row] not in barred)
            first = next(apart, 0)
            at: int | None = first
            while at is not None and categories[order[at]] in full:
                at = next(apart, None)
            self._place(Placed(order.pop(first if at is None else at), 1.0, is_explored=False))

    def _explored(self) -> bool:
        """Fill the next place by a draw if it is an exploration slot; whether it was filled."""
        if not self._explorer.is_slot(len(self._rows)):
            return False
        apart = may_stand(self._field, self._rows, self._is_left, self._limits)
        recent = [self._categories[row] for row in self._rows[-max(1, self._limits.category_window) :]]
        draw = self._explorer.draw(self._field.values, apart, self._field.categories, recent)
        if draw is not None:
            self._place(Placed(draw.row, draw.propensity, is_explored=True))
        return draw is not None

    def _recent_categories(self) -> list[int]:
        window = max(0, len(self._rows) - self._limits.category_window + 1)
        return [self._categories[row] for row in self._rows[window:]]

    def _place(self, one: Placed) -> None:
        self._is_left[one.row] = False
        self._rows.append(one.row)
        self.placed.append(one)


def may_stand(field: Field, placed: Sequence[int], is_left: BoolArray, limits: RerankLimits) -> BoolArray:
    """`(n,)`: who of `is_left` may stand next; the category's rule gives way before the creator's."""
    by_creator = is_left.copy()
    for row in placed[-limits.author_gap :] if limits.author_gap else ():
        by_creator &= field.creators != field.creators[row]
    if not by_creator.any():
        by_creator = is_left
    recent = field.categories[list(placed[max(0, len(placed) - limits.category_window + 1) :])].tolist()
    allowed = by_creator
    for category in {name for name in recent if recent.count(name) >= limits.category_cap}:
        allowed = allowed & (field.categories != category)
    return allowed if allowed.any() else by_creator


def _unit_range(values: FloatArray) -> FloatArray:
    if len(values) == 0:
        return values
    low, high = float(values.min()), float(values.max())
    return np.asarray((values - low) / (high - low) if high > low else np.zeros_like(values), np.float32)

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
    count = len(field.values)
    n_diverse = limits.diverse_items if is_diverse else 0
    units = field.vectors / np.maximum(np.linalg.norm(field.vectors, axis=1, keepdims=True), 1e-9)
    relevance = _unit_range(field.values)
    nearest = np.zeros(count, np.float32)
    is_left = np.ones(count, np.bool_)
    placed: list[Placed] = []
    chosen: list[int] = []
    for place in range(min(n, count)):
        apart = may_stand(field, chosen, is_left, limits)
        draw = None
        if explorer.is_slot(place):
            recent = field.categories[chosen[-max(1, limits.category_window) :]].tolist()
            draw = explorer.draw(field.values, apart, field.categories, recent)
        if draw is None:
            share = limits.diversity if place < n_diverse else 0.0
            gain = (1.0 - share) * relevance - share * nearest
            placed.append(Placed(int(np.where(apart, gain, -np.inf).argmax()), 1.0, is_explored=False))
        else:
            placed.append(Placed(draw.row, draw.propensity, is_explored=True))
        chosen.append(placed[-1].row)
        is_left[chosen[-1]] = False
        if place < n_diverse:
            np.maximum(nearest, units @ units[chosen[-1]], out=nearest)
    return placed


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

"""The Retriever protocol: from one viewer's facts to some hundreds of rows with a score, best first.

Pure. A source only ever names videos that may be shown: `Query.may_show` has the seen, the blocked and the
dead out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from brain.items import BoolArray, FloatArray, IntArray, ItemTable
from brain.space import VectorSpace
from shared.messages.queues import Source


@dataclass(frozen=True)
class RegionTrends:
    """A region's trends as shares of the highest mass, and how often new videos were shown."""

    now: Mapping[str, float] = field(default_factory=dict)
    lasting: Mapping[str, float] = field(default_factory=dict)
    shown: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """What the sources may look at. The arrays cover the rows that table and vectors both have, `(n,)`."""

    table: ItemTable
    space: VectorSpace
    user: FloatArray
    may_show: BoolArray
    now_s: float
    freshness: FloatArray
    """`(n,)`: 1 at publication, halving."""
    trends: RegionTrends = field(default_factory=RegionTrends)
    likes: Mapping[str, float] = field(default_factory=dict)
    """Category -> taste, -2 to 2: squashed counter plus windowed rate."""
    tags: Mapping[str, float] = field(default_factory=dict)
    """Hashtag -> weight in what the viewer liked lately, above 0."""
    followed: frozenset[str] = frozenset()


class Candidates(NamedTuple):
    """Rows with the source's own score, best first."""

    rows: IntArray
    scores: FloatArray


class Retriever(Protocol):
    """One source."""

    source: Source

    def retrieve(self, query: Query, k: int) -> Candidates:
        """At most k candidates that may be shown, best first, none twice."""
        ...


NOTHING = Candidates(np.zeros(0, np.int64), np.zeros(0, np.float32))


def allowed(query: Query, rows: list[int]) -> IntArray:
    """Those of `rows` that may be shown."""
    within = np.asarray([row for row in rows if row < len(query.may_show)], np.int64)
    return within[query.may_show[within]]

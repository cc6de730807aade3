"""Source: new videos that still have impressions in their budget, the newest first.

Pure. The budget gives every upload a fair first audience, and ends it, so that new videos cannot crowd a
feed.
"""

import numpy as np

from brain.items import BoolArray, FloatArray, TimeArray
from brain.retrieval.retriever import Candidates, Query
from brain.space import best
from shared.messages.queues import Source

LOOK_AT = 1_000
"""Newest videos among which the budget is looked up; their impressions are read every few seconds."""


class FreshRetriever:
    """Newest first, while shown less often than `n_impressions`."""

    source = Source.FRESH

    def __init__(self, n_impressions: int) -> None:
        self._n_impressions = n_impressions

    def retrieve(self, query: Query, k: int) -> Candidates:
        """At most k of the newest LOOK_AT."""
        rows = np.flatnonzero(query.may_show)
        rows, scores = best(rows, query.freshness[rows], LOOK_AT)
        shown, items = query.trends.shown, query.table.items
        kept = [
            place for place, row in enumerate(rows) if shown.get(items[int(row)].id, 0) < self._n_impressions
        ]
        kept_scores: FloatArray = scores[kept[:k]]
        return Candidates(rows[kept[:k]], kept_scores)


def newest(created_s: TimeArray, is_alive: BoolArray, n: int = LOOK_AT) -> list[int]:
    """Rows of the n newest that live: those whose impressions are worth reading."""
    rows = np.flatnonzero(is_alive)
    if len(rows) > n:
        rows = rows[np.argpartition(-created_s[rows], n - 1)[:n]]
    return [int(row) for row in rows]

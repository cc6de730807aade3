"""Source: the categories that the interest counters speak for, and the hashtags of what was liked lately.

Pure. Needs no model: it is what personalises a feed before the first training, from the counters alone.
"""

import numpy as np

from brain.items import FloatArray
from brain.retrieval.retriever import NOTHING, Candidates, Query, allowed
from brain.space import best
from shared.messages.queues import Source

MAX_TAGS = 10
MAX_PER_TAG = 300
"""Latest videos of a hashtag that are looked at."""
_TAG_WEIGHT = 0.5


class TagRetriever:
    """Score: taste for the category plus weights of shared hashtags, times half to one by freshness."""

    source = Source.TAGS

    def retrieve(self, query: Query, k: int) -> Candidates:
        """The k highest with a score above 0."""
        n, categories = len(query.may_show), query.table.categories
        if n == 0:
            return NOTHING
        taste = np.zeros(len(categories), np.float32)
        for name, liking in query.likes.items():
            if name in categories.code_of:
                taste[categories.code_of[name]] = liking
        scores: FloatArray = taste[query.table.column("category")[:n]]
        strongest = sorted(query.tags.items(), key=lambda pair: (-pair[1], pair[0]))[:MAX_TAGS]
        for tag, weight in strongest:
            rows = allowed(query, query.table.rows_of_tag.get(tag, [])[-MAX_PER_TAG:])
            scores[rows] += np.float32(_TAG_WEIGHT * weight)
        rows = np.flatnonzero(query.may_show & (scores > 0))
        return Candidates(*best(rows, scores[rows] * (0.5 + 0.5 * query.freshness[rows]), k))

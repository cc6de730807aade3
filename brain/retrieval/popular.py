"""Source: the region's trends, short and lasting half-life together.

Pure.
"""

import numpy as np

from brain.items import FloatArray
from brain.retrieval.retriever import Candidates, Query, allowed
from brain.space import best
from shared.messages.queues import Source


class PopularRetriever:
    """By the higher of the two shares, so that neither a burst nor a classic hides the other."""

    source = Source.TRENDING

    def retrieve(self, query: Query, k: int) -> Candidates:
        """The k highest."""
        now, lasting = query.trends.now, query.trends.lasting
        score_of = {
            row: max(now.get(video, 0.0), lasting.get(video, 0.0))
            for video in {*now, *lasting}
            if (row := query.table.row_of.get(video)) is not None
        }
        rows = allowed(query, sorted(score_of))
        scores: FloatArray = np.asarray([score_of[int(row)] for row in rows], np.float32)
        return Candidates(*best(rows, scores, k))

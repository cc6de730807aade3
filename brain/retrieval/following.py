"""Source: videos of the creators whom the viewer follows, the newest first.

Pure.
"""

import numpy as np

from brain.retrieval.retriever import NOTHING, Candidates, Query
from brain.space import best
from shared.messages.queues import Source


class FollowingRetriever:
    """Freshness is the score."""

    source = Source.FOLLOWING

    def retrieve(self, query: Query, k: int) -> Candidates:
        """The k newest."""
        creators = query.table.creators
        codes = [creators.code_of[name] for name in query.followed if name in creators.code_of]
        if not codes:
            return NOTHING
        is_followed = np.zeros(len(creators), np.bool_)
        is_followed[codes] = True
        n = len(query.may_show)
        rows = np.flatnonzero(is_followed[query.table.column("creator")[:n]] & query.may_show)
        return Candidates(*best(rows, query.freshness[rows], k))

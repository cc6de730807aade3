"""Source: the items nearest to the viewer's vector, by inner product.

Pure. Only those nearer than an average item: in a small catalogue `k` nearest would be everything.
"""

from brain.retrieval.retriever import NOTHING, Candidates, Query
from shared.messages.queues import Source


class VectorRetriever:
    """Says nothing of a viewer of whom nothing is known."""

    source = Source.VECTORS

    def retrieve(self, query: Query, k: int) -> Candidates:
        """At most the k nearest."""
        if not query.user.any() or k <= 0:
            return NOTHING
        rows, scores = query.space.nearest(query.user, k, query.may_show)
        n_near = int((scores > query.space.mean_score(query.user)).sum())
        return Candidates(rows[:n_near], scores[:n_near])

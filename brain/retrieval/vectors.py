"""Source: the items nearest to the viewer's vector, by inner product.

Pure.
"""

from brain.retrieval.retriever import NOTHING, Candidates, Query
from shared.messages import Source


class VectorRetriever:
    """Says nothing of a viewer of whom nothing is known."""

    source = Source.VECTORS

    def retrieve(self, query: Query, k: int) -> Candidates:
        """The k nearest."""
        if not query.user.any() or k <= 0:
            return NOTHING
        return Candidates(*query.space.nearest(query.user, k, query.may_show))

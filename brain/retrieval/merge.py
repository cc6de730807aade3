"""Several sources' candidates as one pool: quotas, each video once.

Pure. The sources come in order of precedence; a video that two of them name counts for the first. What a
source leaves of its quota goes to the others' surplus, in the same order.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from brain.items import IntArray
from brain.retrieval.retriever import Candidates
from shared.messages.queues import Source


class Offer(NamedTuple):
    """What one source brings, and how many of it are wanted."""

    source: Source
    candidates: Candidates
    quota: int


class Pool(NamedTuple):
    """The candidates that are ranked, `(n,)` each."""

    rows: IntArray
    sources: list[Source]


def merge(offers: Sequence[Offer], limit: int) -> Pool:
    """At most `limit` rows, none twice. O(total)."""
    chosen: dict[int, Source] = {}
    surplus: list[tuple[int, Source]] = []
    for source, candidates, quota in offers:
        left = quota
        for row in candidates.rows.tolist():
            if row in chosen:
                continue
            if left > 0:
                chosen[row] = source
                left -= 1
            else:
                surplus.append((row, source))
    for row, source in surplus:
        if len(chosen) >= limit:
            break
        chosen.setdefault(row, source)
    rows = list(chosen)[:limit]
    return Pool(np.asarray(rows, np.int64), [chosen[row] for row in rows])

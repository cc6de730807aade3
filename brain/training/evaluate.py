"""How good a recommender is on held-out interactions: recall@k, NDCG@k, coverage.

Pure. Every user of the test is ranked over all items that he had not met in the training; a tie is broken by
row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from brain.items import FloatArray, IntArray


@dataclass(frozen=True)
class Quality:
    """Means over the users of the test."""

    recall: float
    """Share of a user's held-out items among the first k, of at most k."""
    ndcg: float
    coverage: float
    """Share of all items that anyone was shown in the first k."""
    n_users: int


def top_k(scores: FloatArray, known: Sequence[int], k: int) -> IntArray:
    """Rows of the k highest scores, without `known`."""
    masked = scores.astype(np.float64, copy=True)
    masked[list(known)] = -np.inf
    order = np.lexsort((np.arange(len(masked)), -masked))[:k]
    return np.asarray(order[np.isfinite(masked[order])], np.int64)


def recall_at(shown: Sequence[int], wanted: set[int], k: int) -> float:
    """Hits among the first k over the hits that were possible. `wanted` is not empty."""
    return len(wanted.intersection(shown[:k])) / min(k, len(wanted))


def ndcg_at(shown: Sequence[int], wanted: set[int], k: int) -> float:
    """Discounted gain of the first k over the best one possible; binary relevance."""
    gains = 1.0 / np.log2(np.arange(2, k + 2))
    got = sum(float(gains[place]) for place, row in enumerate(shown[:k]) if row in wanted)
    return got / float(gains[: min(k, len(wanted))].sum())


def evaluate(
    score: Callable[[int], FloatArray],
    known: Mapping[int, Sequence[int]],
    wanted: Mapping[int, set[int]],
    n_items: int,
    k: int,
) -> Quality:
    """The quality of `score` (user -> `(n_items,)`) on the users in `wanted`."""
    recalls, ndcgs = [], []
    covered: set[int] = set()
    for user, items in wanted.items():
        shown = top_k(score(user), known.get(user, ()), k).tolist()
        recalls.append(recall_at(shown, items, k))
        ndcgs.append(ndcg_at(shown, items, k))
        covered.update(shown)
    if not recalls:
        return Quality(0.0, 0.0, 0.0, 0)
    return Quality(
        float(np.mean(recalls)), float(np.mean(ndcgs)), len(covered) / max(1, n_items), len(recalls)
    )

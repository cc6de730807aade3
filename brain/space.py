"""Item vectors of one model revision, aligned with the rows of the item table, and the search over them.

Pure but for faiss, which is arithmetic. Exact by numpy for small tables, exact by faiss in float16 above, IVF
above `ivf_above_items`. The bias is one more dimension, against a 1 in the user's vector, so that the inner
product is LightFM's score.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import faiss
import numpy as np

from brain.items import BoolArray, FloatArray, IntArray, Item

_IVF_PROBES = 32


class ItemModel(Protocol):
    """Gives every item a vector, whether or not it was there at the training."""

    revision: str
    dim: int
    user_norm: float
    trained_at_ms: int
    n_users: int

    def vectors(self, items: Sequence[Item]) -> FloatArray:
        """`(len(items), dim + 1) float32`, the bias last."""
        ...

    def user(self, user_id: str) -> FloatArray | None:
        """`(dim,)`, or None for a user whom the model does not know."""
        ...

    def default_user(self) -> FloatArray:
        """`(dim,)` for a viewer of whom nothing is known."""
        ...


class VectorSpace:
    """A model's vectors for the table's rows. `extend` after the table grew; rows never change."""

    def __init__(self, model: ItemModel, faiss_above: int = 200_000, ivf_above: int = 2_000_000) -> None:
        self.model = model
        self._table = np.zeros((0, model.dim + 1), np.float32)
        self._n = 0
        self._sum = np.zeros(model.dim + 1, np.float64)
        self._faiss_above, self._ivf_above = faiss_above, ivf_above
        self._index: Any = None

    def __len__(self) -> int:
        return self._n

    @property
    def mean(self) -> FloatArray:
        """`(dim,)`: mean over all rows, dead ones too."""
        return np.asarray(self._sum[:-1] / max(1, self._n), np.float32)

    def extend(self, items: Sequence[Item]) -> None:
        """Add the rows of `items` beyond those that are here already."""
        new = items[self._n :]
        if not new:
            return
        vectors = self.model.vectors(new)
        if self._n + len(new) > len(self._table):
            grown = np.zeros((max(1024, 2 * (self._n + len(new))), self._table.shape[1]), np.float32)
            grown[: self._n] = self._table[: self._n]
            self._table = grown
        self._table[self._n : self._n + len(new)] = vectors
        self._n += len(new)
        self._sum += vectors.sum(axis=0)
        if self._index is not None:
            self._index.add(vectors)
        elif self._n > self._faiss_above:
            self._index = self._built()

    def vectors(self, rows: IntArray) -> FloatArray:
        """`(len(rows), dim)`"""
        return np.asarray(self._table[rows, :-1])

    def scores(self, user: FloatArray, rows: IntArray) -> FloatArray:
        """`(len(rows),)`: inner product plus bias."""
        chosen = self._table[rows]
        return np.asarray(chosen[:, :-1] @ user + chosen[:, -1])

    def mean_score(self, user: FloatArray) -> float:
        """What an item scores on average."""
        return float(self._sum[:-1] @ user + self._sum[-1]) / max(1, self._n)

    def nearest(self, user: FloatArray, k: int, may_show: BoolArray) -> tuple[IntArray, FloatArray]:
        """Rows and scores of the k best among `may_show` `(n,)`, best first. O(n dim) when exact."""
        query = np.append(user, np.float32(1.0)).astype(np.float32)
        if self._index is None:
            n = min(self._n, len(may_show))
            scores = self._table[:n] @ query
            allowed = np.flatnonzero(may_show[:n])
            return best(allowed, scores[allowed], k)
        hidden = int(len(may_show) - np.count_nonzero(may_show))
        scores, rows = self._index.search(query[None, :], min(self._n, k + min(hidden, 4 * k + 2_000)))
        known = (rows[0] >= 0) & (rows[0] < len(may_show))
        rows, scores = rows[0][known], scores[0][known]
        shown = may_show[rows]
        return rows[shown][:k].astype(np.int64), scores[shown][:k]

    def _built(self) -> Any:
        """A faiss index of all rows; training an IVF takes seconds, so a large table is built in a thread."""
        filled = self._table[: self._n]
        dim = filled.shape[1]
        index: Any
        if self._n <= self._ivf_above:
            index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        else:
            n_lists = int(4 * np.sqrt(self._n))
            coarse = faiss.IndexFlatIP(dim)
            self._coarse = coarse  # the index points at it
            index = faiss.IndexIVFScalarQuantizer(
                coarse, dim, n_lists, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
            )
            index.nprobe = _IVF_PROBES
        index.train(filled)
        index.add(filled)
        return index


def best(rows: IntArray, scores: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
    """The k highest, best first; ties by row. O(n + k log k)."""
    if k <= 0 or len(rows) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    if len(rows) > k:
        kept = np.argpartition(-scores, k - 1)[:k]
        rows, scores = rows[kept], scores[kept]
    order = np.lexsort((rows, -scores))
    return rows[order], scores[order]

"""What ranking needs of a queue's candidates, prepared once when the queue comes and kept while some leave.

Pure. Sixteen bytes a candidate: its row in the edge's vector table, its base, its creator and category as
numbers (hashes: two names that meet are only spaced apart). The user's vector is decoded once, too.
"""

import math
from array import array
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from edge.session.vectors import ItemVectors, user_vector
from shared.messages.catalog import VideoCard

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
B1 = npt.NDArray[np.bool_]
_ASK = -1
"""Creator not known: the card was not here."""


def code(name: str) -> int:
    """A number for a name; 0 for none."""
    return hash(name) & 0x7FFFFFFF if name else 0


def standard(values: F32) -> F32:
    """`values` (n,) with a mean of 0 and a deviation of 1; zeros when they are all alike."""
    centred = values - values.sum() / np.float32(len(values))
    spread = math.sqrt(float(centred.dot(centred)) / len(values))
    return np.asarray(centred * np.float32(1.0 / spread if spread > 0 else 1.0), np.float32)


def base(scores: F32) -> F32:
    """What each place of the brain's order (n,) is worth: the best score from there on."""
    return np.asarray(np.maximum.accumulate(scores[::-1])[::-1], np.float32)


class Prepared:
    """Columns over the candidates of one queue. Rows are right as long as `is_current` says so."""

    __slots__ = ("_base", "_epoch", "_kinds", "_n_missing", "_revision", "_user", "is_known", "rows")

    def __init__(self, ids: Sequence[str], vectors: ItemVectors) -> None:
        self.rows: I32 = vectors.places(ids)
        """(n,) into the table; 0 for a candidate without a vector."""
        self._kinds: I32 = np.full((2, len(ids)), _ASK, np.int32)
        """Creators above, categories below: one look-up for both."""
        self._base: F32 | None = None
        self._user: tuple[bytes, F32] | None = None
        self._see(vectors)

    def _see(self, vectors: ItemVectors) -> None:
        self._epoch, self._revision = vectors.epoch, vectors.revision
        is_known = self.rows >= 0
        self._n_missing = len(is_known) - int(is_known.sum())
        self.is_known: B1 | None = is_known if self._n_missing else None
        """(n,); None when all are."""
        if self._n_missing:
            np.maximum(self.rows, 0, out=self.rows)

    def is_current(self, vectors: ItemVectors) -> bool:
        """Whether no row was given to another video since, and none that was missing may have come."""
        if self._epoch != vectors.epoch:
            return False
        if self._revision == vectors.revision:
            return True
        if self._n_missing or vectors.is_reused(self.rows, self._revision):
            return False
        self._revision = vectors.revision
        return True

    def follow(self, ids: Sequence[str], vectors: ItemVectors) -> None:
        """Look the rows up anew."""
        self.rows = vectors.places(ids)
        self._see(vectors)

    def base(self, scores: "array[float]") -> F32:
        """The standardised base (n,) of these scores, made once."""
        if self._base is None:
            self._base = standard(base(np.array(scores, np.float32)))
        return self._base

    def groups(
        self, places: npt.NDArray[np.uint16], card_at: Callable[[int], VideoCard | None]
    ) -> tuple[list[int], list[int]]:
        """Creators and categories of these as numbers; 0 groups with nothing."""
        creators, categories = self._kinds.take(places, axis=1).tolist()
        if _ASK in creators:
            for at, place in enumerate(places.tolist()):
                if creators[at] == _ASK:
                    creators[at], categories[at] = self._ask(place, card_at(place))
        return creators, categories

    def user(self, data: bytes, dim: int) -> F32:
        """The user's vector (dim,) of these bytes; read only."""
        if self._user is None or self._user[0] is not data:
            self._user = (data, user_vector(data, dim))
        return self._user[1]

    def _ask(self, place: int, card: VideoCard | None) -> tuple[int, int]:
        if card is None:
            return 0, 0
        kinds = code(card.creator_id), code(card.category)
        self._kinds[:, place] = kinds
        return kinds

    def only(self, is_kept: B1) -> "Prepared":
        """Of those candidates alone."""
        left = object.__new__(Prepared)
        left._epoch, left._revision = self._epoch, self._revision
        left.rows = self.rows[is_kept]
        left.is_known = None if self.is_known is None else self.is_known[is_kept]
        left._n_missing = 0 if left.is_known is None else len(left.rows) - int(left.is_known.sum())
        left._kinds = self._kinds[:, is_kept]
        left._base, left._user = None, self._user
        return left

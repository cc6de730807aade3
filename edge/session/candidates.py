"""What ranking needs of a queue's candidates, prepared once when the queue comes and kept while some leave.

Pure. Sixteen bytes a candidate: its row in the edge's vector table, its base, its creator and category as
numbers (hashes: two names that meet are only spaced apart).
"""

import math
from array import array
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from edge.session.vectors import ItemVectors
from shared.messages import VideoCard

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

    __slots__ = ("_base", "_epoch", "_n_missing", "_revision", "categories", "creators", "is_known", "rows")

    def __init__(self, ids: Sequence[str], vectors: ItemVectors) -> None:
        self.rows: I32 = vectors.places(ids)
        """(n,) into the table; 0 for a candidate without a vector."""
        self.creators: I32 = np.full(len(ids), _ASK, np.int32)
        self.categories: I32 = np.zeros(len(ids), np.int32)
        self._base: F32 | None = None
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
        creators = self.creators.take(places).tolist()
        if _ASK in creators:
            for at, place in enumerate(places.tolist()):
                if creators[at] == _ASK:
                    creators[at] = self._ask(place, card_at(place))
        return creators, self.categories.take(places).tolist()

    def _ask(self, place: int, card: VideoCard | None) -> int:
        if card is None:
            return 0
        self.creators[place], self.categories[place] = code(card.creator_id), code(card.category)
        return int(self.creators[place])

    def only(self, is_kept: B1) -> "Prepared":
        """Of those candidates alone."""
        left = object.__new__(Prepared)
        left._epoch, left._revision = self._epoch, self._revision
        left.rows = self.rows[is_kept]
        left.is_known = None if self.is_known is None else self.is_known[is_kept]
        left._n_missing = 0 if left.is_known is None else len(left.rows) - int(left.is_known.sum())
        left.creators, left.categories = self.creators[is_kept], self.categories[is_kept]
        left._base = None
        return left

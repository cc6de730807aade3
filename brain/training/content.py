"""Item vectors before any model is trained: hashed category, creator and hashtags.

Pure. Revision `content-1` is a function of the item alone, so every brain and every edge has the same vectors
from the first video on. Feature hashing to random signs (Weinberger et al., ICML 2009): two items' inner
product is about the weight of what they share.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from brain.items import FloatArray, Item

REVISION = "content-1"
DIM = 64

_CATEGORY, _CREATOR, _TAGS, _IDENTITY = 1.0, 0.5, 0.5, 0.25


def signs(feature: str) -> FloatArray:
    """`(DIM,) float32` unit vector of random signs, the same for the same text everywhere."""
    digest = hashlib.blake2b(feature.encode(), digest_size=DIM // 8).digest()
    bits = np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float32)
    return np.asarray((2.0 * bits - 1.0) / np.sqrt(DIM), np.float32)


class ContentModel:
    """ItemModel from metadata alone; knows no user."""

    revision = REVISION
    dim = DIM
    user_norm = 1.0
    trained_at_ms = 0
    n_users = 0

    def __init__(self) -> None:
        self._signs: dict[str, FloatArray] = {}

    def vectors(self, items: Sequence[Item]) -> FloatArray:
        """`(len(items), DIM + 1)`: unit vectors, and a bias of 0 in the last column."""
        table = np.zeros((len(items), DIM + 1), np.float32)
        for row, item in enumerate(items):
            table[row, :DIM] = self._vector(item)
        return table

    def user(self, user_id: str) -> FloatArray | None:
        """None: users are folded in from their history."""
        del user_id
        return None

    def default_user(self) -> FloatArray:
        """`(DIM,)` zeros: nothing is known of a new viewer."""
        return np.zeros(DIM, np.float32)

    def _vector(self, item: Item) -> FloatArray:
        total = _CATEGORY * self._cached(f"category:{item.category}") + _CREATOR * self._cached(
            f"creator:{item.creator}"
        )
        for tag in item.hashtags:
            total = total + _TAGS / np.sqrt(len(item.hashtags)) * self._cached(f"tag:{tag}")
        total = total + _IDENTITY * signs(f"video:{item.id}")
        return np.asarray(total / np.linalg.norm(total), np.float32)

    def _cached(self, feature: str) -> FloatArray:
        known = self._signs.get(feature)
        if known is None:
            known = signs(feature)
            if len(self._signs) < 100_000:
                self._signs[feature] = known
        return known

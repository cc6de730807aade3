"""A trained LightFM model as arrays: item vectors by their features', and vectors of the users it knows.

Pure. Item features are the item itself, its category, creator and hashtags, each row of weights summing to 1,
so that a video which was published after the training has a vector of the same length from what is known of
it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from brain.items import FloatArray, Item


def feature_names(item: Item) -> list[str]:
    """The item's features as the model names them; the first is the item itself."""
    tags = [f"tag:{tag}" for tag in sorted(set(item.hashtags))]
    return [f"video:{item.id}", f"category:{item.category}", f"creator:{item.creator}", *tags]


@dataclass(frozen=True)
class Factors:
    """What a snapshot holds."""

    revision: str
    trained_at_ms: int
    features: tuple[str, ...]
    feature_vectors: FloatArray
    """`(len(features), dim)`"""
    feature_biases: FloatArray
    users: tuple[str, ...]
    user_vectors: FloatArray
    """`(len(users), dim)`"""
    n_items: int = 0


@dataclass
class FactorModel:
    """ItemModel over Factors."""

    factors: Factors
    _feature: dict[str, int] = field(init=False)
    _user: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self._feature = {name: row for row, name in enumerate(self.factors.features)}
        self._user = {name: row for row, name in enumerate(self.factors.users)}
        self.revision = self.factors.revision
        self.trained_at_ms = self.factors.trained_at_ms
        self.dim = self.factors.feature_vectors.shape[1]
        self.n_users = len(self.factors.users)
        norms = np.linalg.norm(self.factors.user_vectors, axis=1)
        self.user_norm = float(np.median(norms)) if len(norms) else 1.0
        self._default = np.asarray(
            self.factors.user_vectors.mean(axis=0) if len(norms) else np.zeros(self.dim), np.float32
        )

    def vectors(self, items: Sequence[Item]) -> FloatArray:
        """`(len(items), dim + 1)`: vectors, biases in the last column; zeros when nothing is known."""
        table = np.zeros((len(items), self.dim + 1), np.float32)
        for row, item in enumerate(items):
            known = [self._feature[name] for name in feature_names(item) if name in self._feature]
            if known:
                table[row, :-1] = self.factors.feature_vectors[known].mean(axis=0)
                table[row, -1] = self.factors.feature_biases[known].mean()
        return table

    def user(self, user_id: str) -> FloatArray | None:
        """`(dim,)`, or None for a user who was not in the training."""
        row = self._user.get(user_id)
        return None if row is None else np.asarray(self.factors.user_vectors[row], np.float32)

    def default_user(self) -> FloatArray:
        """`(dim,)`: the mean user."""
        return self._default

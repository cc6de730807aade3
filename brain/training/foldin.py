"""User vectors for what a model does not know: new users, and what known users did since the training.

Pure. The same step as the edge makes for a session (DESIGN.md §5): d <- g*d + w*unit(item - mean), u' = u +
a*|u|*d.
"""

from collections.abc import Sequence

import numpy as np

from brain.items import FloatArray

DECAY = 0.92
STEP = 0.35
MAX_NORMS = 4.0
"""A folded-in vector is at most so many times as long as the model's median user."""


def fold_in(base: FloatArray, norm: float, vectors: FloatArray, weights: Sequence[float]) -> FloatArray:
    """`base` moved along a history: `vectors` `(n, dim)` less the mean, oldest first, signed weights.

    `norm` is the length of the model's median user. O(n dim).
    """
    if len(vectors) == 0:
        return base
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    units = vectors / np.maximum(lengths, 1e-9)
    decays = np.asarray(weights, np.float32) * DECAY ** np.arange(len(vectors) - 1, -1, -1, dtype=np.float32)
    moved = base + STEP * norm * (decays @ units)
    length = float(np.linalg.norm(moved))
    longest = MAX_NORMS * norm
    return np.asarray(moved * (longest / length) if length > longest else moved, np.float32)

"""What a showing is worth: the probabilities of scorer.HEADS as one value.

Pure. In units of a finished video: a like is worth 1.5, a share 3, a skip costs 0.8.
"""

import numpy as np

from brain.items import FloatArray

WORTH = np.asarray([1.0, 1.5, 3.0, -0.8], np.float32)
"""By scorer.HEADS: finish, like, share, skip."""


def value(probabilities: FloatArray) -> FloatArray:
    """`(n, 4)` -> `(n,)`"""
    return np.asarray(probabilities @ WORTH, np.float32)

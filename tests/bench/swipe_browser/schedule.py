"""How long a viewer stays with each video: lognormal, median 5.7 s, 15 % under 2 s. Pure."""

import math
from random import Random

MEDIAN_S = 5.7
SHARE_SHORT = 0.15
SHORT_S = 2.0
LONGEST_S = 20.0
_Z = -1.0364
"""The standard normal's quantile at SHARE_SHORT."""


def dwells(n: int, rng: Random) -> list[float]:
    """Seconds on screen of `n` videos; nobody leaves before 0.3 s or stays longer than LONGEST_S."""
    sigma = math.log(SHORT_S / MEDIAN_S) / _Z
    drawn = (rng.lognormvariate(math.log(MEDIAN_S), sigma) for _ in range(n))
    return [min(max(dwell, 0.3), LONGEST_S) for dwell in drawn]


def quantile(values: list[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)] if ordered else 0.0

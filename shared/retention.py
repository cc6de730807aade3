"""How long viewers stay with a video, as it travels: bytes by the second, and what is assumed of a stranger.

Pure. The assumption is a log-normal watch time: a median of 5.7 s, and 15 % leave within 2 s.
"""

import math
from collections.abc import Iterable
from functools import lru_cache

MAX_POINTS = 120
"""Seconds of a curve as it travels."""
MAX_SECONDS = 600
"""Seconds of a curve as it is used; later ones are as the last."""
MEDIAN_S = 5.7
SIGMA = 1.0


def n_points(duration_ms: float) -> int:
    """Seconds that the curve of a video of this length has."""
    return min(MAX_POINTS, n_seconds(duration_ms))


def n_seconds(duration_ms: float) -> int:
    """Seconds of a video of this length that are planned for."""
    return max(1, min(MAX_SECONDS, math.ceil(duration_ms / 1000)))


@lru_cache(maxsize=MAX_SECONDS)
def assumed(n: int) -> tuple[float, ...]:
    """Share of viewers still watching after 0, 1, … n seconds of a video of which nothing is known."""
    scale = SIGMA * math.sqrt(2)
    return (1.0, *(0.5 * math.erfc(math.log(second / MEDIAN_S) / scale) for second in range(1, n + 1)))


def pack(shares: Iterable[float]) -> bytes:
    """Shares 0..1 after 1, 2, … seconds as bytes."""
    return bytes(round(255 * min(1.0, max(0.0, share))) for share in shares)


@lru_cache(maxsize=8192)
def unpack(data: bytes) -> tuple[float, ...]:
    """Shares after 0, 1, 2, … seconds: starts at 1, and never rises whatever the bytes."""
    shares, share = [1.0], 255
    for byte in data[:MAX_POINTS]:
        share = min(share, byte)
        shares.append(share / 255)
    return tuple(shares)

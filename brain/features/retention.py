"""Watch events to a video's survival curve: the share of viewers still watching after each second.

Pure. A watch that ends early is an exit in its second; one to the end leaves the risk set at the video's
length without an exit, as in Kaplan and Meier (1958), so that a category's hazard is made from videos of all
lengths. A hazard is shrunk towards its parent's by a pseudo-count: video -> category -> everybody -> assumed.
Counts are kept as decayed levels (`trending.py`).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brain.features.trending import combine
from shared.messages.events import EventKind, ViewEvent
from shared.messages.retention import Curve
from shared.retention import MAX_POINTS, assumed, n_points, pack

FloatArray = npt.NDArray[np.float64]

ENDED_FROM = 0.95
"""Completion from which a watch counts as one to the end."""
_EXIT, _END = "e", "f"


class WatchStep(NamedTuple):
    """What one watch adds to its video's and its category's counts."""

    event_id: str
    video_id: str
    field: str
    at_ms: int


class Watches(NamedTuple):
    """Decayed numbers of watches by how they ended."""

    exits: FloatArray
    """(MAX_POINTS,) by the second in which they left."""
    ends: FloatArray
    """(MAX_POINTS + 1,) to the end, by the video's length in seconds."""

    @property
    def weight(self) -> float:
        """All of them."""
        return float(self.exits.sum() + self.ends.sum())


def field(event: ViewEvent) -> str:
    """How a watch ended: `e3` left in second 3, `f8` saw all 8 s; empty when it does not say."""
    if event.kind is not EventKind.WATCH or (event.completion > 0 and event.watched_ms <= 0):
        return ""
    if event.completion >= ENDED_FROM:
        return f"{_END}{n_points(event.watched_ms / event.completion)}"
    second = max(0, event.watched_ms) // 1000
    return f"{_EXIT}{second}" if second < MAX_POINTS else f"{_END}{MAX_POINTS}"


def watches(levels: Mapping[str, float], now_s: float, half_life_s: float) -> Watches:
    """The counts in these levels as of now; names that are none are left out."""
    found = Watches(np.zeros(MAX_POINTS), np.zeros(MAX_POINTS + 1))
    for name, level in levels.items():
        kind, second = name[:1], name[1:]
        column = {_EXIT: found.exits, _END: found.ends}.get(kind)
        if column is not None and second.isdigit() and int(second) < len(column):
            column[int(second)] = 2.0 ** min(level - now_s / half_life_s, 60.0)
    return found


def merged(counts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Several categories' levels as one."""
    total: dict[str, float] = {}
    for levels in counts:
        for name, level in levels.items():
            total[name] = combine(total[name], level) if name in total else level
    return total


def hazard(counts: Watches, parent: FloatArray, pseudo_count: float) -> FloatArray:
    """(MAX_POINTS,) the share of those still there that leaves in each second."""
    still = counts.exits[::-1].cumsum()[::-1] + counts.ends[:0:-1].cumsum()[::-1]
    return np.asarray((counts.exits + pseudo_count * parent) / (still + pseudo_count), np.float64)


def assumed_hazard() -> FloatArray:
    """(MAX_POINTS,) of a video of which nothing is known."""
    shares = np.array(assumed(MAX_POINTS))
    return np.asarray(1.0 - shares[1:] / shares[:-1], np.float64)


def curve(hazards: FloatArray, n: int, weight: float) -> Curve:
    """The first n seconds as they travel."""
    return Curve(pack((1.0 - hazards[:n]).cumprod().tolist()), round(weight, 3))


def differs(one: Curve | None, other: Curve, step: float) -> bool:
    """Whether the curves are apart by more than `step` anywhere."""
    if one is None or len(one.shares) != len(other.shares):
        return True
    return any(abs(a - b) > 255 * step for a, b in zip(one.shares, other.shares, strict=True))

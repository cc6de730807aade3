"""What a viewer's signals say about taste: counters, windowed rates, signed weights.

Pure. The thresholds and steps of `boost` are the product's specification, not tuning; everything else here
is.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from shared.messages.events import EventKind

FINISHED_ABOVE = 0.9
SKIPPED_BELOW = 0.2
BOOST = 10

_SQUASH = 50.0
_PRIOR_SIGNALS = 1.5

_WEIGHTS = {
    EventKind.LIKE: 1.0,
    EventKind.SHARE: 1.2,
    EventKind.COMMENT: 0.7,
    EventKind.FOLLOW: 0.8,
    EventKind.UNLIKE: -0.5,
    EventKind.UNFOLLOW: -0.5,
    EventKind.NOT_INTERESTED: -1.5,
}


class Signal(NamedTuple):
    """One thing a viewer did, as the history keeps it."""

    event_id: str
    kind: EventKind
    video_id: str
    category: str
    creator_id: str
    completion: float
    at_ms: int

    def pack(self) -> str:
        """A Redis member; the time is its score. Ids hold no `|`."""
        return "|".join((*self[:5], f"{self.completion:.3f}"))

    @classmethod
    def unpack(cls, member: str, at_ms: int) -> "Signal":
        """The reverse of `pack`; raises ValueError on anything else."""
        event, kind, video, category, creator, completion = member.split("|")
        return cls(event, EventKind(kind), video, category, creator, float(completion), at_ms)


def boost(completion: float) -> int:
    """What a watch adds to the category's counter: +10 above 0.9, -10 below 0.2, else 0."""
    if completion > FINISHED_ABOVE:
        return BOOST
    return -BOOST if completion < SKIPPED_BELOW else 0


def squash(counter: int) -> float:
    """A counter as a feature in -1..1; five finished videos give 0.76."""
    return math.tanh(counter / _SQUASH)


def weight(signal: Signal) -> float:
    """How much a signal speaks for (+) or against (-) its video; 0 says nothing."""
    if signal.kind is not EventKind.WATCH:
        return _WEIGHTS.get(signal.kind, 0.0)
    if signal.completion > FINISHED_ABOVE:
        return 1.0
    if signal.completion < SKIPPED_BELOW:
        return -0.8
    return 0.5 * (signal.completion - 0.4)


def rates(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Mean weight by key, shrunk towards 0 when there is little of it; -1 to 1."""
    total: dict[str, float] = {}
    count: dict[str, int] = {}
    for key, value in pairs:
        total[key] = total.get(key, 0.0) + value
        count[key] = count.get(key, 0) + 1
    return {
        key: max(-1.0, min(1.0, value / (count[key] + _PRIOR_SIGNALS))) for key, value in total.items() if key
    }


def window(history: Iterable[Signal], now_ms: int, window_s: float) -> list[Signal]:
    """The signals of the last `window_s` seconds."""
    oldest = now_ms - window_s * 1000
    return [signal for signal in history if signal.at_ms >= oldest]


def category_rates(signals: Iterable[Signal]) -> dict[str, float]:
    """Windowed watch-rate per category."""
    return rates((signal.category, weight(signal)) for signal in signals)


def creator_rates(signals: Iterable[Signal]) -> dict[str, float]:
    """Windowed watch-rate per creator."""
    return rates((signal.creator_id, weight(signal)) for signal in signals)

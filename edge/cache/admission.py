"""What may enter the cache, decided before and during a fill: sizes, and what was refused before.

Pure. The predictor (pingora's word) remembers keys whose responses cannot be shared, so that later requests
do not queue behind a fill that would give them nothing. It is bounded and forgets.
"""

from collections import OrderedDict
from dataclasses import dataclass

from edge.cache.freshness import Storable
from edge.cache.key import PrimaryKey


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """Bounds on what fills may hold."""

    object_bytes: int
    """A larger object is streamed through and not stored."""
    filling_bytes: int
    """All fills in progress together."""


def admit(
    verdict: Storable, length_bytes: int | None, filling_bytes: int, limits: AdmissionLimits
) -> Storable:
    """`verdict`, or the limit that an object of this announced length breaks; None is not announced."""
    if verdict is not Storable.YES:
        return verdict
    if (length_bytes or 0) > limits.object_bytes:
        return Storable.TOO_LARGE
    if filling_bytes + reserved_bytes(length_bytes, limits) > limits.filling_bytes:
        return Storable.BUSY
    return Storable.YES


def reserved_bytes(length_bytes: int | None, limits: AdmissionLimits) -> int:
    """What a fill counts for: its announced length, or the largest object when there is none."""
    return limits.object_bytes if length_bytes is None else length_bytes


class Predictor:
    """Keys that were refused, and why, for `hold_s`; at most `limit` of them, the oldest forgotten first."""

    def __init__(self, limit: int, hold_s: float) -> None:
        self._limit = limit
        self._hold_s = hold_s
        self._refused: OrderedDict[PrimaryKey, tuple[float, Storable]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._refused)

    def note(self, key: PrimaryKey, verdict: Storable, now_s: float) -> None:
        """Remember the latest verdict for key."""
        self._refused.pop(key, None)
        if verdict in _LASTING:
            self._refused[key] = (now_s + self._hold_s, verdict)
        if len(self._refused) > self._limit:
            self._refused.popitem(last=False)

    def predict(self, key: PrimaryKey, now_s: float) -> Storable:
        """Why key will likely be refused again, or YES."""
        until_s, verdict = self._refused.get(key, (0.0, Storable.YES))
        return verdict if now_s < until_s else Storable.YES


_LASTING = frozenset(
    {
        Storable.NO_STORE,
        Storable.PRIVATE,
        Storable.SET_COOKIE,
        Storable.VARY_STAR,
        Storable.NO_FRESHNESS,
        Storable.TOO_LARGE,
    }
)
"""Reasons that belong to the resource and not to one request."""

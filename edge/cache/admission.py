"""What may enter the cache, and which tier: sizes, what was refused before, what was asked for before.

Pure. The predictor (pingora's word) remembers keys whose responses cannot be shared, so that later requests
do not queue behind a fill that would give them nothing. It is bounded and forgets.
"""

from collections import OrderedDict
from dataclasses import dataclass

from edge.cache.frequency import Sketch
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


SEGMENT_BYTES = 4 * 1024 * 1024
"""No object up to here is large, however small the RAM tier: four seconds of video at 8 Mbit/s."""
SKETCH_WIDTH_BITS = 14


class RamAdmission:
    """Whether an object is worth RAM: a large one only from its second reference on.

    A reference is a fill, a read from disk, or a session's plan. After the first the object is on disk; so
    large ones that are asked for once push nothing out of RAM, however many.
    """

    def __init__(self, memory_bytes: int, large_share: float) -> None:
        self._large_bytes = max(SEGMENT_BYTES, int(memory_bytes * large_share))
        self._seen = Sketch(SKETCH_WIDTH_BITS)

    def expect(self, key: str) -> None:
        """Count a reference that is sure to come."""
        self._seen.add(key)

    def admits(self, key: str, size_bytes: int) -> bool:
        """True when the object is small or was asked for before; the reference to a large one is counted."""
        return size_bytes <= self._large_bytes or self._seen.add(key) > 0


class Predictor:
    """Keys that were refused, and why, for `hold_s`; at most `limit` of them, the oldest forgotten first."""

    def __init__(self, limit: int, hold_s: float) -> None:
        self._limit = limit
        self._hold_s = hold_s
        self.known: OrderedDict[PrimaryKey, tuple[float, Storable]] = OrderedDict()
        """Until when, and why; for others to look a key up in."""

    def __len__(self) -> int:
        return len(self.known)

    def note(self, key: PrimaryKey, verdict: Storable, now_s: float) -> None:
        """Remember the latest verdict for key."""
        self.known.pop(key, None)
        if verdict in _LASTING:
            self.known[key] = (now_s + self._hold_s, verdict)
        if len(self.known) > self._limit:
            self.known.popitem(last=False)

    def predict(self, key: PrimaryKey, now_s: float) -> Storable:
        """Why key will likely be refused again, or YES."""
        until_s, verdict = self.known.get(key, (0.0, Storable.YES))
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

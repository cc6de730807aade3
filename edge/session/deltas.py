"""Watch signals to the session's delta vector (DESIGN.md §5).

Pure. The recurrence is `d <- g*d + s*unit(item - mean)`, `u' = u + a*|u|*d`. A session keeps its last
signals beside `d`, so that a new model revision, or vectors that come later than the event, give the right
delta; `delta` is the closed form of the recurrence over them, `Drift` takes one step an event.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge.session.signals import Signal
from edge.session.vectors import ItemVectors
from shared.messages.events import EventKind

F32 = npt.NDArray[np.float32]

FINISHED_ABOVE = 0.9
SKIPPED_BELOW = 0.2
_WEIGHTS = {
    EventKind.LIKE: 1.5,
    EventKind.UNLIKE: -1.5,
    EventKind.COMMENT: 1.0,
    EventKind.SHARE: 2.0,
    EventKind.FOLLOW: 1.5,
    EventKind.UNFOLLOW: -1.5,
    EventKind.NOT_INTERESTED: -2.0,
}


def weight(kind: EventKind, completion: float) -> float:
    """The signed strength of an event; 0 when it says nothing."""
    if kind is EventKind.WATCH:
        if completion > FINISHED_ABOVE:
            return 1.0
        return -1.0 if completion < SKIPPED_BELOW else 0.0
    return _WEIGHTS.get(kind, 0.0)


def unit(rows: F32) -> F32:
    """`rows` (…, d) scaled to length 1; a zero row stays zero."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0), np.float32)


def fold(d: F32, item: F32, mean: F32, strength: float, decay: float) -> F32:
    """One step of the recurrence: the delta after one more signal."""
    towards = item - mean
    length = _length(towards)
    towards *= strength / length if length else 0.0
    towards += d * decay
    return towards


def _length(vector: F32) -> float:
    return math.sqrt(vector.dot(vector))


class Drift:
    """The delta after a session's signals, folded one by one.

    Invariant: `value` is the recurrence over the `n_folded` signals with the vectors of one epoch.
    """

    __slots__ = ("_epoch", "_has_gaps", "_revision", "length", "n_folded", "value")

    def __init__(self, signals: Sequence[Signal], n_signals: int, vectors: ItemVectors, decay: float) -> None:
        rows, is_known = vectors.rows([signal.video_id for signal in signals])
        self.value = delta(signals, rows - vectors.mean, is_known, decay)
        self.length = _length(self.value)
        self.n_folded = n_signals
        self._epoch, self._revision = vectors.epoch, vectors.revision
        self._has_gaps = not is_known.all()

    def is_current(self, vectors: ItemVectors) -> bool:
        """Whether no vector that it was made without, or with, may have changed."""
        return self._epoch == vectors.epoch and not (self._has_gaps and self._revision != vectors.revision)

    def follow(self, signals: Sequence[Signal], vectors: ItemVectors, decay: float) -> None:
        """Fold these in, which came since."""
        for signal in signals:
            row = vectors.row(signal.video_id)
            if row is None:
                self.value = np.asarray(decay * self.value, np.float32)
                self._has_gaps, self._revision = True, vectors.revision
            else:
                self.value = fold(self.value, row, vectors.mean, signal.weight, decay)
        self.n_folded += len(signals)
        self.length = _length(self.value)


def drift(
    former: Drift | None, signals: Sequence[Signal], n_signals: int, vectors: ItemVectors, decay: float
) -> Drift:
    """The drift after `n_signals`, of which `signals` are the last; carries the former one on if it can."""
    n_new = n_signals - former.n_folded if former is not None else 0
    if former is None or n_new > len(signals) or not former.is_current(vectors):
        return Drift(signals, n_signals, vectors, decay)
    if n_new:
        former.follow(signals[len(signals) - n_new :], vectors, decay)
    return former


def delta(signals: Sequence[Signal], rows: F32, is_known: npt.NDArray[np.bool_], decay: float) -> F32:
    """The delta (d,) after `signals`, oldest first; `rows` (n, d) are their centred item vectors.

    A signal whose item vector is not known yet counts as a step without a direction.
    """
    strengths = np.array([signal.weight for signal in signals], np.float32)
    ages = np.arange(len(signals) - 1, -1, -1, dtype=np.float32)
    factors = strengths * np.float32(decay) ** ages * is_known
    return np.asarray(factors @ unit(rows), np.float32)


def shifted(user: F32, d: F32, gain: float) -> F32:
    """`u + a*|u|*d`; a viewer of whom nothing is known (u = 0) is wherever the session points."""
    moved: F32 = d * (gain * (_length(user) or 1.0))
    moved += user
    return moved

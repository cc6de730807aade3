"""Watch signals to the session's delta vector (DESIGN.md §5).

Pure. The recurrence is `d <- g*d + s*unit(item - mean)`, `u' = u + a*|u|*d`. A session keeps its last
signals and not `d`, so that a new model revision, or vectors that come later than the event, give the right
delta; `delta` is the closed form of the recurrence over them.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from edge.session.state import Signal
from shared.messages import EventKind

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
    return np.asarray(decay * d + strength * unit(item - mean), np.float32)


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
    length = float(np.linalg.norm(user)) or 1.0
    return np.asarray(user + gain * length * d, np.float32)

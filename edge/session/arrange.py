"""Puts a session's queue into the order of the moment: vectors, delta and spacing together.

Pure. Without a signal, or before the model's vectors are here, the brain's own order stands.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edge.session import deltas, rerank
from edge.session.state import Session
from edge.session.vectors import ItemVectors, user_vector
from shared.config import setting
from shared.messages import VideoCard


@dataclass(frozen=True)
class Ranking:
    """How strongly the session's own signals move the brain's order."""

    gain: float = setting(
        1.0, "length of the shift per unit of delta, relative to the user vector's", low=0, high=10
    )
    decay: float = setting(0.9, "what is left of a signal after the next one", low=0, high=1)
    share: float = setting(0.8, "largest weight of the session's affinity against the score", low=0, high=1)
    lead_among: int = setting(
        8, "the first of so many places whose opening is warm is shown first", low=1, high=500
    )
    spacing: rerank.Spacing = field(default_factory=rerank.Spacing)


@dataclass(frozen=True)
class View:
    """What the edge knows of the videos."""

    vectors: ItemVectors
    card_of: Callable[[str], VideoCard | None]
    is_ready: Callable[[str], bool]
    """The video's opening is warm."""


def arrange(session: Session, view: View, ranking: Ranking) -> None:
    """Re-rank the session's queue in place; the held head stays where it is.

    After the first event what leads is warm if it can be: the first slice is as the brain ordered it.
    """
    if not session.queue:
        return
    ids = [item.video_id for item in session.queue]
    head = session.head()
    scores = _scores(session, ids, view.vectors, ranking)
    if scores is None:
        rest = [index for index in range(len(ids)) if index != head]
        placed = rest if head is None else [head, *rest]
    else:

        def group(index: int) -> rerank.Group:
            card = view.card_of(ids[index])
            return (card.creator_id, card.category) if card else ("", "")

        placed = rerank.order(scores, head, group, ranking.spacing)
    if head is None and session.n_events:
        placed = rerank.lead(placed, lambda index: view.is_ready(ids[index]), ranking.lead_among)
    session.arrange(placed, is_reranked=scores is not None)


def _scores(session: Session, ids: list[str], vectors: ItemVectors, ranking: Ranking) -> rerank.F32 | None:
    """One score for each candidate; None while nothing speaks against the brain's order."""
    rows, is_known = vectors.rows(ids)
    drift = _drift(session, vectors, ranking) if is_known.any() and session.model == vectors.model else None
    if drift is None:
        return None
    user = deltas.shifted(user_vector(session.user_vector, vectors.dim), drift, ranking.gain)
    return rerank.blend(
        rerank.base(np.array([item.score for item in session.queue], np.float32)),
        rerank.affinity(rows, is_known, user),
        float(np.linalg.norm(drift)),
        ranking.share,
    )


def _drift(session: Session, vectors: ItemVectors, ranking: Ranking) -> deltas.F32 | None:
    if not session.signals:
        return None
    rows, is_known = vectors.rows([signal.video_id for signal in session.signals])
    drift = deltas.delta(session.signals, rows - vectors.mean, is_known, ranking.decay)
    return drift if drift.any() else None

"""Puts a session's queue into the order of the moment: vectors, delta and spacing together.

Pure. Without a signal, or before the model's vectors are here, the brain's own order stands.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field

from edge.session import deltas, rerank
from edge.session.candidates import F32, Prepared
from edge.session.queue import Queue
from edge.session.state import Session
from edge.session.stay import Stay, gives_way
from edge.session.vectors import ItemVectors
from shared.config import setting
from shared.messages.catalog import VideoCard


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
    begin_gain: float = setting(
        0.25,
        "a session begins with what is warm before what is better by this at most",
        unit="sd",
        low=0,
        high=10,
    )
    spacing: rerank.Spacing = field(default_factory=rerank.Spacing)
    stay: Stay = field(default_factory=Stay)


@dataclass(frozen=True)
class View:
    """What the edge knows of the videos."""

    vectors: ItemVectors
    card_of: Callable[[str], VideoCard | None]
    is_ready: Callable[[str], bool]
    """The video's opening is warm."""


def arrange(session: Session, view: View, ranking: Ranking) -> None:
    """Re-rank the session's queue in place; the held head stays unless there is cause to move it.

    After the first event what leads is warm if it can be.
    """
    queue = session.queue
    if not len(queue):
        return
    head = session.head()
    scores = _scores(session, view.vectors, ranking)
    cause, session.cause = session.cause, 0.0
    if head is not None and scores is not None:
        head = None if gives_way(scores, head, session.held_bytes, cause, ranking.stay) else head
    if scores is None:
        placed = array("H", range(len(queue)))
        if head is not None:
            placed.insert(0, placed.pop(head))
    else:
        prepared = _prepared(queue, view.vectors)

        def groups(places: rerank.U16) -> rerank.Groups:
            return prepared.groups(places, lambda place: view.card_of(queue.ids[place]))

        placed = rerank.order(scores, head, groups, ranking.spacing)
    if head is None and session.n_events:
        placed = rerank.lead(placed, lambda index: view.is_ready(queue.ids[index]), ranking.lead_among)
    session.arrange(placed, is_reranked=scores is not None)


def _scores(session: Session, vectors: ItemVectors, ranking: Ranking) -> F32 | None:
    """One score for each candidate; None while nothing speaks against the brain's order."""
    if not session.signals or session.model != vectors.model:
        return None
    queue = session.queue
    prepared = _prepared(queue, vectors)
    if prepared.is_known is not None and not prepared.is_known.any():
        return None
    drift = deltas.drift(session.drift, session.signals, session.n_signals, vectors, ranking.decay)
    session.drift = drift
    if not drift.length:
        return None
    user = deltas.shifted(prepared.user(session.user_vector, vectors.dim), drift.value, ranking.gain)
    affinities = rerank.affinity(vectors.products(prepared.rows, user), prepared.is_known)
    return rerank.blend(prepared.base(queue.scores), affinities, drift.length, ranking.share)


def _prepared(queue: Queue, vectors: ItemVectors) -> Prepared:
    if queue.prepared is None:
        queue.prepared = Prepared(queue.ids, vectors)
    elif not queue.prepared.is_current(vectors):
        queue.prepared.follow(queue.ids, vectors)
    return queue.prepared

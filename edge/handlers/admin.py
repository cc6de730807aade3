"""The operator's calls, on a listener of their own: who is here and why they see it; drain."""

from collections.abc import Callable
from typing import Any

import numpy as np
from aiohttp import web

from edge.feed.cards import CardCache
from edge.session.slice import upcoming
from edge.session.state import Session
from edge.session.store import SessionStore
from edge.session.vectors import ItemVectors
from shared.errors import NotFound
from shared.messages.catalog import VideoCard
from shared.web import json_response

MAX_LISTED = 200
MAX_EXPLAINED = 50


class AdminHandler:
    """`/admin/…`."""

    def __init__(
        self,
        store: SessionStore,
        cards: CardCache,
        vectors: ItemVectors,
        drain: Callable[[], None],
    ) -> None:
        self._store = store
        self._cards = cards
        self._vectors = vectors
        self._drain = drain

    async def sessions(self, _: web.Request) -> web.Response:
        """The most recently used sessions."""
        listed = list(self._store)[: -MAX_LISTED - 1 : -1]
        return json_response({"n_sessions": len(self._store), "sessions": [_summary(one) for one in listed]})

    async def session(self, request: web.Request) -> web.Response:
        """Why this viewer sees what they see."""
        session = self._store.get(request.match_info["id"])
        if session is None:
            raise NotFound(f"no session {request.match_info['id'][:80]!r}")
        return json_response(_summary(session) | self._explained(session))

    async def drain(self, _: web.Request) -> web.Response:
        """From now on not ready: a load balancer sends no new viewers; those who are here are served."""
        self._drain()
        return json_response({"draining": True})

    def _explained(self, session: Session) -> dict[str, Any]:
        nexts = upcoming(session, self._cards.get, MAX_EXPLAINED)
        rows, is_known = self._vectors.rows([one.candidate.video_id for one in nexts])
        lengths = np.linalg.norm(rows, axis=1) if rows.size else np.zeros(len(nexts))
        return {
            "vectors": {"model": self._vectors.model, "n_rows": len(self._vectors)},
            "signals": [
                {"video": s.video_id, "weight": s.weight, "category": s.category} for s in session.signals
            ],
            "following": list(session.following),
            "queue": [
                {
                    "place": place,
                    "brain_rank": one.brain_rank,
                    "score": one.candidate.score,
                    "source": one.candidate.source,
                    "propensity": one.candidate.propensity,
                    "has_vector": bool(is_known[place]),
                    "vector_length": round(float(lengths[place]), 3),
                    **_shown(one.card),
                }
                for place, one in enumerate(nexts)
            ],
        }


def _summary(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "user_id": session.user_id,
        "version": session.version,
        "queue_version": session.queue_version,
        "model": session.model,
        "is_reranked": session.is_reranked,
        "current": session.current,
        "held": session.held,
        "n_queued": len(session.queue),
        "n_seen": len(session.seen),
        "n_events": session.n_events,
    }


def _shown(card: VideoCard) -> dict[str, str]:
    return {"video": card.id, "category": card.category, "creator": card.creator_name}

"""Which session is on which edge, when its queue is rebuilt, and which version comes next.

Pure. A positive boost, a like, share, follow or not-interested rebuilds at once; anything else at every n-th
event.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from brain.features.interest import boost
from shared.messages.events import EventBatch, EventKind, ViewEvent

_AT_ONCE = frozenset({EventKind.LIKE, EventKind.SHARE, EventKind.FOLLOW, EventKind.NOT_INTERESTED})


def rebuilds_at_once(event: ViewEvent) -> bool:
    """Whether this event alone triggers a recalculation."""
    if event.kind is EventKind.WATCH:
        return boost(event.completion) > 0
    return event.kind in _AT_ONCE


@dataclass(slots=True)
class Session:
    """Where a session lives, and how far its queue is."""

    id: str
    user_id: str
    edge_id: str
    region: str
    version: int = 0
    n_since: int = 0
    """Events since the last rebuild."""


class SessionTable:
    """The sessions that were heard of lately. Bounded: the least recent is forgotten."""

    def __init__(self, limit: int, every_events: int) -> None:
        self._limit, self._every = limit, every_events
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def heard(self, session_id: str, user_id: str, edge_id: str, region: str) -> Session:
        """The session, now at this edge."""
        session = self._sessions.setdefault(session_id, Session(session_id, user_id, edge_id, region))
        session.user_id, session.edge_id, session.region = user_id, edge_id, region
        self._sessions.move_to_end(session_id)
        while len(self._sessions) > self._limit:
            self._sessions.popitem(last=False)
        return session

    def take(self, batches: Iterable[EventBatch]) -> dict[str, tuple[Session, str]]:
        """The sessions whose queue is to be rebuilt, each with the id of the latest event that says so."""
        due: dict[str, tuple[Session, str]] = {}
        for batch in batches:
            for event in batch.events:
                session = self.heard(event.session_id, event.user_id, batch.edge_id, batch.region)
                session.n_since += 1
                if rebuilds_at_once(event) or session.n_since >= self._every:
                    due[session.id] = (session, event.id)
                    session.n_since = 0
        return due


def next_version(session: Session, now_ms: int) -> int:
    """The version of a queue built now; strictly more than the session's last one."""
    session.version = max(session.version + 1, now_ms)
    return session.version

"""A session that another edge held: what the brain counted of it becomes this edge's signals.

Pure. The brain knows the events of every edge, dead or alive, within a fraction of a second; so nothing is
copied between edges. Only what was done since the session began counts: its id tells when that was.
"""

from collections.abc import Iterable

from edge.session import deltas
from edge.session.signals import Signal
from edge.session.state import Session
from shared.ids import made_ms
from shared.messages.events import EventKind
from shared.messages.queues import RecentSignal

_KINDS = frozenset(kind.value for kind in EventKind)


def resume(session: Session, recent: Iterable[RecentSignal]) -> int:
    """Note what is told of this session, if it has no signal of its own yet; returns how many."""
    began_ms = made_ms(session.id)
    if session.n_signals or session.n_events or not began_ms:
        return 0
    n_taken = 0
    for one in recent:
        if one.at_ms < began_ms or one.kind not in _KINDS:
            continue
        kind = EventKind(one.kind)
        strength = deltas.weight(kind, one.completion)
        if strength:
            is_finish = kind is EventKind.WATCH and strength > 0
            session.note(Signal(one.video_id, strength, one.category, is_finish))
            n_taken += 1
    session.n_events = n_taken
    return n_taken

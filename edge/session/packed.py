"""A session as bytes: for the snapshot on drain, and for another edge.

Pure. What ranking prepared is left out; whoever unpacks makes it anew.
"""

from array import array
from dataclasses import fields

import msgspec

from edge.prefetch.hazard import Pace
from edge.prefetch.situation import ASSUMED_LINK, Link
from edge.session.queue import Queue
from edge.session.signals import Signal
from edge.session.state import Session
from shared.messages.queues import Candidate


class Packed(msgspec.Struct, kw_only=True):
    """The fields of a Session that travel, by the same names."""

    id: str
    user_id: str
    version: int
    queue_version: int = 0
    model: str = ""
    user_vector: bytes = b""
    queue: list[Candidate] = []
    order: list[int] = []
    is_reranked: bool = False
    held: str = ""
    current: str = ""
    seen: dict[str, None] = {}
    served: dict[str, Candidate] = {}
    signals: list[Signal] = []
    n_signals: int = 0
    following: dict[str, None] = {}
    n_events: int = 0
    link: Link = ASSUMED_LINK
    pace: Pace = Pace()
    touched_s: float = 0.0


_KEPT = frozenset(Packed.__struct_fields__)


def pack(session: Session, now: float) -> Packed:
    """What travels; `touched_s` becomes the idle time, since whoever unpacks has another clock."""
    values = {one.name: getattr(session, one.name) for one in fields(session) if one.name in _KEPT}
    values["queue"], values["order"] = list(session.queue), list(session.order)
    return Packed(**values | {"touched_s": now - session.touched_s})


def unpack(packed: Packed, now: float) -> Session:
    """The session; an order that is none of its queue gives way to the brain's own.

    The brain is asked for its queue again: another edge may have held it meanwhile.
    """
    values = {name: getattr(packed, name) for name in _KEPT}
    queue = Queue(packed.queue)
    is_order = sorted(packed.order) == list(range(len(queue)))
    order = array("H", packed.order if is_order else range(len(queue)))
    return Session(
        **values | {"queue": queue, "order": order, "queue_version": 0, "touched_s": now - packed.touched_s}
    )

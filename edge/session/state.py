"""One viewer's session: the queue held, what was seen, what the player already preloaded.

Pure. The queue holds unseen videos only, in the brain's order; `order` says in which order they are shown
now, as indexes into the queue. A pushed queue replaces the held one when its version is later; the video
that the player holds next stays at the head (its bytes are there), and nothing seen comes back by itself.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge.prefetch.hazard import Pace
from edge.prefetch.situation import ASSUMED_LINK, Link
from edge.prefetch.warming import NOTHING_TOLD, Told
from edge.session.deltas import Drift
from edge.session.queue import Queue, remaining
from edge.session.signals import MAX_SIGNALS, Signal
from shared.messages.queues import Candidate, RankedQueue

MAX_SEEN = 1_000
"""Videos remembered as seen; the oldest is forgotten first."""
MAX_QUEUE = 500
MAX_SERVED = 32
"""Latest seen candidates whose source and propensity an event may still ask for."""
MAX_FOLLOWING = 1_000


@dataclass(slots=True, kw_only=True)
class Session:
    """The state of one session, changed between awaits only. `version` grows at every visible change."""

    id: str
    user_id: str
    version: int
    """Starts at the wall clock in ms, so that a session made anew still grows for its player."""
    queue_version: int = 0
    """Of the last queue taken from the brain; 0 before the first."""
    model: str = ""
    user_vector: bytes = b""
    queue: Queue = field(default_factory=Queue)
    order: "array[int]" = field(default_factory=lambda: array("H"))
    """Places of the queue, in the order that the viewer gets."""
    is_reranked: bool = False
    """The order shown is not the brain's own."""
    held: str = ""
    """The video that the player has preloaded next; empty when it holds none that is queued."""
    held_bytes: int = 0
    """What the player holds of it."""
    cause: float = 0.0
    """Weight of the strongest signal since the order was made."""
    current: str = ""
    seen: dict[str, None] = field(default_factory=dict)
    """Oldest first."""
    served: dict[str, Candidate] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)
    n_signals: int = 0
    """All that were noted, also those that are forgotten."""
    drift: Drift | None = None
    """The delta of the signals so far; made by who ranks."""
    following: dict[str, None] = field(default_factory=dict)
    """Creators followed in this session."""
    n_events: int = 0
    link: Link = ASSUMED_LINK
    """The way to the player, as last told."""
    pace: Pace = field(default_factory=Pace)
    told: Told = NOTHING_TOLD
    """What its player last told and was told."""
    touched_s: float = 0.0
    """Monotonic seconds of the last request."""

    def shown(self) -> list[Candidate]:
        """The queue in the order that the viewer gets."""
        return [self.queue[index] for index in self.order]

    def arrange(self, order: "array[int]", is_reranked: bool) -> None:
        """Take a new order: a permutation of the queue's places."""
        if order != self.order:
            self.version += 1
        self.order = order
        self.is_reranked = is_reranked

    def see(self, video_ids: Iterable[str]) -> None:
        """Count these as seen, newest last; they leave the queue."""
        gone = [sys.intern(video_id) for video_id in video_ids if video_id]
        for place in self.queue.places(gone):
            self.served[self.queue.ids[place]] = self.queue[place]
        for video_id in gone:
            self.seen.pop(video_id, None)
            self.seen[video_id] = None
        _forget(self.seen, MAX_SEEN)
        _forget(self.served, MAX_SERVED)
        self.drop(gone)

    def drop(self, video_ids: Iterable[str]) -> bool:
        """Take these out of the queue (seen, withdrawn, not wanted); True when one was there."""
        places = self.queue.places(video_ids)
        if not places:
            return False
        self.order = remaining(self.order, places)
        self.queue = self.queue.without(places)
        if self.held in video_ids:
            self.held = ""
        self.version += 1
        return True

    def hold(self, video_ids: Sequence[str]) -> None:
        """Note what the player has preloaded: the first that is still queued is kept at the head."""
        self.held = next((one for one in video_ids if self.queue.place(one) is not None), "")

    def note(self, signal: Signal) -> None:
        """Remember a signal, newest last."""
        self.n_signals += 1
        self.signals.append(signal)
        del self.signals[:-MAX_SIGNALS]

    def follow(self, creator_id: str, is_on: bool) -> None:
        """Remember that this creator is, or is no longer, followed."""
        self.following.pop(creator_id, None)
        if is_on:
            self.following[creator_id] = None
            _forget(self.following, MAX_FOLLOWING)

    def merge(self, push: RankedQueue) -> bool:
        """Take the brain's queue; False when a later one was taken already."""
        if push.version <= self.queue_version:
            return False
        for video_id in push.seen:
            self.seen.setdefault(sys.intern(video_id), None)
        _forget(self.seen, MAX_SEEN)
        self.queue_version = push.version
        self.model, self.user_vector = push.model, push.user_vector
        fresh: dict[str, Candidate] = {}
        for item in push.items:
            if not self._is_over(item.video_id):
                fresh.setdefault(item.video_id, item)
        if fresh:  # nothing new takes nothing away: what is shown again stays queued
            self._replace(fresh)
        return True

    def extend(self, candidates: Iterable[Candidate]) -> bool:
        """Append fallback candidates that are neither queued nor seen; True when one came in."""
        known = set(self.queue.ids)
        unique = {
            c.video_id: c for c in candidates if c.video_id not in known and c.video_id not in self.seen
        }
        fresh = list(unique.values())[: MAX_QUEUE - len(self.queue)]
        if fresh:
            self.order = self.order + array("H", range(len(self.queue), len(self.queue) + len(fresh)))
            self.queue = Queue([*self.queue, *fresh])
            self.version += 1
        return bool(fresh)

    def forget_seen(self, video_ids: Iterable[str]) -> None:
        """Let these be shown again: everything else has been seen."""
        for video_id in video_ids:
            self.seen.pop(video_id, None)

    def head(self) -> int | None:
        """The queue index that must be shown first, if the player holds one."""
        return self.queue.place(self.held) if self.held else None

    def _is_over(self, video_id: str) -> bool:
        return video_id in self.seen or video_id == self.current

    def _replace(self, fresh: dict[str, Candidate]) -> None:
        kept = self.head()
        if kept is not None and self.held not in fresh and not self._is_over(self.held):
            fresh = {self.held: self.queue[kept], **fresh}
        self.queue = Queue(list(fresh.values())[:MAX_QUEUE])
        self.order = array("H", range(len(self.queue)))
        head = self.head()
        if head is None:
            self.held = ""
        else:
            self.order.insert(0, self.order.pop(head))
        self.is_reranked = False
        self.version += 1


def _forget(table: dict[str, Any], limit: int) -> None:
    while len(table) > limit:
        del table[next(iter(table))]

"""One viewer's session: the queue held, what was seen, what the player already preloaded.

Pure. The queue holds unseen videos only, in the brain's order; `order` says in which order they are shown
now, as indexes into the queue. A pushed queue replaces the held one when its version is later; the video
that the player holds next stays at the head (its bytes are there), and nothing seen comes back by itself.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from edge.prefetch.hazard import Pace
from edge.prefetch.situation import ASSUMED_LINK, Link
from shared.messages import Candidate, RankedQueue

MAX_SEEN = 2_000
"""Videos remembered as seen; the oldest is forgotten first."""
MAX_QUEUE = 500
MAX_SIGNALS = 48
"""Watch signals kept: at a decay of 0.9 the 49th weighs less than a hundredth."""
MAX_SERVED = 64
"""Latest seen candidates whose source and propensity an event may still ask for."""
MAX_FOLLOWING = 1_000


class Signal(msgspec.Struct, frozen=True, array_like=True):
    """What one event says about one video: the sign and size of the viewer's interest."""

    video_id: str
    weight: float
    category: str = ""
    is_finish: bool = False


class Session(msgspec.Struct, kw_only=True):
    """The state of one session, changed between awaits only. `version` grows at every visible change."""

    id: str
    user_id: str
    version: int
    """Starts at the wall clock in ms, so that a session made anew still grows for its player."""
    queue_version: int = 0
    """Of the last queue taken from the brain; 0 before the first."""
    model: str = ""
    user_vector: bytes = b""
    queue: list[Candidate] = []
    order: list[int] = []
    is_reranked: bool = False
    """The order shown is not the brain's own."""
    held: str = ""
    """The video that the player has preloaded next; empty when it holds none that is queued."""
    current: str = ""
    seen: dict[str, None] = {}
    """Oldest first."""
    served: dict[str, Candidate] = {}
    signals: list[Signal] = []
    following: dict[str, None] = {}
    """Creators followed in this session."""
    n_events: int = 0
    link: Link = ASSUMED_LINK
    """The way to the player, as last told."""
    pace: Pace = Pace()
    touched_s: float = 0.0
    """Monotonic seconds of the last request."""

    def shown(self) -> list[Candidate]:
        """The queue in the order that the viewer gets."""
        return [self.queue[index] for index in self.order]

    def arrange(self, order: list[int], is_reranked: bool) -> None:
        """Take a new order: a permutation of the queue's indexes."""
        if order != self.order:
            self.version += 1
        self.order = order
        self.is_reranked = is_reranked

    def see(self, video_ids: Iterable[str]) -> None:
        """Count these as seen, newest last; they leave the queue."""
        gone = {video_id for video_id in video_ids if video_id}
        if not gone:
            return
        for item in self.queue:
            if item.video_id in gone:
                self.served[item.video_id] = item
        for video_id in video_ids:
            if video_id:
                self.seen.pop(video_id, None)
                self.seen[video_id] = None
        _forget(self.seen, MAX_SEEN)
        _forget(self.served, MAX_SERVED)
        self.drop(gone)

    def drop(self, video_ids: set[str]) -> bool:
        """Take these out of the queue (seen, withdrawn, not wanted); True when one was there."""
        kept = [index for index, item in enumerate(self.queue) if item.video_id not in video_ids]
        if len(kept) == len(self.queue):
            return False
        place = {index: new for new, index in enumerate(kept)}
        self.order = [place[index] for index in self.order if index in place]
        self.queue = [self.queue[index] for index in kept]
        if self.held in video_ids:
            self.held = ""
        self.version += 1
        return True

    def hold(self, video_ids: Sequence[str]) -> None:
        """Note what the player has preloaded: the first that is still queued is kept at the head."""
        queued = {item.video_id for item in self.queue}
        self.held = next((video_id for video_id in video_ids if video_id in queued), "")

    def note(self, signal: Signal) -> None:
        """Remember a signal, newest last."""
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
            self.seen.setdefault(video_id, None)
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
        known = {item.video_id for item in self.queue}
        unique = {
            c.video_id: c for c in candidates if c.video_id not in known and c.video_id not in self.seen
        }
        fresh = list(unique.values())[: MAX_QUEUE - len(self.queue)]
        if fresh:
            self.order += range(len(self.queue), len(self.queue) + len(fresh))
            self.queue = self.queue + fresh
            self.version += 1
        return bool(fresh)

    def forget_seen(self, video_ids: Iterable[str]) -> None:
        """Let these be shown again: everything else has been seen."""
        for video_id in video_ids:
            self.seen.pop(video_id, None)

    def head(self) -> int | None:
        """The queue index that must be shown first, if the player holds one."""
        return next((i for i, item in enumerate(self.queue) if item.video_id == self.held), None)

    def _is_over(self, video_id: str) -> bool:
        return video_id in self.seen or video_id == self.current

    def _replace(self, fresh: dict[str, Candidate]) -> None:
        kept = next((item for item in self.queue if item.video_id == self.held), None)
        if kept is not None and kept.video_id not in fresh and not self._is_over(kept.video_id):
            fresh = {kept.video_id: kept, **fresh}
        self.queue = list(fresh.values())[:MAX_QUEUE]
        self.order = list(range(len(self.queue)))
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

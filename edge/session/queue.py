"""The candidates that a session holds, in the brain's order, as columns.

Pure. Three hundred candidates as objects are 75 kB a session; as columns they are 10, with ids that are one
string in the whole process. A queue is never changed, only replaced.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from edge.session.candidates import Prepared
from shared.messages.queues import Candidate


class Queue:
    """Candidates by place; each video once."""

    __slots__ = ("ids", "prepared", "propensities", "scores", "sources")

    def __init__(self, items: Iterable[Candidate] = ()) -> None:
        unique = {item.video_id: item for item in items}
        self.ids = tuple(map(sys.intern, unique))
        self.scores = array("d", [item.score for item in unique.values()])
        self.propensities = array("d", [item.propensity for item in unique.values()])
        self.sources = tuple(sys.intern(str(item.source)) for item in unique.values())
        self.prepared: Prepared | None = None
        """Made by who ranks; follows the candidates when some leave."""

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place: int) -> Candidate:
        return Candidate(self.ids[place], self.scores[place], self.sources[place], self.propensities[place])

    def __iter__(self) -> Iterator[Candidate]:
        return map(Candidate, self.ids, self.scores, self.sources, self.propensities)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Queue) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def place(self, video_id: str) -> int | None:
        """Where the video is; None when it is not."""
        try:
            return self.ids.index(video_id)
        except ValueError:
            return None

    def places(self, video_ids: Iterable[str]) -> list[int]:
        """The places of those that are here, from the first."""
        return sorted(place for place in map(self.place, set(video_ids)) if place is not None)

    def without(self, places: Sequence[int]) -> "Queue":
        """The queue without these places, which are in order."""
        left = Queue()
        ids, sources = list(self.ids), list(self.sources)
        left.scores, left.propensities = self.scores[:], self.propensities[:]
        for place in reversed(places):
            for column in (ids, sources, left.scores, left.propensities):
                del column[place]
        left.ids, left.sources = tuple(ids), tuple(sources)
        if self.prepared is not None:
            is_kept = np.ones(len(self), np.bool_)
            is_kept[list(places)] = False
            left.prepared = self.prepared.only(is_kept)
        return left


def remaining(order: "array[int]", places: Sequence[int]) -> "array[int]":
    """The order of what is left when these places, which are in order, leave the queue."""
    gone = np.array(places, np.uint16)
    kept = np.frombuffer(order, np.uint16)
    kept = kept[~np.isin(kept, gone)] if len(gone) > 1 else kept[kept != gone[0]]
    return array("H", (kept - np.searchsorted(gone, kept).astype(np.uint16)).tobytes())

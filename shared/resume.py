"""Where to go on in a stream that is followed by sequence, and how it shows that something was missed.

Pure.
"""

from enum import StrEnum
from typing import NamedTuple


class LogFacts(NamedTuple):
    """What the server says of a stream."""

    created: str
    """When the stream was made; another one by the same name has another time."""
    first_seq: int
    last_seq: int


class Place(NamedTuple):
    """The last message of a stream that a node has applied."""

    created: str
    seq: int


class Resume(StrEnum):
    """Whether a node can go on from its place, or why it must assume that anything was purged."""

    REPLAY = "replay"
    UNKNOWN = "unknown"
    """This node has no place: it is new, or lost its file."""
    RECREATED = "recreated"
    """Another stream by the same name."""
    WENT_BACK = "went_back"
    """The stream ends before our place: the server lost its data."""
    GAP = "gap"
    """Messages after our place are no longer kept."""


def resume(place: Place | None, facts: LogFacts) -> Resume:
    """How to go on with a log that is as `facts` say."""
    if place is None:
        return Resume.UNKNOWN
    if place.created != facts.created:
        return Resume.RECREATED
    if facts.last_seq < place.seq:
        return Resume.WENT_BACK
    return Resume.GAP if facts.first_seq > place.seq + 1 else Resume.REPLAY


class Step(StrEnum):
    """What the next message that came says about those in between."""

    NEXT = "next"
    AGAIN = "again"
    """It was applied before."""
    HOLE = "hole"
    """The stream itself no longer holds what should have come first."""
    UNHEARD = "unheard"
    """One was lost, or overtaken, on the way to us: read on from the place."""


def step(place_seq: int, seq: int, *, is_first: bool) -> Step:
    """How message `seq` follows the place; `is_first` of a reader that was opened right after the place."""
    if seq <= place_seq:
        return Step.AGAIN
    if seq == place_seq + 1:
        return Step.NEXT
    return Step.HOLE if is_first else Step.UNHEARD

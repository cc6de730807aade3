"""What the sessions together are about to need: a pin a key, as near as the nearest session has it.

Pure. A session's pins are those of its present plan and what its player holds of the next videos. Both
change with every event, so what was shown, skipped or dropped from the queue loses its pin then, and at the
latest when the session ends; a hit itself costs nothing. Cost: O(changes of the plan).
"""

from collections.abc import Callable, Iterable, Mapping

from edge.prefetch.warming import Step, Urgency

MAX_DISTANCE = 31
"""Farther ones count as this far."""
HELD_DISTANCE = 16
"""What is needed is nearer than this. What a player holds already is so much farther than it is in swipes:
it gives way first, of it the last video."""
PINNED_URGENCY = Urgency.PLAYLIST
"""A swipe that finds less than this in RAM waits: such steps are kept there, not only warmed."""


def distances(steps: Iterable[Step]) -> dict[str, int]:
    """What of a session's steps is to stay in RAM: the paths, and how early each gives way to others."""
    held: dict[str, int] = {}
    needed: dict[str, int] = {}
    for step in steps:
        if step.urgency is Urgency.HELD:
            held[step.path] = HELD_DISTANCE + step.distance
        elif step.urgency <= PINNED_URGENCY:
            needed[step.path] = min(step.distance, HELD_DISTANCE - 1)
    return held | needed


class Pins:
    """Pins of many sessions, counted. Invariant: a key is pinned if and only if a session's plan names it."""

    def __init__(self, pin: Callable[[str, int], None], unpin: Callable[[str], None]) -> None:
        self._pin = pin
        self._unpin = unpin
        self._plans: dict[str, dict[str, int]] = {}
        self._counts: dict[str, list[int]] = {}
        """How many sessions have a key at each distance."""

    def __len__(self) -> int:
        return len(self._counts)

    def distance(self, key: str) -> int | None:
        """Of the nearest session that needs key."""
        counts = self._counts.get(key)
        return None if counts is None else _nearest(counts)

    def replace(self, session: str, plan: Mapping[str, int]) -> None:
        """Take a session's plan, keys with distances, in place of its former one; an empty one ends it."""
        former = self._plans.pop(session, {})
        taken = {key: min(max(0, distance), MAX_DISTANCE) for key, distance in plan.items()}
        for key, distance in taken.items():
            if former.get(key) != distance:
                self._change(key, plus=distance, minus=former.get(key))
        for key, distance in former.items():
            if key not in taken:
                self._change(key, plus=None, minus=distance)
        if taken:
            self._plans[session] = taken

    def _change(self, key: str, *, plus: int | None, minus: int | None) -> None:
        counts = self._counts.get(key)
        before = None if counts is None else _nearest(counts)
        counts = counts or [0] * (MAX_DISTANCE + 1)
        if plus is not None:
            counts[plus] += 1
        if minus is not None:
            counts[minus] -= 1
        if not any(counts):
            del self._counts[key]
            self._unpin(key)
            return
        self._counts[key] = counts
        if _nearest(counts) != before:
            self._pin(key, _nearest(counts))


def _nearest(counts: list[int]) -> int:
    return next(distance for distance, count in enumerate(counts) if count)

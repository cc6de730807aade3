"""What is still to be warmed over all sessions: the most urgent first, of these what is needed soonest.

Pure. A session's new plan replaces its former one; entries of a replaced plan stay in the heap and are
passed over when they come up, and the heap is rebuilt when more than half of it is stale.
"""

import heapq
from collections import Counter
from typing import NamedTuple

from edge.prefetch.warming import Step, Urgency


class Taken(NamedTuple):
    """A step whose turn has come, and the session whose plan named it."""

    step: Step
    session: str


class Backlog:
    """Plans of many sessions, merged. Invariant: at most `max_steps` live steps, each path once a session."""

    def __init__(self, max_steps: int) -> None:
        self._max_steps = max_steps
        self._heap: list[tuple[Urgency, float, Step, int, str]] = []
        """With the moment at which the step is needed."""
        self._plan_of: dict[str, int] = {}
        self._left: dict[str, set[str]] = {}
        """Paths of the live steps, by session."""
        self._n_naming: Counter[str] = Counter()
        """Live steps, by path."""
        self._n_live = 0
        self._n_plans = 0

    def __len__(self) -> int:
        return self._n_live

    @property
    def n_entries(self) -> int:
        """Live and stale steps held: what the backlog costs."""
        return len(self._heap)

    def replace(self, session: str, plan: list[Step], now_s: float = 0.0) -> int:
        """Take a session's plan, made now, in place of its former one; returns how many steps went stale."""
        stale = self._left.pop(session, set())
        self._n_live -= len(stale)
        for path in stale:
            self._unname(path)
        self._plan_of.pop(session, None)
        taken = plan[: max(0, self._max_steps - self._n_live)]
        if taken:
            self._n_plans += 1
            self._plan_of[session] = self._n_plans
            self._left[session] = {step.path for step in taken}
            self._n_live += len(self._left[session])
            self._n_naming.update(self._left[session])
            for step in taken:
                due_s = now_s + step.within_s
                heapq.heappush(self._heap, (step.urgency, due_s, step, self._n_plans, session))
        if len(self._heap) > 2 * max(self._n_live, 64):
            self._heap = [entry for entry in self._heap if self._plan_of.get(entry[4]) == entry[3]]
            heapq.heapify(self._heap)
        return len(stale)

    def names(self, path: str) -> bool:
        """Whether a live step is for this path."""
        return path in self._n_naming

    def has(self, session: str, path: str) -> bool:
        """Whether a live step of this session is for this path."""
        return path in self._left.get(session, ())

    def _unname(self, path: str) -> None:
        self._n_naming[path] -= 1
        if not self._n_naming[path]:
            del self._n_naming[path]

    def take(self, least: Urgency = Urgency.RESERVE) -> Taken | None:
        """The most urgent live step, or None when none is at least as urgent as `least`."""
        while self._heap and self._heap[0][0] <= least:
            _, _, step, plan, session = heapq.heappop(self._heap)
            if self._plan_of.get(session) != plan or step.path not in self._left[session]:
                continue
            self._n_live -= 1
            self._left[session].remove(step.path)
            self._unname(step.path)
            if not self._left[session]:
                del self._left[session], self._plan_of[session]
            return Taken(step, session)
        return None

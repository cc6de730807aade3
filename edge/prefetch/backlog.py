"""What is still to be warmed over all sessions: the most urgent first, a stale plan never.

Pure. A session's new plan replaces its former one; entries of a replaced plan stay in the heap and are
passed over when they come up, and the heap is rebuilt when more than half of it is stale.
"""

import heapq

from edge.prefetch.warming import Step


class Backlog:
    """Plans of many sessions, merged. Invariant: at most `max_steps` live steps, each path once a session."""

    def __init__(self, max_steps: int) -> None:
        self._max_steps = max_steps
        self._heap: list[tuple[Step, int, str]] = []
        self._plan_of: dict[str, int] = {}
        self._left: dict[str, int] = {}
        self._n_live = 0
        self._n_plans = 0

    def __len__(self) -> int:
        return self._n_live

    @property
    def n_entries(self) -> int:
        """Live and stale steps held: what the backlog costs."""
        return len(self._heap)

    def replace(self, session: str, plan: list[Step]) -> int:
        """Take a session's plan in place of its former one; returns how many steps went stale."""
        n_stale = self._left.pop(session, 0)
        self._n_live -= n_stale
        self._plan_of.pop(session, None)
        taken = plan[: max(0, self._max_steps - self._n_live)]
        if taken:
            self._n_plans += 1
            self._plan_of[session] = self._n_plans
            self._left[session] = len(taken)
            self._n_live += len(taken)
            for step in taken:
                heapq.heappush(self._heap, (step, self._n_plans, session))
        if len(self._heap) > 2 * max(self._n_live, 64):
            self._heap = [entry for entry in self._heap if self._plan_of.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)
        return n_stale

    def take(self) -> Step | None:
        """The most urgent live step, or None."""
        while self._heap:
            step, plan, session = heapq.heappop(self._heap)
            if self._plan_of.get(session) != plan:
                continue
            self._n_live -= 1
            self._left[session] -= 1
            if not self._left[session]:
                del self._left[session], self._plan_of[session]
            return step
        return None

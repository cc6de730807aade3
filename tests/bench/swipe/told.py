"""The production coupling: plans are asked for at events only, come a request later, and are followed.

Pure. A player asks after a swipe, when its bandwidth estimate moved by 30 %, and after `refresh_s`. Until the
answer is there it goes on with what it was told before.
"""

from collections import deque
from typing import NamedTuple

from edge.prefetch.planner import PlanRules
from edge.prefetch.situation import Fetch
from tests.bench.swipe.planned import Planned, link_of
from tests.bench.swipe.session import Get, Player, Wait

MOVED = 0.3
EDGE_S = 0.005
"""What an edge takes to answer, beside the round trip."""


class _Asked(NamedTuple):
    """A request under way: the answer was decided on the state at its start."""

    comes_s: float
    video: int
    fetches: list[Fetch]


class Told(Planned):
    """Follows plans as a player over the network does."""

    def __init__(self, rules: PlanRules) -> None:
        super().__init__(rules)
        self._steps: deque[tuple[Get, float]] = deque()
        self._video = -1
        """On screen when the plan in hand was asked for."""
        self._asked: _Asked | None = None
        self._asked_s = float("-inf")
        self._bps = 0.0

    def next(self, player: Player) -> Get | Wait:
        self._take(player)
        if self._is_due(player):
            self._ask(player)
        while self._steps:
            step, at_s = self._steps[0]
            if step.video < player.video or step.chunk in player.held[step.video]:
                self._steps.popleft()
                continue
            if at_s > player.playhead_s + 1e-6 and self._video == player.video:
                return Wait(at_s, self._patience_s(player))
            self._steps.popleft()
            return step
        return Wait(for_s=self._patience_s(player))

    def keeps(self, player: Player) -> bool:
        """At a swipe the player drops what left its window; the plan's own cancels come too late for that."""
        self._take(player)
        if self._asked is None:
            self._ask(player)
        return player.flight is not None and player.flight.what.video >= player.video

    def _patience_s(self, player: Player) -> float:
        next_s = self._asked.comes_s if self._asked else self._asked_s + self._rules.refresh_s
        return max(1e-3, next_s - player.now_s)

    def _is_due(self, player: Player) -> bool:
        if self._asked is not None:
            return False
        bps = link_of(player).bandwidth_bps
        moved = self._bps and abs(bps - self._bps) > MOVED * self._bps
        is_old = player.now_s - self._asked_s >= self._rules.refresh_s - 1e-6
        return is_old or self._video != player.video or bool(moved)

    def _ask(self, player: Player) -> None:
        self._bps, self._asked_s = link_of(player).bandwidth_bps, player.now_s
        comes_s = player.now_s + player.setup.rtt_s + EDGE_S
        self._asked = _Asked(comes_s, player.video, self.decide(player).fetches)

    def _take(self, player: Player) -> None:
        asked = self._asked
        if asked is not None and player.now_s >= asked.comes_s - 1e-9:
            steps = ((Get(asked.video + one.clip, one.chunk, one.rung), one.at_s) for one in asked.fetches)
            self._steps, self._video, self._asked = deque(steps), asked.video, None

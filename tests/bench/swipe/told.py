"""The production coupling: plans are asked for at events only, come a request later, and are followed.

Pure. A player asks after a swipe, when its bandwidth estimate moved by 30 %, and after `refresh_s`, also
while it downloads. Until the answer is there it goes on with what it was told before.
"""

from collections import deque
from typing import NamedTuple

from edge.prefetch.planner import PlanRules
from edge.prefetch.situation import Decision
from tests.bench.swipe.planned import Planned, link_of
from tests.bench.swipe.session import WINDOW, Get, Player, Wait

MOVED = 0.3
EDGE_S = 0.005
"""What an edge takes to answer, beside the round trip."""


class _Asked(NamedTuple):
    """A request under way: the answer was decided on the state at its start."""

    comes_s: float
    video: int
    decision: Decision
    flight: Get | None


class Told(Planned):
    """Follows plans as a player over the network does."""

    def __init__(self, rules: PlanRules, room: int = WINDOW) -> None:
        """`room`: videos after the one on screen that the player can hold, whatever it was told."""
        super().__init__(rules)
        self._room = room
        self._steps: deque[tuple[Get, float]] = deque()
        self._video = -1
        """On screen when the plan in hand was asked for."""
        self._asked: _Asked | None = None
        self._asked_s = float("-inf")
        self._refresh_s = rules.refresh_s
        self._bps = 0.0
        self._unwanted: Get | None = None

    def next(self, player: Player) -> Get | Wait:
        self._listen(player)
        while self._steps:
            step, at_s = self._steps[0]
            if self._is_impossible(step, player):
                self._steps.popleft()
                continue
            if at_s > player.playhead_s + 1e-6 and self._video == player.video:
                return Wait(at_s, self._patience_s(player))
            self._steps.popleft()
            return step
        return Wait(for_s=self._patience_s(player))

    def keeps(self, player: Player) -> bool:
        """At a swipe the player drops what left its window, later what the plan cancels."""
        self._listen(player)
        flight = player.flight
        return flight is not None and flight.what.video >= player.video and flight.what != self._unwanted

    def wakes_s(self, player: Player) -> float:
        """A player asks, and is answered, while it downloads."""
        return player.now_s + self._patience_s(player)

    def _patience_s(self, player: Player) -> float:
        next_s = self._asked.comes_s if self._asked else self._asked_s + self._refresh_s
        return max(1e-3, next_s - player.now_s)

    def _listen(self, player: Player) -> None:
        asked = self._asked
        if asked is not None and player.now_s >= asked.comes_s - 1e-9:
            fetches = asked.decision.fetches
            self._steps = deque((Get(asked.video + f.clip, f.chunk, f.rung), f.at_s) for f in fetches)
            self._unwanted = asked.flight if asked.decision.cancels else None
            self._video, self._refresh_s, self._asked = asked.video, asked.decision.refresh_s, None
        if self._asked is None and self._is_due(player):
            self._bps, self._asked_s = link_of(player).bandwidth_bps, player.now_s
            comes_s = player.now_s + player.setup.rtt_s + EDGE_S
            flight = player.flight.what if player.flight else None
            self._asked = _Asked(comes_s, player.video, self.decide(player), flight)

    def _is_impossible(self, step: Get, player: Player) -> bool:
        """Held, or of a video that is gone or that there is no room for."""
        ahead = step.video - player.video
        return ahead < 0 or ahead > self._room or step.chunk in player.held[step.video]

    def _is_due(self, player: Player) -> bool:
        bps = link_of(player).bandwidth_bps
        moved = self._bps and abs(bps - self._bps) > MOVED * self._bps
        is_old = player.now_s - self._asked_s >= self._refresh_s - 1e-6
        return is_old or self._video != player.video or bool(moved)

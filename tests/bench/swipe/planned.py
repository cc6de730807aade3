"""The production planner as a policy: `edge.prefetch.planner`, the very module that edges run.

Pure. `Planned` asks for a decision at each turn; `Told` only when a real player would ask, and follows the
answer, which comes a round trip late, as the wire says.
"""

from collections.abc import Sequence

from edge.prefetch.hazard import Pace
from edge.prefetch.planner import PlanRules, decide
from edge.prefetch.situation import ASSUMED_LINK, Clip, Decision, InFlight, Link, Situation
from tests.bench.swipe.policies import Undisturbed, estimate
from tests.bench.swipe.session import Get, Player, Wait


def link_of(player: Player) -> Link:
    """What a player tells of its link."""
    bps, spread = estimate(player.speeds)
    rtt_s = player.setup.rtt_s
    return Link(bps, spread, rtt_s) if bps else ASSUMED_LINK._replace(rtt_s=rtt_s)


class Planned(Undisturbed):
    """A decision at each turn."""

    def __init__(self, rules: PlanRules, *, knows_watch: bool = False) -> None:
        self._rules = rules
        self._knows = knows_watch
        """An oracle: the curves are this viewer's own watch times."""
        self._pace = Pace()
        self._n_swipes = 0
        self._curves: dict[int, Sequence[float]] = {}
        """Of this viewer, by video, until the next swipe."""

    def next(self, player: Player) -> Get | Wait:
        decision = self.decide(player)
        if not decision.fetches:
            return Wait(for_s=min(0.5, decision.refresh_s))
        first = decision.fetches[0]
        if first.at_s > player.playhead_s + 1e-6:
            return Wait(first.at_s, min(0.5, decision.refresh_s))
        return Get(player.video + first.clip, first.chunk, first.rung)

    def keeps(self, player: Player) -> bool:
        return 0 not in self.decide(player).cancels

    def decide(self, player: Player) -> Decision:
        """The production planner's answer to the player's present state."""
        self._learn(player)
        clips = [self._clip(player, video) for video in player.window()]
        flights: Sequence[InFlight] = ()
        if player.flight is not None:
            what, trace = player.flight.what, player.setup.trace
            began_s = player.flight.asked_s + player.setup.rtt_s
            got = (trace.bits_by(max(began_s, player.now_s)) - trace.bits_by(began_s)) / 8
            index = what.video - player.video
            left = max(0, round(player.flight.n_bytes - got))
            flights = [InFlight(index if index >= 0 else -1, what.chunk, what.rung, left)]
        is_playing = player.buffer_s > 0
        return self.judge(Situation(clips, player.playhead_s, is_playing, link_of(player), flights))

    def judge(self, now: Situation) -> Decision:
        return decide(now, self._rules)

    def _learn(self, player: Player) -> None:
        """What an edge does at a watch event: each tells how much faster than the curves this viewer is."""
        for video, watched_s in player.watched[self._n_swipes :]:
            self._pace = self._pace.after(watched_s, player.setup.videos[video].survival)
            self._curves.clear()
        self._n_swipes = len(player.watched)

    def _clip(self, player: Player, video: int) -> Clip:
        one = player.setup.videos[video]
        if video not in self._curves:
            self._curves[video] = self._curve(player, video)
        return Clip(one.chunk_bytes, one.rates, self._curves[video], player.held[video])

    def _curve(self, player: Player, video: int) -> Sequence[float]:
        one, factor = player.setup.videos[video], self._pace.factor
        if self._knows:
            stays_s = player.stays_s(video)
            return [1.0 if second < stays_s else 0.0 for second in range(one.n_chunks + 1)]
        return [share**factor for share in one.survival]

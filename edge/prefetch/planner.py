"""A player's plan: which chunk of which video at which rung, in which order, when to wait, what to cancel.

Pure. First what the screen needs within the next two seconds, then the openings of the videos that a swipe
may show, then more of the video on screen, as far as its viewers usually stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.prefetch.situation import Clip, Decision, Fetch, InFlight, Situation
from shared.config import setting

SAFETY = 0.7
"""Share of the estimated bandwidth that a rung may need."""
START_S = 0.4
"""An opening should be there within so long."""


@dataclass(frozen=True)
class PlanRules:
    """How far a player's plan reaches."""

    n_videos: int = setting(4, "videos after the one on screen that a player may fetch", low=0, high=10)
    n_steps: int = setting(12, "steps of one plan", low=1, high=64)
    refresh_s: float = setting(2.0, "a player asks again after so long", unit="s", low=0.2, high=60)
    urgent_s: float = setting(2.0, "seconds of the video on screen that come first", unit="s", low=1, high=30)
    ahead_s: float = setting(4.0, "most seconds held of the video on screen", unit="s", low=1, high=60)


def decide(now: Situation, rules: PlanRules) -> Decision:
    """The plan for this moment."""
    fetches: list[Fetch] = []
    coming = {(one.clip, one.chunk) for one in now.in_flight}
    rate_bps = max(1.0, now.link.bandwidth_bps)
    first = int(now.playhead_s)
    if now.clips:
        screen = now.clips[0]
        last = min(len(screen.chunk_bytes[0]), first + int(rules.ahead_s) + rules.n_steps)
        missing = [n for n in range(first, last) if n not in screen.held and (0, n) not in coming]
        near = [n for n in missing if n < now.playhead_s + rules.urgent_s]
        fetches += [Fetch(0, n, _steady(screen, n, rate_bps), 0.0) for n in near]
        fetches += _openings(now, rules, coming, rate_bps)
        fetches += [
            Fetch(0, n, _steady(screen, n, rate_bps), max(0.0, n - rules.ahead_s))
            for n in missing[len(near) :]
        ]
    cancels = [index for index, one in enumerate(now.in_flight) if _is_void(one, first, now.clips)]
    return Decision(fetches[: rules.n_steps], cancels, rules.refresh_s)


def _openings(now: Situation, rules: PlanRules, coming: set[tuple[int, int]], rate_bps: float) -> list[Fetch]:
    nexts = list(enumerate(now.clips))[1 : rules.n_videos + 1]
    return [
        Fetch(index, 0, _start(clip, now.link.rtt_s, rate_bps), 0.0)
        for index, clip in nexts
        if 0 not in clip.held and (index, 0) not in coming
    ]


def _steady(clip: Clip, chunk: int, rate_bps: float) -> int:
    return _highest(clip, chunk, SAFETY * rate_bps / 8)


def _start(clip: Clip, rtt_s: float, rate_bps: float) -> int:
    return _highest(clip, 0, max(0.0, START_S - rtt_s) * rate_bps / 8)


def _highest(clip: Clip, chunk: int, limit_bytes: float) -> int:
    fitting = [rung for rung, sizes in enumerate(clip.chunk_bytes) if sizes[chunk] <= limit_bytes]
    return fitting[-1] if fitting else 0


def _is_void(one: InFlight, first: int, clips: Sequence[Clip]) -> bool:
    return not 0 <= one.clip < len(clips) or (one.clip == 0 and one.chunk < first)

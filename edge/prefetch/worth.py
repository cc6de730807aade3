"""What a chunk is worth to a viewer, and at which rung: qualities, stalls, changes and bytes in one price.

Pure. Prices are those of the ACM MM 2022 Short Video Streaming Challenge: a second of quality is worth its
Mbit/s, a second of stall costs 1.85, a change of quality its Mbit/s, a megabit fetched half a point. The
other constants were chosen by simulation (tests/bench/swipe/README.md).
"""

from typing import NamedTuple

from edge.prefetch.situation import Clip, Link

STALL_PRICE = 1.85
BYTE_PRICE = 0.5 * 8e-6
STAY = 2.5
"""Chunks over which the price of a step up is spread. One down is paid in full: mostly it is taken back."""
LOAD_RISK = 0.2
"""Part of the risk that is added to the load of a rung."""
MAX_WEIGHT = 4.0
"""A step up on a link that hardly carries it costs so much more at most."""
EASY_LOAD = 0.9
"""Share of the link that playing a rung may take, with the risk added, before it costs stalls."""
LOAD_PRICE = 0.8
AVERAGED = 4
"""Chunks over which the load of a rung is averaged."""


class Pipe(NamedTuple):
    """The link in the planner's terms."""

    s_per_byte: float
    rtt_s: float
    tail: float
    """Mean excess of a late download over its expected time, as a share of it: how early to start.

    Small where the link is steady: what is fetched early is wasted by each swipe that comes before it."""
    risk: float
    """Relative standard deviation: how high a rung to dare."""


def pipe_of(link: Link) -> Pipe:
    """The link, never faster than it can be reckoned with."""
    spread = min(1.0, link.spread)
    return Pipe(8.0 / max(1e3, link.bandwidth_bps), link.rtt_s, 0.2 + 1.4 * spread, 0.2 + 0.8 * spread)


class Need(NamedTuple):
    """When and how surely a chunk is needed."""

    reach: float
    """Chance that it is played."""
    ahead_s: float
    """Seconds until it is needed, for what is on screen; infinite for what comes after a swipe."""
    hurry: float
    """Price of each second that its download takes: an opening that a swipe may show at once."""


def best_rung(clip: Clip, chunk: int, before: float | None, need: Need, pipe: Pipe) -> tuple[int, float]:
    """The rung of most worth, and how long its download takes. `before`: Mbit/s of what is played before."""
    best, rung, took_s = float("-inf"), 0, 0.0
    s_per_byte, rtt_s, _, risk = pipe
    reach, ahead_s, hurry = need
    end = min(chunk + AVERAGED, len(clip.chunk_bytes[0]))
    s_per_sum, loaded = s_per_byte / (end - chunk), 1 + LOAD_RISK * risk
    for index, (sizes, rate) in enumerate(zip(clip.chunk_bytes, clip.rates, strict=False)):
        own_s = rtt_s + sizes[chunk] * s_per_byte
        load = (rtt_s + sum(sizes[chunk:end]) * s_per_sum) * loaded
        worth = reach * rate - BYTE_PRICE * sizes[chunk] - hurry * own_s
        if load > EASY_LOAD:
            worth -= LOAD_PRICE * (load - EASY_LOAD)
        if before is not None:
            # a step up that the link hardly carries will soon be taken back
            weight = min(MAX_WEIGHT, load**4) / STAY if rate > before else 1.0
            worth -= weight * abs(rate - before)
        late_s = own_s * (1 + risk) - ahead_s
        if late_s > 0:
            worth -= STALL_PRICE * reach * late_s
        if worth > best:
            best, rung, took_s = worth, index, own_s
    return rung, took_s

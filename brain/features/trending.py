"""Exponentially decayed popularity, kept so that nothing ever has to be re-scaled.

Pure. A video's mass at time t is the sum of w * 2^(-(t - t_i) / half_life). We keep
L = log2(sum of w * 2^(t_i / half_life)): the mass is 2^(L - t / half_life), so the order by L is the order by
mass at every t, an addition is one log-sum, and no landmark has to move (forward decay, Cormode et al., ICDE
2009).
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from shared.messages.events import EventKind

_WEIGHTS = {
    EventKind.LIKE: 2.0,
    EventKind.COMMENT: 1.5,
    EventKind.SHARE: 3.0,
    EventKind.FOLLOW: 1.5,
}


class Trends(NamedTuple):
    """A region's levels, highest first; log2 masses as described above."""

    now: dict[str, float]
    lasting: dict[str, float]
    shown: dict[str, int]
    """Impressions of the videos that were asked for."""


def weight(kind: EventKind, completion: float) -> float:
    """What one event adds to its video's mass; 0 adds nothing."""
    if kind is EventKind.WATCH:
        return min(completion, 1.0) if completion >= 0.5 else 0.0
    return _WEIGHTS.get(kind, 0.0)


def level(added: float, at_s: float, half_life_s: float) -> float:
    """The level of one addition at `at_s`. `added` > 0."""
    return math.log2(added) + at_s / half_life_s


def combine(one: float, other: float) -> float:
    """The level of two masses together; commutative and associative up to rounding."""
    high, low = (one, other) if one >= other else (other, one)
    return high + math.log2(1.0 + 2.0 ** (low - high))


def mass(of: float, now_s: float, half_life_s: float) -> float:
    """The decayed mass of a level at `now_s`."""
    return float(2.0 ** min(of - now_s / half_life_s, 1000.0))


def share_of_top(levels: Mapping[str, float]) -> dict[str, float]:
    """Each video's mass over the highest one: 0 to 1, whatever the time."""
    if not levels:
        return {}
    top = max(levels.values())
    return {video: 2.0 ** (value - top) for video, value in levels.items()}


def merge(levels: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Several regions' levels as one."""
    merged: dict[str, float] = {}
    for region in levels:
        for video, value in region.items():
            merged[video] = combine(merged[video], value) if video in merged else value
    return merged


def tags(
    ranked: Iterable[tuple[str, float]], tags_of: Callable[[str], Iterable[str]], n: int
) -> list[tuple[str, int, float]]:
    """At most n hashtags of trending videos: (tag, how many of these have it, score 0..1), best first.

    A tag's mass is the sum of its videos' shares: many small ones count as much as one that is large.
    """
    mass_of: dict[str, float] = {}
    n_of: dict[str, int] = {}
    for video, share in ranked:
        for tag in set(tags_of(video)):
            mass_of[tag] = mass_of.get(tag, 0.0) + share
            n_of[tag] = n_of.get(tag, 0) + 1
    top = max(mass_of.values(), default=0.0) or 1.0
    best = sorted(mass_of.items(), key=lambda pair: (-pair[1], -n_of[pair[0]], pair[0]))[:n]
    return [(tag, n_of[tag], value / top) for tag, value in best]


def ranking(own: Mapping[str, float], everywhere: Mapping[str, float], n: int) -> list[tuple[str, float]]:
    """At most n videos with a score 0..1, best first: the region's own trend, filled up from everywhere's."""
    mine = sorted(share_of_top(own).items(), key=lambda pair: (-pair[1], pair[0]))[:n]
    others = sorted(share_of_top(everywhere).items(), key=lambda pair: (-pair[1], pair[0]))
    floor = mine[-1][1] if mine else 1.0
    rest = [(video, share * floor) for video, share in others if video not in own]
    return (mine + rest)[:n]

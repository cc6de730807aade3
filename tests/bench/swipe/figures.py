"""Figures of many sessions: score, waits after swipes, stalls, waste. Pure."""

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from tests.bench.swipe.session import Outcome

NO_WAIT_S = 0.034
"""A start within two frames of 60 Hz is none that a viewer sees."""


class Figures(NamedTuple):
    """One policy on one kind of link."""

    score: float
    no_wait_pct: float
    """Of swipes; a session's first start is no swipe."""
    start_p50_ms: float
    start_p95_ms: float
    start_p99_ms: float
    stall_pct: float
    """Stalls in mid-play over stalls and playing."""
    waste_pct: float
    mbit_s: float
    """Mean quality of what was played."""


def figures(outcomes: Sequence[Outcome]) -> Figures:
    """Of all sessions together; the score is their mean."""
    starts = sorted(start for one in outcomes for start in one.startups_s[1:])
    stall_s = sum(one.stall_s for one in outcomes)
    play_s = sum(one.play_s for one in outcomes)
    got = sum(one.got_bytes for one in outcomes)
    played = sum(one.played_bytes for one in outcomes)
    n_played = sum(len(one.played) for one in outcomes)
    return Figures(
        round(fmean(one.score for one in outcomes), 1),
        round(100 * sum(start <= NO_WAIT_S for start in starts) / max(1, len(starts)), 1),
        round(1000 * _quantile(starts, 0.5)),
        round(1000 * _quantile(starts, 0.95)),
        round(1000 * _quantile(starts, 0.99)),
        round(100 * stall_s / max(1e-9, stall_s + play_s), 2),
        round(100 * (1 - played / got), 1),
        round(sum(one.quality for one in outcomes) / max(1, n_played), 2),
    )


def _quantile(values: Sequence[float], share: float) -> float:
    """Of sorted values, by nearest rank."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0

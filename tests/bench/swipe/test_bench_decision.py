"""What one decision of the planner costs, over situations of simulated sessions on generated links."""

import gc
import random
from collections.abc import Sequence
from statistics import quantiles
from time import perf_counter

import pytest

from edge.prefetch.planner import PlanRules, decide
from edge.prefetch.situation import Clip, Decision, Situation
from tests.bench import report
from tests.bench.swipe import kinds
from tests.bench.swipe.planned import Planned
from tests.bench.swipe.session import run

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

SEED = 2026
N_TRACES = 4
N_USERS = 4
N_CALLS = 7
"""The best of so many is what it costs, one is what a busy machine makes of it."""


class _Recorded(Planned):
    """Keeps each situation it decides on; what a session changes later is copied."""

    def __init__(self, rules: PlanRules, seen: list[Situation]) -> None:
        super().__init__(rules)
        self._seen = seen

    def judge(self, now: Situation) -> Decision:
        clips = [Clip(one.chunk_bytes, one.rates, one.survival, dict(one.held)) for one in now.clips]
        self._seen.append(now._replace(clips=clips))
        return super().judge(now)


def situations() -> list[Situation]:
    """Of sessions on links from 3G to 5G, and with the largest videos; five each but for the last ones."""
    seen: list[Situation] = []
    for name in (*kinds.GENERATED, "videos: long", "videos: four rungs"):
        kind = (kinds.GENERATED | kinds.UNSEEN)[name]
        for setup in kinds.sessions(kind, random.Random(f"{SEED}{name}"), N_TRACES, N_USERS):
            run(setup, _Recorded(PlanRules(), seen))
    return seen


def timed(now: Situation, rules: PlanRules) -> float:
    began = perf_counter()
    decide(now, rules)
    return perf_counter() - began


def spread_us(seconds: Sequence[float]) -> dict[str, float]:
    cut = quantiles(seconds, n=100)
    row = {"n": len(seconds), "p50_us": cut[49] * 1e6, "p99_us": cut[98] * 1e6, "max_us": max(seconds) * 1e6}
    return {name: round(value, 1) for name, value in row.items()}


def test_a_decision_of_six_steps_is_timed_over_the_situations_of_sessions() -> None:
    seen, rules = situations(), PlanRules()
    gc.disable()
    try:
        calls = [[timed(now, rules) for _ in range(N_CALLS)] for now in seen]
    finally:
        gc.enable()
    report.write(
        "swipe-decision",
        {
            f"best of {N_CALLS}": spread_us([min(each) for each in calls]),
            "one call each": spread_us([each[0] for each in calls]),
        },
    )
    assert any(decide(now, rules).fetches for now in seen)

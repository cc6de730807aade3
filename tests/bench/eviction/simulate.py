"""Runs policies over a trace: object and byte miss ratio, cold start included, and decisions per second."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from edge.cache.eviction.adaptive import Adaptive
from edge.cache.eviction.lru import Lru
from edge.cache.eviction.s3fifo import S3Fifo
from edge.cache.key import video_of
from tests.bench.eviction.arc import Arc
from tests.bench.eviction.belady import Belady, BeladySize, next_uses
from tests.bench.eviction.insight import Insight
from tests.bench.eviction.lfu import Lfu
from tests.bench.eviction.sieve import Sieve

SHARES = (0.01, 0.05, 0.1, 0.2)
"""Cache sizes, relative to the bytes of all objects of a trace."""
OURS = "ours"
BLIND = "ours, blind"
"""Ours where nobody tells which objects belong to a video."""


K = TypeVar("K")


class Policy(Protocol[K]):
    """What a simulation needs of a policy."""

    @property
    def used_bytes(self) -> int: ...
    def __contains__(self, key: K) -> bool: ...
    def admit(self, key: K, size_bytes: int) -> list[K]: ...
    def touch(self, key: K) -> None: ...


ONLINE: dict[str, Callable[[int], Policy[int]]] = {
    "LRU": Lru,
    "LFU": Lfu,
    "SIEVE": Sieve,
    "ARC": Arc,
    "S3-FIFO": S3Fifo,
}
OFFLINE = {"Belady": Belady, "Belady-size": BeladySize}
INSIGHT = "insight"


class Result(NamedTuple):
    """What a policy did with a trace."""

    object_miss: float
    byte_miss: float
    decisions_s: float
    """Look-up and touch or admit, per second of processor time, the loop around them included."""


def footprint_bytes(trace: Sequence[tuple[int, int]]) -> int:
    """Bytes of all different objects."""
    return sum(dict(trace).values())


def first_share(trace: Sequence[tuple[int, int]]) -> float:
    """Part of the requested bytes that nobody can have seen before: a miss for whoever does not prefetch."""
    return footprint_bytes(trace) / max(1, sum(size for _, size in trace))


def simulate(policy: Policy[K], trace: Sequence[tuple[K, int]]) -> Result:
    """Serve the trace from an empty cache."""
    n_missed = missed_bytes = 0
    began_s = time.process_time()
    for key, size in trace:
        if key in policy:
            policy.touch(key)
        else:
            policy.admit(key, size)
            n_missed += 1
            missed_bytes += size
    took_s = time.process_time() - began_s
    total = max(1, sum(size for _, size in trace))
    return Result(n_missed / max(1, len(trace)), missed_bytes / total, len(trace) / max(took_s, 1e-9))


def compare(
    trace: Sequence[tuple[int, int]],
    share: float,
    popularity: Mapping[int, float] | None = None,
    paths: Mapping[int, str] | None = None,
) -> dict[str, Result]:
    """Every policy over the same trace, with a cache of this share of the footprint.

    With `paths` ours is asked by path, as at an edge, and knows a video's objects by it.
    """
    capacity = int(footprint_bytes(trace) * share)
    uses = next_uses(trace)
    results = {name: simulate(make(capacity), trace) for name, make in ONLINE.items()}
    results[OURS] = simulate(Adaptive(capacity), trace)
    if paths:
        results[BLIND] = results[OURS]
        named = [(paths[key], size) for key, size in trace]
        results[OURS] = simulate(Adaptive(capacity, video_of), named)
    if popularity:
        results[INSIGHT] = simulate(Insight(capacity, popularity), trace)
    return results | {name: simulate(make(capacity, uses), trace) for name, make in OFFLINE.items()}

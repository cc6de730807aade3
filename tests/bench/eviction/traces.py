"""Traces for the eviction bench, made from a seed: short video with churn, scans, loops, Zipf, recency.

Pure: the same arguments give the same trace. A trace is a list of (key, size in bytes), one a request.
"""

import math
import random
from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate

Trace = list[tuple[int, int]]

MIN_BYTES, MAX_BYTES = 50_000, 2_000_000


@dataclass(frozen=True)
class ShortVideo:
    """A region's viewers before one edge: what is born, how fast it fades, how long it is watched."""

    births_per_view: float = 0.05
    """New videos in the feed per viewing: the churn."""
    half_life_views: float = 12_000.0
    """A video's audience halves after so many viewings of the region."""
    tail: float = 1.0
    """Pareto exponent of a video's audience; smaller is more unequal."""
    loudest: float = 500.0
    """The largest audience of a video, relative to the smallest: no single one is half of the traffic."""
    one_hit_share: float = 0.15
    """Viewings of a video that nobody else will watch: explored, or found by search."""
    stays_first: float = 0.6
    """Of the viewers, those who stay after the opening segment."""
    stays: float = 0.85
    """And after each later one."""
    n_viewers: int = 300
    """Watching at the same time."""
    segment_s: float = 4.0
    ladder_bps: tuple[int, ...] = (600_000, 1_200_000, 2_400_000)
    ladder_share: tuple[float, ...] = (0.25, 0.5, 0.25)


def size_of(rng: random.Random, middle: float, sigma: float = 0.6) -> int:
    """A size in bytes, log-normal around `middle`, within 50 kB and 2 MB."""
    return int(min(MAX_BYTES, max(MIN_BYTES, middle * math.exp(rng.gauss(0.0, sigma)))))


class _Feed:
    """Which video the next viewer gets. All fade alike, so weights grow with the birth instead."""

    def __init__(self, shape: ShortVideo, rng: random.Random) -> None:
        self._shape = shape
        self._rng = rng
        self._summed: list[float] = []
        self._n_born = 0
        self._n_views = 0
        for _ in range(int(shape.half_life_views * shape.births_per_view * 3)):
            self._born(self._rng.uniform(-3 * shape.half_life_views, 0))

    def _born(self, at_views: float) -> None:
        audience = min(self._rng.paretovariate(self._shape.tail), self._shape.loudest)
        weight = audience * 2 ** (at_views / self._shape.half_life_views)
        self._summed.append((self._summed[-1] if self._summed else 0.0) + weight)

    def next_video(self) -> int:
        """An id: fading ones count from 0 up, one-hit wonders from -1 down."""
        self._n_views += 1
        if self._rng.random() < self._shape.births_per_view:
            self._born(self._n_views)
        if self._rng.random() < self._shape.one_hit_share:
            self._n_born += 1
            return -self._n_born
        return bisect(self._summed, self._rng.random() * self._summed[-1])

    def audience(self, video: int) -> float:
        """Weight of a video against the others; all fade alike, so it holds as long as the trace."""
        if video < 0:
            return 0.0
        return self._summed[video] - (self._summed[video - 1] if video else 0.0)


def short_video(n_requests: int, seed: int, shape: ShortVideo | None = None) -> Trace:
    """Viewers walk through the segments of what the feed gives them, many at a time."""
    return _watched(n_requests, seed, shape or ShortVideo())[0]


def popularity(n_requests: int, seed: int, shape: ShortVideo | None = None) -> dict[int, float]:
    """How popular each object of `short_video` truly is: its video, its rung, and who stays so long."""
    return _watched(n_requests, seed, shape or ShortVideo())[1]


def paths(n_requests: int, seed: int, shape: ShortVideo | None = None) -> dict[int, str]:
    """The path of each object of `short_video` at an edge: its video, its rung, its segment."""
    return _watched(n_requests, seed, shape or ShortVideo())[2]


def _watched(n_requests: int, seed: int, shape: ShortVideo) -> tuple[Trace, dict[int, float], dict[int, str]]:
    rng = random.Random(seed)
    feed = _Feed(shape, rng)
    viewers: list[list[int]] = []  # video, rung, next segment
    sizes: dict[tuple[int, int, int], int] = {}
    numbers: dict[tuple[int, int, int], int] = {}
    lengths: dict[int, tuple[int, float]] = {}
    popular: dict[int, float] = {}
    named: dict[int, str] = {}
    trace: Trace = []
    rungs = range(len(shape.ladder_bps))
    while len(trace) < n_requests:
        if len(viewers) < shape.n_viewers:
            viewers.append([feed.next_video(), rng.choices(rungs, shape.ladder_share)[0], 0])
        index = rng.randrange(len(viewers))
        video, rung, segment = viewers[index]
        if video not in lengths:
            lengths[video] = 1 + int(rng.expovariate(1 / 5)), math.exp(rng.gauss(0.0, 0.4))
        n_segments, detail = lengths[video]
        key = (video, rung, segment)
        if key not in sizes:
            sizes[key] = size_of(rng, shape.ladder_bps[rung] * shape.segment_s / 8 * detail, 0.25)
            numbers[key] = len(numbers)
            reach = shape.stays_first * shape.stays ** (segment - 1) if segment else 1.0
            named[numbers[key]] = f"/v/{video}/{rung}/{segment}.m4s"
            popular[numbers[key]] = feed.audience(video) * shape.ladder_share[rung] * reach
        trace.append((numbers[key], sizes[key]))
        viewers[index][2] += 1
        stays = rng.random() < (shape.stays if segment else shape.stays_first)
        if not stays or segment + 1 >= n_segments:
            viewers[index] = viewers[-1]
            viewers.pop()
    return trace, popular, named


def zipf(n_requests: int, seed: int, n_objects: int = 20_000, alpha: float = 0.9) -> Trace:
    """Independent requests for a fixed set of objects: nothing but popularity (IRM)."""
    rng = random.Random(seed)
    sizes = [size_of(rng, 300_000) for _ in range(n_objects)]
    summed = list(accumulate(1 / rank**alpha for rank in range(1, n_objects + 1)))
    keys = rng.choices(range(n_objects), cum_weights=summed, k=n_requests)
    return [(key, sizes[key]) for key in keys]


def scan(n_requests: int, seed: int, n_hot: int = 2_000) -> Trace:
    """A Zipf working set, through which long scans of objects run that nobody asks for again."""
    rng = random.Random(seed)
    hot = zipf(n_requests, seed + 1, n_hot)
    trace: Trace = []
    fresh = n_hot
    while len(trace) < n_requests:
        start = len(trace)
        trace += hot[start : start + 4_000]
        for _ in range(2_000):
            trace.append((fresh, size_of(rng, 300_000)))
            fresh += 1
    return trace[:n_requests]


def loop(n_requests: int, seed: int, n_objects: int = 5_000) -> Trace:
    """The same objects round and round, with a little chance: the worst for recency."""
    rng = random.Random(seed)
    sizes = [size_of(rng, 300_000) for _ in range(n_objects)]
    trace: Trace = []
    place = 0
    while len(trace) < n_requests:
        place = (place + 1) % n_objects if rng.random() < 0.98 else rng.randrange(n_objects)
        trace.append((place, sizes[place]))
    return trace


def recency(n_requests: int, seed: int, depth: float = 400.0) -> Trace:
    """What was asked for lately is asked for again, and old things never: the best for LRU.

    A request is new with 1 in 3, else the object at an exponential depth of the stack of recent ones.
    """
    rng = random.Random(seed)
    stack: list[tuple[int, int]] = []
    trace: Trace = []
    n_made = 0
    while len(trace) < n_requests:
        back = int(rng.expovariate(1 / depth)) + 1
        if rng.random() < 1 / 3 or back > len(stack):
            item = (n_made, size_of(rng, 300_000))
            n_made += 1
        else:
            item = stack.pop(-back)
        stack.append(item)
        del stack[:-8_000]
        trace.append(item)
    return trace


def shift(n_requests: int, seed: int) -> Trace:
    """Quarters of recency and of popularity in turn: what is best changes three times."""
    quarter = n_requests // 4
    popular = zipf(2 * quarter, seed)
    one, two = (
        [(key + (number + 1) * 10**7, size) for key, size in recency(quarter, seed + number)]
        for number in (1, 2)
    )
    return one + popular[:quarter] + two + popular[quarter:]

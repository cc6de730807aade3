"""Links as traces: how many bits have come by a moment; the challenge's, Norway's 3G, and generated ones.

Pure but for the reading of files. A trace is piecewise constant and repeats when a session outlives it.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise
from pathlib import Path

MIN_MBPS = 1e-3
"""A dead link still moves, so that every session ends."""


class Trace:
    """A link's rate over time."""

    def __init__(self, steps: Iterable[tuple[float, float]]) -> None:
        """`steps`: seconds and Mbit/s from then on; the last one lasts as long as the one before."""
        points = sorted(steps)
        starts = [second - points[0][0] for second, _ in points]
        self._rates = [max(MIN_MBPS, mbps) * 1e6 for _, mbps in points]
        lengths = [later - sooner for sooner, later in pairwise(starts)]
        lengths.append(lengths[-1] if lengths else 1.0)
        self._starts = starts
        self._bits = [0.0, *accumulate(s * rate for s, rate in zip(lengths, self._rates, strict=True))]
        self.length_s = starts[-1] + lengths[-1]

    def bits_by(self, second: float) -> float:
        """Bits that came from the start until `second`."""
        rounds, rest = divmod(second, self.length_s)
        place = bisect_right(self._starts, rest) - 1
        return rounds * self._bits[-1] + self._bits[place] + (rest - self._starts[place]) * self._rates[place]

    def when(self, bits: float) -> float:
        """The moment by which so many bits have come from the start."""
        rounds, rest = divmod(bits, self._bits[-1])
        place = min(bisect_right(self._bits, rest) - 1, len(self._rates) - 1)
        return rounds * self.length_s + self._starts[place] + (rest - self._bits[place]) / self._rates[place]

    def arrival(self, start_s: float, n_bytes: float) -> float:
        """When n_bytes that begin to flow at start_s are there."""
        return self.when(self.bits_by(start_s) + 8 * n_bytes)

    def mean_mbps(self) -> float:
        return self._bits[-1] / self.length_s / 1e6


def read(path: Path) -> Trace:
    """A file of lines `seconds megabits_per_second`."""
    rows = (line.split() for line in path.read_text().splitlines() if line.strip())
    try:
        return Trace((float(second), float(mbps)) for second, mbps in rows)
    except (ValueError, IndexError) as exc:
        raise ValueError(f"{path}: a trace is lines of two numbers, seconds and Mbit/s") from exc


def folder(path: Path) -> list[Trace]:
    """All traces of a folder, in the order of their names."""
    return [read(file) for file in sorted(path.iterdir())]


def generated(rng: random.Random, mean_mbps: float, spread: float, fades_per_min: float) -> Trace:
    """A mobile link: a log-normal first-order process, slow drift of the mean, and short deep fades."""
    calm = math.exp(-0.5 / 2.5)  # correlation of half-second steps: 2.5 s
    noise = drift = 0.0
    fade_s = 0.0
    steps = []
    for number in range(1_200):
        noise = calm * noise + math.sqrt(1 - calm * calm) * rng.gauss(0, spread)
        drift = 0.98 * drift + rng.gauss(0, 0.04)
        if rng.random() < fades_per_min / 120:
            fade_s = rng.uniform(0.5, 3.0)
        fade_s = max(0.0, fade_s - 0.5)
        factor = math.exp(noise + drift - spread * spread / 2) * (0.08 if fade_s else 1.0)
        steps.append((0.5 * number, mean_mbps * factor))
    return Trace(steps)


GENERATED = {
    "5G-like": (60.0, 0.6, 2.0),
    "4G-like": (12.0, 0.5, 1.0),
    "4G-like, far": (4.0, 0.5, 1.0),
    "3G-like": (1.6, 0.4, 0.7),
}
"""Mean in Mbit/s, spread of its logarithm, fades a minute."""

LENGTH_S = 600.0
Spans = Iterator[tuple[float, float]]
"""Seconds and Mbit/s, without end."""


def laid(spans: Iterable[tuple[float, float]]) -> Trace:
    """Spans of seconds and Mbit/s one after another, for ten minutes."""
    steps, at_s = [], 0.0
    for length_s, mbps in spans:
        steps.append((at_s, mbps))
        at_s += length_s
        if at_s >= LENGTH_S:
            break
    return Trace(steps)


def bursts(rng: random.Random) -> Spans:
    """Nearly nothing for about a second, then 10 Mbit/s for a third of one."""
    while True:
        yield 0.1 + rng.expovariate(1 / 0.3), rng.uniform(6, 14)
        yield 0.2 + rng.expovariate(1 / 0.7), 0.15


def outages(rng: random.Random) -> Spans:
    """5 Mbit/s, and about every 40 s nothing for 2 to 8 s."""
    while True:
        if rng.random() < 0.5 / 40:
            yield rng.uniform(2, 8), 0.0
        yield 0.5, 5 * math.exp(rng.gauss(0, 0.25))


def steps(rng: random.Random) -> Spans:
    """Anything from 0.5 to 8 Mbit/s, steady for 8 to 25 s, then anything else."""
    while True:
        mbps, n = math.exp(rng.uniform(math.log(0.5), math.log(8))), rng.randint(16, 50)
        for _ in range(n):
            yield 0.5, mbps * math.exp(rng.gauss(0, 0.1))


def mm_wave(rng: random.Random) -> Spans:
    """300 Mbit/s while the mast is in sight; a body in the way leaves 3 to 30, sometimes nothing."""
    while True:
        yield 0.3 + rng.expovariate(1 / 5), rng.uniform(150, 450)
        yield rng.uniform(0.3, 3), 0.0 if rng.random() < 0.25 else rng.uniform(3, 30)


def commute(rng: random.Random) -> Spans:
    """3G in a train: uneven cells of 0.6 to 3 Mbit/s, about 20 s each; hand-overs and tunnels between."""
    while True:
        mbps = math.exp(rng.uniform(math.log(0.6), math.log(3)))
        for _ in range(rng.randint(20, 60)):
            yield 0.5, mbps * math.exp(rng.gauss(0, 0.4))
        yield (rng.uniform(4, 12), 0.02) if rng.random() < 0.3 else (rng.uniform(0.5, 1.5), 0.05)


def heavy_tails(rng: random.Random) -> Spans:
    """At best 4 Mbit/s; how many times slower each half second is has a Pareto tail."""
    while True:
        yield 0.5, 4 / rng.paretovariate(1.5)


def steady(mbps: float) -> Callable[[random.Random], Spans]:
    """Always the same, but for a few per cent."""

    def spans(rng: random.Random) -> Spans:
        while True:
            yield 0.5, mbps * math.exp(rng.gauss(0, 0.05))

    return spans

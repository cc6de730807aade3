"""Links as traces: how many bits have come by a moment; the challenge's, Norway's 3G, and generated ones.

Pure but for the reading of files. A trace is piecewise constant and repeats when a session outlives it.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Iterable
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
    return Trace((float(second), float(mbps)) for second, mbps in rows)


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

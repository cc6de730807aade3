"""Videos and viewers: chunk sizes and retention curves, the challenge's or generated, and watch times."""

import math
import random
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from shared.retention import assumed

RATES = (0.75, 1.2, 1.85)
"""Mbit/s of the challenge's rungs; the generated videos have them too."""


class Video(NamedTuple):
    """One video of a session."""

    chunk_bytes: list[list[int]]
    """By rung, by second."""
    survival: list[float]
    """Share still watching at each second 0..n."""
    rates: Sequence[float] = RATES
    """Mbit/s of the rungs."""

    @property
    def n_chunks(self) -> int:
        return len(self.chunk_bytes[0])


def challenge(folder: Path) -> list[Video]:
    """The challenge's seven videos, in the order of its sessions."""
    return [_read(folder, file.name) for file in sorted((folder / "user_ret").iterdir())]


def _read(folder: Path, name: str) -> Video:
    sizes = [
        [
            int(line)
            for line in (folder / "short_video_size" / name / f"video_size_{rung}").read_text().split()
        ]
        for rung in range(len(RATES))
    ]
    rows = (line.split() for line in (folder / "user_ret" / name).read_text().splitlines() if line.strip())
    shares = [float(share) for _, share in rows][: len(sizes[0]) + 1]
    return Video(sizes, shares)


def generated(rng: random.Random, n: int) -> list[Video]:
    """Videos of 6 to 60 s at the challenge's rates, their viewers more or less patient than the prior."""
    videos = []
    for _ in range(n):
        n_chunks = round(min(60.0, max(6.0, rng.lognormvariate(math.log(18), 0.6))))
        motion = [rng.lognormvariate(-0.05, 0.3) for _ in range(n_chunks)]
        sizes = [[int(rate * 125_000 * one * 0.95) for one in motion] for rate in RATES]
        patience = rng.lognormvariate(0, 0.3)
        videos.append(Video(sizes, [share**patience for share in assumed(n_chunks)]))
    return videos


def watch_s(video: Video, chance: float, pace: float = 1.0) -> float:
    """How long the viewer stays whose quantile is `chance`; the whole video when nobody of it is left."""
    shares = [share**pace for share in video.survival[: video.n_chunks + 1]]
    place = bisect_left([-share for share in shares], -chance)
    if place >= len(shares):
        return float(video.n_chunks)
    if place == 0:
        return 0.05
    above, below = shares[place - 1], shares[place]
    second = place - 1 + (above - chance) / (above - below)
    is_last = place == video.n_chunks
    return float(video.n_chunks) if is_last and below == 0.0 else min(max(0.05, second), video.n_chunks)


def viewers(rng: random.Random, videos: Sequence[Video], n: int, restless: float = 0.0) -> list[list[float]]:
    """Watch times of n viewers; `restless` spreads the logarithm of their pace."""
    found = []
    for _ in range(n):
        pace = math.exp(rng.gauss(0, restless)) if restless else 1.0
        found.append([watch_s(video, rng.random(), pace) for video in videos])
    return found

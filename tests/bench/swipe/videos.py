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


class Make(NamedTuple):
    """How videos are generated."""

    rates: Sequence[float] = RATES
    """Mbit/s of the rungs."""
    least_s: float = 6.0
    median_s: float = 18.0
    most_s: float = 60.0
    motion: float = 0.3
    """Spread of the logarithm of a second's bytes: how far from a constant bitrate."""
    peaks: float = 0.0
    """Share of seconds that take four times their bytes, as cuts do."""


def generated(rng: random.Random, n: int, make: Make = Make()) -> list[Video]:  # noqa: B008 (a tuple)
    """Videos of 6 to 60 s at the challenge's rates, their viewers more or less patient than the prior."""
    videos = []
    for _ in range(n):
        length_s = rng.lognormvariate(math.log(make.median_s), 0.6)
        n_chunks = round(min(make.most_s, max(make.least_s, length_s)))
        motion = [rng.lognormvariate(-0.05, make.motion) for _ in range(n_chunks)]
        if make.peaks:
            motion = [one * (4 if rng.random() < make.peaks else 1) for one in motion]
        sizes = [[int(rate * 125_000 * one * 0.95) for one in motion] for rate in make.rates]
        patience = rng.lognormvariate(0, 0.3)
        videos.append(Video(sizes, [share**patience for share in assumed(n_chunks)], make.rates))
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


def skippers(rng: random.Random, videos: Sequence[Video], n: int) -> list[list[float]]:
    """Four of five videos are left within 2 s."""
    return [
        [rng.uniform(0.1, 2.0) if rng.random() < 0.8 else watch_s(one, rng.random()) for one in videos]
        for _ in range(n)
    ]


def bingers(rng: random.Random, videos: Sequence[Video], n: int) -> list[list[float]]:
    """Seven of eight videos are watched to their end, whatever the curve says."""
    return [
        [float(one.n_chunks) if rng.random() < 7 / 8 else watch_s(one, rng.random()) for one in videos]
        for _ in range(n)
    ]


def bimodal(rng: random.Random, videos: Sequence[Video], n: int) -> list[list[float]]:
    """A look of half a second to a second and a half, or nearly the whole."""
    return [
        [
            rng.uniform(0.5, 1.5) if rng.random() < 0.5 else one.n_chunks * rng.uniform(0.9, 1)
            for one in videos
        ]
        for _ in range(n)
    ]


def moody(rng: random.Random, videos: Sequence[Video], n: int) -> list[list[float]]:
    """Somewhere in the session one who stays becomes one who skips, or the other way round."""
    found = []
    for _ in range(n):
        turn, paces = rng.randint(1, len(videos) - 1), rng.choice([(0.25, 4.0), (4.0, 0.25)])
        found.append([watch_s(one, rng.random(), paces[place >= turn]) for place, one in enumerate(videos)])
    return found

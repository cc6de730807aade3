"""Kinds of generated sessions: a link and its round trip, videos, viewers, and what is known of both.

Pure. `GENERATED` of links.py are those that were looked at from the start; `UNSEEN` came after the planner,
to find where it is weak (README.md says on which seeds it was changed for them, and on which it is judged).
"""

import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from shared.retention import assumed
from tests.bench.swipe import links, videos
from tests.bench.swipe.links import Trace
from tests.bench.swipe.session import Setup
from tests.bench.swipe.videos import Make, Video

Viewers = Callable[[random.Random, Sequence[Video], int], list[list[float]]]
N_VIDEOS = 7
RESTLESS = 0.5


class Kind(NamedTuple):
    """What a session is made of."""

    link: Callable[[random.Random], Trace]
    rtt_s: float = 0.08
    make: Make = Make()
    viewers: Viewers = partial(videos.viewers, restless=RESTLESS)
    n_videos: int = N_VIDEOS
    is_known: bool = True
    """Whether the planner is told the videos' own curves, or the prior for all."""
    back: float = 0.0
    """Chance at a swipe that it leads back to the video before."""


def like(name: str) -> Callable[[random.Random], Trace]:
    """A link of `links.GENERATED`."""
    mbps, spread, fades_per_min = links.GENERATED[name]
    return lambda rng: links.generated(rng, mbps, spread, fades_per_min)


def of(spans: Callable[[random.Random], links.Spans]) -> Callable[[random.Random], Trace]:
    """A link of spans."""
    return lambda rng: links.laid(spans(rng))


_FAR = like("4G-like, far")
GENERATED = {name: Kind(like(name)) for name in links.GENERATED}
UNSEEN = {
    "link: bursts": Kind(of(links.bursts)),
    "link: outages": Kind(of(links.outages)),
    "link: steps": Kind(of(links.steps)),
    "link: mmWave": Kind(of(links.mm_wave), rtt_s=0.02),
    "link: 3G in a train": Kind(of(links.commute), rtt_s=0.15),
    "link: satellite": Kind(lambda rng: links.generated(rng, 15.0, 0.2, 1.0), rtt_s=0.6),
    "link: fibre": Kind(of(links.steady(500.0)), rtt_s=0.005),
    "link: heavy tails": Kind(of(links.heavy_tails)),
    "viewers: skip": Kind(_FAR, viewers=videos.skippers, n_videos=14),
    "viewers: stay": Kind(_FAR, viewers=videos.bingers),
    "viewers: skip or stay": Kind(_FAR, viewers=videos.bimodal, n_videos=14),
    "viewers: change": Kind(_FAR, viewers=videos.moody, n_videos=14),
    "viewers: go back": Kind(_FAR, back=0.3),
    "videos: short": Kind(_FAR, make=Make(least_s=5, median_s=6, most_s=8), n_videos=14),
    "videos: long": Kind(_FAR, make=Make(least_s=45, median_s=60, most_s=60)),
    "videos: one rung": Kind(_FAR, make=Make(rates=(1.2,))),
    "videos: four rungs": Kind(_FAR, make=Make(rates=(0.4, 0.9, 1.8, 4.0))),
    "videos: heavy": Kind(like("4G-like"), make=Make(rates=(3.0, 6.0, 12.0))),
    "videos: peaks": Kind(_FAR, make=Make(motion=0.5, peaks=0.08)),
    "videos: no curves": Kind(_FAR, is_known=False),
}


def sessions(kind: Kind, rng: random.Random, n_traces: int, n_users: int) -> list[Setup]:
    """The same viewers on each trace, each from another moment of it."""
    traces = [kind.link(rng) for _ in range(n_traces)]
    shelf = videos.generated(rng, kind.n_videos, kind.make)
    told = shelf if kind.is_known else [one._replace(survival=list(assumed(one.n_chunks))) for one in shelf]
    paths = [path(rng, kind.n_videos, kind.back) for _ in range(n_users if kind.back else 0)]
    watches = [kind.viewers(rng, [shelf[video] for video in way], 1)[0] for way in paths]
    watches = watches or kind.viewers(rng, shelf, n_users)
    crowd = list(zip(watches, paths or [()] * n_users, strict=True))
    return [
        Setup(told, stays, trace, rng.uniform(0, trace.length_s), kind.rtt_s, path=way)
        for trace in traces
        for stays, way in crowd
    ]


def path(rng: random.Random, n_videos: int, back: float) -> Sequence[int]:
    """The videos as they are shown: now and then the one before, then on from there."""
    way, video = [0], 0
    while video < n_videos - 1:
        video = video - 1 if video and rng.random() < back else video + 1
        way.append(video)
    return way

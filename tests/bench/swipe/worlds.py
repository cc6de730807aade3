"""The sessions of a run, by kind: the challenge's traces, Norway's, generated ones, a user's own."""

import random
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.bench.swipe import kinds, links, videos
from tests.bench.swipe.session import Setup
from tests.bench.swipe.videos import Video

N_GENERATED = 20
Made = Callable[[], list[Setup]]


def worlds(asked: Namespace) -> dict[str, Made]:
    """Sessions by kind, made when they are asked for."""
    found: dict[str, Made] = {}
    short, seed = asked.data / "shortvideo", asked.seed
    shelf = videos.challenge(short) if short.is_dir() else videos.generated(random.Random(f"{seed}shelf"), 7)
    crowd = partial(_crowd, shelf, asked.watch)
    if short.is_dir():
        for kind in ("high", "medium", "low", "mixed"):
            folder = short / "network_traces" / kind
            rng = random.Random(f"{seed}{kind}")
            found[f"challenge {kind}"] = partial(crowd, rng, folder, asked.traces, asked.users)
        folder, n_users = short / "norway3g" / "cooked_traces", max(1, asked.users // 5)
        found["norway 3G"] = partial(crowd, random.Random(f"{seed}norway"), folder, 6 * asked.traces, n_users)
    else:
        print(f"no data in {short}: generated links and videos only", file=sys.stderr)
    if asked.links:
        rng = random.Random(f"{seed}{asked.links.name}")
        found[asked.links.name] = partial(crowd, rng, asked.links, asked.traces, asked.users)
    for name, kind_of in (kinds.GENERATED | kinds.UNSEEN).items():
        rng, n_traces = random.Random(f"{seed}{name}"), min(asked.traces, N_GENERATED)
        found[name] = partial(kinds.sessions, kind_of, rng, n_traces, asked.users)
    return found


def picked(names: Sequence[str], parts: Sequence[str]) -> list[str]:
    """Those that contain one of the parts; without parts all but the kinds that came after the planner."""
    if not parts:
        return [name for name in names if name not in kinds.UNSEEN]
    return [name for name in names if any(part in name for part in parts)]


def read_watch(file: Path, n_videos: int) -> list[list[float]]:
    """Watch times, a viewer a line, a video a column; raises ValueError for a line of another length."""
    rows = [[float(one) for one in line.split()] for line in file.read_text().splitlines() if line.strip()]
    for number, row in enumerate(rows, 1):
        if len(row) != n_videos:
            raise ValueError(f"{file.name}: viewer {number} has {len(row)} watch times for {n_videos} videos")
    return rows


def _crowd(
    shelf: Sequence[Video], watch: Path | None, rng: random.Random, folder: Path, n_traces: int, n_users: int
) -> list[Setup]:
    """The same viewers on each trace of a folder, each from another moment of it."""
    watches = read_watch(watch, len(shelf)) if watch else videos.viewers(rng, shelf, n_users)
    traces = links.folder(folder)[:n_traces]
    return [
        Setup(shelf, stays, trace, rng.uniform(0, trace.length_s)) for trace in traces for stays in watches
    ]

"""Simulated viewers of the demo: what each likes, and what each does with a video.

Pure; chance is an argument. A viewer loves one category and mostly its neighbour too, which is the structure
that a recommender can find: who loves lava also tends to love music. Nobody real is behind these numbers.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

LOVED, NEIGHBOUR, CURIOUS, BORED = 0.95, 0.75, 0.35, 0.08
"""Tastes, 0 to 1: the expected share of a video of such a category that is watched."""
P_NEIGHBOUR, P_CURIOUS = 0.7, 0.25
P_LIKE, P_FOLLOW, P_SHARE = 0.5, 0.15, 0.08
"""Of a video that was watched to the end, scaled by the taste."""
NOISE = 0.12


class Rng(Protocol):
    """The part of `random.Random` that is used here."""

    def random(self) -> float: ...
    def randrange(self, stop: int, /) -> int: ...


class Viewer(NamedTuple):
    """One simulated viewer."""

    id: str
    tastes: dict[str, float]
    """By category, 0 to 1."""


class Shown(NamedTuple):
    """A video as far as a viewer's taste is concerned."""

    id: str
    category: str
    duration_ms: int


def cast(n: int, categories: Sequence[str], rng: Rng) -> list[Viewer]:
    """`n` viewers, their favourites spread evenly over `categories`."""
    viewers = []
    for i in range(n):
        favourite = i % len(categories)
        tastes = {name: CURIOUS if rng.random() < P_CURIOUS else BORED for name in categories}
        if rng.random() < P_NEIGHBOUR:
            tastes[categories[(favourite + 1) % len(categories)]] = NEIGHBOUR
        tastes[categories[favourite]] = LOVED
        viewers.append(Viewer(f"sim-{i:04d}", tastes))
    return viewers


def react(viewer: Viewer, shown: Shown, position: int, rng: Rng) -> list[dict[str, Any]]:
    """The events, as a player posts them, of one video on this viewer's screen."""
    taste = viewer.tastes.get(shown.category, BORED)
    completion = min(max(taste + NOISE * (2 * rng.random() - 1), 0.02), 1.0)
    watch = {
        "kind": "watch",
        "video": shown.id,
        "completion": round(completion, 3),
        "watched_ms": round(completion * shown.duration_ms),
        "position": position,
    }
    events = [{"kind": "impression", "video": shown.id, "position": position}, watch]
    if completion > 0.9:
        chances = (("like", P_LIKE), ("follow", P_FOLLOW), ("share", P_SHARE))
        events += [{"kind": kind, "video": shown.id} for kind, p in chances if rng.random() < p * taste]
    return events


def evening(viewer: Viewer, videos: Sequence[Shown], n: int, rng: Rng) -> list[dict[str, Any]]:
    """The events of `n` different videos, drawn evenly: training data that no ranking has biased."""
    left, events = list(videos), []
    for position in range(min(n, len(left))):
        shown = left.pop(rng.randrange(len(left)))
        events += react(viewer, shown, position, rng)
    return events

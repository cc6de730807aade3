"""The FeatureStore protocol: what the brain remembers of viewers and regions.

Pure. `tests/contract/test_feature_store.py` runs the same suite against Redis and against memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from brain.features.effects import Effects
from brain.features.interest import Signal
from brain.features.trending import Trends


@dataclass(frozen=True, slots=True)
class Profile:
    """All that is known of one viewer, as of one read."""

    user_id: str
    counters: dict[str, int] = field(default_factory=dict)
    """Category -> interest counter."""
    history: tuple[Signal, ...] = ()
    """Latest signals, oldest first."""
    seen: dict[str, int] = field(default_factory=dict)
    """Video -> Unix ms when last seen, oldest first."""
    follows: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()


class FeatureStore(Protocol):
    """Counters and features. Every method raises shared.errors.Unavailable when the store does not answer."""

    @property
    def half_life_lasting_s(self) -> float:
        """The half-life of lasting trends and of how watches ended."""
        ...

    async def apply(self, effects: Effects) -> None:
        """Write all of it; when it raises, some may be written, and doing it again is right."""
        ...

    async def profile(self, user_id: str) -> Profile:
        """The viewer's features; an empty profile when there is nothing."""
        ...

    async def trends(self, region: str, n: int, shown: Sequence[str]) -> Trends:
        """The n highest of both trends, and the impressions of the videos in `shown`."""
        ...

    async def watches(self, videos: Sequence[tuple[str, str]]) -> list[dict[str, float]]:
        """How watches of these (category, video) ended: name -> level (`retention.py`), empty when none."""
        ...

    async def category_watches(self) -> dict[str, dict[str, float]]:
        """The same by category, of those that had a watch lately."""
        ...

    async def regions(self) -> list[str]:
        """Regions that had an event, the latest first."""
        ...

    async def forget_video(self, video_id: str, regions: Sequence[str]) -> None:
        """Take a withdrawn video out of these regions' trends."""
        ...

    async def is_built(self) -> bool:
        """Whether the event stream was folded in since the store was empty."""
        ...

    async def set_built(self) -> None:
        """Say that it was."""
        ...

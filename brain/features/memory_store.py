"""The feature store in this process: for tests, for benchmarks, and for a brain without Redis.

Same contract as the Redis one, same suite; bounded by its number of users and markers.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from brain.features import trending
from brain.features.effects import Effects, TrendStep, UserWrites
from brain.features.interest import Signal
from brain.features.retention import WatchStep
from brain.features.schema import (
    MAX_BLOCKED,
    MAX_FOLLOWS,
    MAX_HISTORY,
    MAX_SEEN,
    MAX_TRENDING,
    MAX_WATCHED_CATEGORIES,
    watch_key,
)
from brain.features.store import Profile
from brain.features.trending import Trends

MAX_USERS = 200_000
MAX_MARKERS = 2_000_000
MAX_WATCHED = 200_000
"""Videos whose watches are counted."""


class _Region:
    """Levels and impressions of one region."""

    def __init__(self) -> None:
        self.now: dict[str, float] = {}
        self.lasting: dict[str, float] = {}
        self.shown: dict[str, int] = {}


class MemoryFeatureStore:
    """FeatureStore in dictionaries. Owner of all its state; never awaits between two writes of one event."""

    def __init__(self, half_life_now_s: float, half_life_lasting_s: float) -> None:
        self._half_lives = (half_life_now_s, half_life_lasting_s)
        self._users: OrderedDict[str, UserWrites] = OrderedDict()
        self._counters: dict[str, dict[str, int]] = {}
        self._markers: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._regions: dict[str, _Region] = {}
        self._ends: OrderedDict[str, dict[str, float]] = OrderedDict()
        """Of one video of a category, by its Redis key; the least recent is forgotten."""
        self._category_ends: OrderedDict[str, dict[str, float]] = OrderedDict()
        self._is_built = False

    @property
    def half_life_lasting_s(self) -> float:
        """Of lasting trends and of how watches ended."""
        return self._half_lives[1]

    async def apply(self, effects: Effects) -> None:
        """Write all of it."""
        for (user, category), boosts in effects.boosts.items():
            counters = self._counters.setdefault(user, {})
            for boost in boosts:
                if self._mark("stats", user, category, boost.event_id):
                    counters[category] = counters.get(category, 0) + boost.delta
        for user, writes in effects.users.items():
            self._merge(self._user(user), writes)
        for region, steps in effects.regions.items():
            for step in steps:
                if self._mark("trend", region, step.event_id):
                    self._step(region, step)
        for category, watched in effects.watches.items():
            self._ends_of(category, [one for one in watched if self._mark("watch", category, one.event_id)])

    async def profile(self, user_id: str) -> Profile:
        """The viewer's features."""
        kept = self._users.get(user_id, UserWrites())
        by_time = sorted(kept.history.items(), key=lambda pair: (pair[1], pair[0]))
        return Profile(
            user_id=user_id,
            counters=dict(self._counters.get(user_id, {})),
            history=tuple(Signal.unpack(member, at_ms) for member, at_ms in by_time),
            seen=dict(sorted(kept.seen.items(), key=lambda pair: (pair[1], pair[0]))),
            follows=frozenset(creator for creator, score in kept.follows.items() if score % 2),
            blocked=frozenset(kept.blocked),
        )

    async def trends(self, region: str, n: int, shown: Sequence[str]) -> Trends:
        """The region's n highest, and the impressions of `shown`."""
        levels = self._regions.get(region, _Region())
        return Trends(
            now=_top(levels.now, n),
            lasting=_top(levels.lasting, n),
            shown={video: levels.shown[video] for video in shown if video in levels.shown},
        )

    async def watches(self, videos: Sequence[tuple[str, str]]) -> list[dict[str, float]]:
        """How watches of these videos ended."""
        return [dict(self._ends.get(watch_key(*video), {})) for video in videos]

    async def category_watches(self) -> dict[str, dict[str, float]]:
        """The same by category."""
        return {category: dict(levels) for category, levels in self._category_ends.items()}

    async def regions(self) -> list[str]:
        """Regions that had an event, the latest first."""
        return list(reversed(self._regions))

    async def forget_video(self, video_id: str, regions: Sequence[str]) -> None:
        """Take the video out of these regions' trends."""
        for name in regions:
            region = self._regions.get(name)
            if region is not None:
                for table in (region.now, region.lasting, region.shown):
                    table.pop(video_id, None)

    async def is_built(self) -> bool:
        """Whether `set_built` was called."""
        return self._is_built

    async def set_built(self) -> None:
        """Remember that what the event stream says is in here."""
        self._is_built = True

    def _user(self, user: str) -> UserWrites:
        kept = self._users.setdefault(user, UserWrites())
        self._users.move_to_end(user)
        while len(self._users) > MAX_USERS:
            forgotten, _ = self._users.popitem(last=False)
            self._counters.pop(forgotten, None)
        return kept

    def _merge(self, kept: UserWrites, new: UserWrites) -> None:
        bounded(kept.history, new.history, MAX_HISTORY)
        bounded(kept.seen, new.seen, MAX_SEEN)
        bounded(kept.follows, new.follows, MAX_FOLLOWS)
        bounded(kept.blocked, new.blocked, MAX_BLOCKED)

    def _mark(self, *marker: str) -> bool:
        if marker in self._markers:
            return False
        self._markers[marker] = None
        while len(self._markers) > MAX_MARKERS:
            self._markers.popitem(last=False)
        return True

    def _ends_of(self, category: str, watched: list[WatchStep]) -> None:
        for watch in watched:
            level = trending.level(1.0, watch.at_ms / 1000, self._half_lives[1])
            for table, key, limit in (
                (self._ends, watch_key(category, watch.video_id), MAX_WATCHED),
                (self._category_ends, category, MAX_WATCHED_CATEGORIES),
            ):
                levels = table.setdefault(key, {})
                former = levels.get(watch.field)
                levels[watch.field] = level if former is None else trending.combine(former, level)
                table.move_to_end(key)
                if len(table) > limit:
                    table.popitem(last=False)

    def _step(self, name: str, step: TrendStep) -> None:
        region = self._regions.pop(name, None) or _Region()
        self._regions[name] = region
        if step.n_shown:
            region.shown[step.video_id] = region.shown.get(step.video_id, 0) + step.n_shown
        if step.weight <= 0:
            return
        for table, half_life_s in zip((region.now, region.lasting), self._half_lives, strict=True):
            added = trending.level(step.weight, step.at_ms / 1000, half_life_s)
            former = table.get(step.video_id)
            table[step.video_id] = added if former is None else trending.combine(former, added)
            if len(table) > MAX_TRENDING:
                del table[min(table, key=table.__getitem__)]


def bounded(kept: dict[str, int], new: Mapping[str, int], limit: int) -> None:
    """Merge `new` into `kept`, the highest score of a member wins; drop the lowest above `limit`."""
    for member, score in new.items():
        kept[member] = max(score, kept.get(member, score))
    for member in sorted(kept, key=lambda key: (kept[key], key))[: max(0, len(kept) - limit)]:
        del kept[member]


def _top(levels: Mapping[str, float], n: int) -> dict[str, float]:
    return dict(sorted(levels.items(), key=lambda pair: (-pair[1], pair[0]))[:n])

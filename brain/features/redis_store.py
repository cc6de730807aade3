"""The feature store in Redis or Valkey: one pipeline an apply, one Lua script per key.

Exactly once: a script sets the event's marker and changes the counter in one atomic step, in one cluster
slot; sorted sets keep the latest score of a member. So after a crash anywhere the same effects may be applied
again. Scripts travel with each pipeline (SCRIPT LOAD), so that a restarted server never answers NOSCRIPT.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from redis.asyncio import Redis

from brain.features import schema, trending
from brain.features.effects import Boost, Effects, TrendStep, UserWrites
from brain.features.interest import Signal
from brain.features.retention import WatchStep
from brain.features.store import Profile
from brain.features.trending import Trends
from shared import kv

MAX_STEPS_A_SCRIPT = 200

# KEYS: counter, marker…   ARGV: counter ttl, marker ttl, delta…
_COUNT = """
local sum, new = 0, false
for i = 2, #KEYS do
  if redis.call('SET', KEYS[i], '1', 'NX', 'EX', ARGV[2]) then sum = sum + ARGV[i + 1]; new = true end
end
if new then redis.call('INCRBY', KEYS[1], string.format('%d', sum)); redis.call('EXPIRE', KEYS[1], ARGV[1])
end return sum
"""

# KEYS: sorted set   ARGV: limit, ttl, score, member, …
_KEEP = """
for i = 3, #ARGV, 2 do redis.call('ZADD', KEYS[1], 'GT', ARGV[i], ARGV[i + 1]) end
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -tonumber(ARGV[1]) - 1)
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 0
"""

# KEYS: now, lasting, shown, marker…   ARGV: trend ttl, marker ttl, limit, limit of shown, then 4 a marker:
# video, level now, level lasting (empty: none), shown
_TREND = """
local function add(key, video, level)
  local former = tonumber(redis.call('ZSCORE', key, video) or nil)
  level = tonumber(level)
  if former then
    local high, low = math.max(former, level), math.min(former, level)
    level = high + math.log(1 + 2 ^ (low - high)) / math.log(2)
  end
  redis.call('ZADD', key, string.format('%.12f', level), video)
end
for i = 4, #KEYS do
  local at = 5 + (i - 4) * 4
  if redis.call('SET', KEYS[i], '1', 'NX', 'EX', ARGV[2]) then
    if ARGV[at + 1] ~= '' then add(KEYS[1], ARGV[at], ARGV[at + 1]); add(KEYS[2], ARGV[at], ARGV[at + 2]) end
    if ARGV[at + 3] ~= '0' then redis.call('ZINCRBY', KEYS[3], ARGV[at + 3], ARGV[at]) end
  end
end
for i = 1, 3 do
  redis.call('ZREMRANGEBYRANK', KEYS[i], 0, -tonumber(ARGV[i == 3 and 4 or 3]) - 1)
  redis.call('EXPIRE', KEYS[i], ARGV[1])
end
return 0
"""

# KEYS: category's hash, then marker, video's hash…   ARGV: ttl, marker ttl, then 2 a marker: field, level
_WATCH = """
local function add(key, field, level)
  local former = tonumber(redis.call('HGET', key, field) or nil)
  if former then
    local high, low = math.max(former, level), math.min(former, level)
    level = high + math.log(1 + 2 ^ (low - high)) / math.log(2)
  end
  redis.call('HSET', key, field, string.format('%.12f', level))
  redis.call('EXPIRE', key, ARGV[1])
end
for i = 2, #KEYS, 2 do
  if redis.call('SET', KEYS[i], '1', 'NX', 'EX', ARGV[2]) then
    local field, level = ARGV[i + 1], tonumber(ARGV[i + 2])
    add(KEYS[1], field, level); add(KEYS[i + 1], field, level)
  end
end
return 0
"""

_SCRIPTS = {
    script: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
    for script in (_COUNT, _KEEP, _TREND, _WATCH)
}
_LIMITS = {
    "history": schema.MAX_HISTORY,
    "seen": schema.MAX_SEEN,
    "follows": schema.MAX_FOLLOWS,
    "blocked": schema.MAX_BLOCKED,
    "categories": schema.MAX_CATEGORIES,
}


class RedisFeatureStore:
    """FeatureStore over one Redis client; holds no state of its own, so any number of brains share it."""

    def __init__(self, redis: "Redis", half_life_now_s: float, half_life_lasting_s: float) -> None:
        self._redis = redis
        self._half_lives = (half_life_now_s, half_life_lasting_s)

    @property
    def half_life_lasting_s(self) -> float:
        """Of lasting trends and of how watches ended."""
        return self._half_lives[1]

    async def apply(self, effects: Effects) -> None:
        """Write all of it in one pipeline; raises Unavailable, after which it may be applied again."""
        pipe = self._redis.pipeline(transaction=False)
        for script in _SCRIPTS:
            pipe.script_load(script)
        for (user, category), boosts in effects.boosts.items():
            _count(pipe, user, category, boosts)
        for user, writes in effects.users.items():
            _keep_user(pipe, user, writes)
        for region, steps in effects.regions.items():
            for start in range(0, len(steps), MAX_STEPS_A_SCRIPT):
                self._trend(pipe, region, steps[start : start + MAX_STEPS_A_SCRIPT])
        latest = {name: max(step.at_ms for step in steps) for name, steps in effects.regions.items()}
        _keep(pipe, schema.REGIONS_KEY, schema.MAX_REGIONS, schema.TREND_TTL_S, latest)
        for category, watched in effects.watches.items():
            for start in range(0, len(watched), MAX_STEPS_A_SCRIPT):
                self._watch(pipe, category, watched[start : start + MAX_STEPS_A_SCRIPT])
        latest = {name or "_": max(step.at_ms for step in steps) for name, steps in effects.watches.items()}
        _keep(pipe, schema.WATCHED_KEY, schema.MAX_WATCHED_CATEGORIES, schema.TREND_TTL_S, latest)
        await _execute(pipe)

    async def profile(self, user_id: str) -> Profile:
        """The viewer's features in two round trips."""
        pipe = self._redis.pipeline(transaction=False)
        for part in ("history", "seen", "follows"):
            pipe.zrange(schema.user_key(user_id, part), 0, -1, withscores=True)
        for part in ("blocked", "categories"):
            pipe.zrange(schema.user_key(user_id, part), 0, -1)
        history, seen, follows, blocked, categories = await _execute(pipe)
        names = [_text(name) for name in categories]
        return Profile(
            user_id=user_id,
            counters=await self._counters(user_id, names),
            history=tuple(Signal.unpack(_text(member), int(score)) for member, score in history),
            seen={_text(video): int(score) for video, score in seen},
            follows=frozenset(_text(creator) for creator, score in follows if int(score) % 2),
            blocked=frozenset(_text(video) for video in blocked),
        )

    async def trends(self, region: str, n: int, shown: Sequence[str]) -> Trends:
        """The region's n highest, and the impressions of `shown`."""
        pipe = self._redis.pipeline(transaction=False)
        for part in ("now", "lasting"):
            pipe.zrange(schema.trend_key(region, part), 0, n - 1, desc=True, withscores=True)
        if shown:
            pipe.zmscore(schema.trend_key(region, "shown"), list(shown))
        now, lasting, *counts = await _execute(pipe)
        pairs = zip(shown, counts[0], strict=True) if shown else ()
        return Trends(
            now={_text(video): float(level) for video, level in now},
            lasting={_text(video): float(level) for video, level in lasting},
            shown={video: int(count) for video, count in pairs if count is not None},
        )

    async def watches(self, videos: Sequence[tuple[str, str]]) -> list[dict[str, float]]:
        """How watches of these videos ended."""
        return await self._levels([schema.watch_key(*video) for video in videos])

    async def category_watches(self) -> dict[str, dict[str, float]]:
        """The same by category."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.zrange(schema.WATCHED_KEY, 0, -1)
        names = [_text(name) for name in (await _execute(pipe))[0]]
        levels = await self._levels([schema.watch_key(name) for name in names])
        return {"" if name == "_" else name: of for name, of in zip(names, levels, strict=True)}

    async def regions(self) -> list[str]:
        """Regions that had an event, the latest first."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.zrange(schema.REGIONS_KEY, 0, -1, desc=True)
        return [_text(name) for name in (await _execute(pipe))[0]]

    async def forget_video(self, video_id: str, regions: Sequence[str]) -> None:
        """Take the video out of these regions' trends."""
        pipe = self._redis.pipeline(transaction=False)
        for region in regions:
            for part in ("now", "lasting", "shown"):
                pipe.zrem(schema.trend_key(region, part), video_id)
        await _execute(pipe)

    async def is_built(self) -> bool:
        """Whether `set_built` was called since the server lost its data."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.exists(schema.BUILT_KEY)
        return bool((await _execute(pipe))[0])

    async def set_built(self) -> None:
        """Remember that what the event stream says is in here."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.set(schema.BUILT_KEY, "1")
        await _execute(pipe)

    async def _counters(self, user_id: str, categories: Sequence[str]) -> dict[str, int]:
        if not categories:
            return {}
        pipe = self._redis.pipeline(transaction=False)
        for category in categories:
            pipe.get(schema.stats_key(user_id, category))
        values = await _execute(pipe)
        return {name: int(value) for name, value in zip(categories, values, strict=True) if value is not None}

    async def _levels(self, keys: Sequence[str]) -> list[dict[str, float]]:
        pipe = self._redis.pipeline(transaction=False)
        for key in keys:
            pipe.hgetall(key)
        found = await _execute(pipe) if keys else []
        return [{_text(name): float(level) for name, level in levels.items()} for levels in found]

    def _watch(self, pipe: Any, category: str, watched: Iterable[WatchStep]) -> None:
        keys = [schema.watch_key(category)]
        args: list[Any] = [schema.TREND_TTL_S, schema.DEDUPE_TTL_S]
        for step in watched:
            keys += [schema.watch_marker(category, step.event_id), schema.watch_key(category, step.video_id)]
            args += [step.field, f"{trending.level(1.0, step.at_ms / 1000, self._half_lives[1]):.12f}"]
        pipe.evalsha(_SCRIPTS[_WATCH], len(keys), *keys, *args)

    def _trend(self, pipe: Any, region: str, steps: Iterable[TrendStep]) -> None:
        keys = [schema.trend_key(region, part) for part in ("now", "lasting", "shown")]
        args: list[Any] = [
            schema.TREND_TTL_S,
            schema.DEDUPE_TTL_S,
            schema.MAX_TRENDING,
            schema.MAX_SHOWN,
        ]
        for step in steps:
            keys.append(schema.trend_marker(region, step.event_id))
            levels = ["", ""]
            if step.weight > 0:
                levels = [
                    f"{trending.level(step.weight, step.at_ms / 1000, half_life_s):.12f}"
                    for half_life_s in self._half_lives
                ]
            args += [step.video_id, *levels, step.n_shown]
        pipe.evalsha(_SCRIPTS[_TREND], len(keys), *keys, *args)


def _count(pipe: Any, user: str, category: str, boosts: Iterable[Boost]) -> None:
    keys, deltas = [schema.stats_key(user, category)], []
    for boost in boosts:
        keys.append(schema.stats_marker(user, category, boost.event_id))
        deltas.append(boost.delta)
    pipe.evalsha(_SCRIPTS[_COUNT], len(keys), *keys, schema.STATS_TTL_S, schema.DEDUPE_TTL_S, *deltas)


def _keep_user(pipe: Any, user: str, writes: UserWrites) -> None:
    for part, limit in _LIMITS.items():
        _keep(pipe, schema.user_key(user, part), limit, schema.USER_TTL_S, getattr(writes, part))


def _keep(pipe: Any, key: str, limit: int, ttl_s: int, members: Mapping[str, int]) -> None:
    if members:
        pairs = [part for member, score in members.items() for part in (score, member)]
        pipe.evalsha(_SCRIPTS[_KEEP], 1, key, limit, ttl_s, *pairs)


async def _execute(pipe: Any) -> list[Any]:
    with kv.translated():
        result: list[Any] = await pipe.execute()
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        # Python 3.11's wait_for, inside of redis-py, loses a cancellation that comes as it ends.
        raise asyncio.CancelledError
    return result


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value

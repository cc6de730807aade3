"""Every feature and every Redis key of the brain, declared once: name, form, lifetime, bound.

Pure. The README's tables and a test are made from what is here. A key's `{…}` hash tag keeps what one Lua
script touches in one cluster slot; the counter's own name is fixed by the specification and is its own tag.
"""

from enum import IntEnum
from typing import NamedTuple

DAY_S = 86_400


class Column(IntEnum):
    """Columns of the ranking matrix `(n_candidates, len(Column)) float32`."""

    AFFINITY = 0
    INTEREST = 1
    WATCH_RATE = 2
    CREATOR = 3
    FOLLOWED = 4
    FRESH = 5
    TREND_NOW = 6
    TREND_LASTING = 7
    LONG = 8


COLUMN_HELP = {
    Column.AFFINITY: "user vector · item vector + item bias, standardised over the candidates, within ±3",
    Column.INTEREST: "tanh of the category's counter over 50, -1 to 1",
    Column.WATCH_RATE: "mean signal on the category in the window, shrunk towards 0, -1 to 1",
    Column.CREATOR: "mean signal on the creator in the window, shrunk towards 0, -1 to 1",
    Column.FOLLOWED: "1 when the viewer follows the creator",
    Column.FRESH: "1 at publication, halved every `fresh_half_life_s`",
    Column.TREND_NOW: "short half-life trend value over the region's highest, 0 to 1",
    Column.TREND_LASTING: "14-day half-life trend value over the region's highest, 0 to 1",
    Column.LONG: "log2 of the duration over 15 s, within ±2",
}


class KeySpec(NamedTuple):
    """One family of Redis keys."""

    pattern: str
    kind: str
    bound: str
    ttl_s: int
    what: str


STATS_TTL_S = 180 * DAY_S
USER_TTL_S = 90 * DAY_S
DEDUPE_TTL_S = 8 * DAY_S
"""Longer than any redelivery: the stream's messages are redelivered for at most 7 days."""
TREND_TTL_S = 60 * DAY_S

MAX_HISTORY = 200
MAX_SEEN = 2_000
MAX_FOLLOWS = 1_000
MAX_BLOCKED = 500
MAX_CATEGORIES = 64
MAX_TRENDING = 5_000
MAX_SHOWN = 200_000
MAX_REGIONS = 256
MAX_WATCHED_CATEGORIES = 256

KEYS = (
    KeySpec("stats:{user}:{category}", "integer", "one per pair", STATS_TTL_S, "interest counter"),
    KeySpec("dedupe:{stats:…}:{event}", "marker", "TTL", DEDUPE_TTL_S, "this event is in that counter"),
    KeySpec("user:{user}:history", "zset", str(MAX_HISTORY), USER_TTL_S, "latest signals by time"),
    KeySpec("user:{user}:seen", "zset", str(MAX_SEEN), USER_TTL_S, "videos by the time last seen"),
    KeySpec("user:{user}:follows", "zset", str(MAX_FOLLOWS), USER_TTL_S, "creators; odd score: follows"),
    KeySpec("user:{user}:blocked", "zset", str(MAX_BLOCKED), USER_TTL_S, "videos marked not interesting"),
    KeySpec("user:{user}:categories", "zset", str(MAX_CATEGORIES), USER_TTL_S, "which counters exist"),
    KeySpec("trend:{region}:now", "zset", str(MAX_TRENDING), TREND_TTL_S, "log2 of decayed mass, hours"),
    KeySpec("trend:{region}:lasting", "zset", str(MAX_TRENDING), TREND_TTL_S, "the same, 14 days"),
    KeySpec("trend:{region}:shown", "zset", str(MAX_SHOWN), TREND_TTL_S, "impressions of a video"),
    KeySpec("trend:{region}:dedupe:{event}", "marker", "TTL", DEDUPE_TTL_S, "this event is in the trends"),
    KeySpec(
        "watch:{category}:all", "hash", "241 ends", TREND_TTL_S, "how watches ended, log2 of decayed mass"
    ),
    KeySpec("watch:{category}:video:VIDEO", "hash", "241 ends", TREND_TTL_S, "the same of one video"),
    KeySpec("watch:{category}:dedupe:{event}", "marker", "TTL", DEDUPE_TTL_S, "this watch is in those"),
    KeySpec(
        "watch:categories",
        "zset",
        str(MAX_WATCHED_CATEGORIES),
        TREND_TTL_S,
        "categories by their latest watch",
    ),
    KeySpec("brain:built", "marker", "one", 0, "the stream is folded in; missing: it is replayed at start"),
    KeySpec("trend:regions", "zset", str(MAX_REGIONS), TREND_TTL_S, "regions by their latest event"),
)


def stats_key(user: str, category: str) -> str:
    """The specification's counter."""
    return f"stats:{user}:{category}"


def stats_marker(user: str, category: str, event: str) -> str:
    """Marks the event as counted, in the counter's slot."""
    return f"dedupe:{{stats:{user}:{category}}}:{event}"


def user_key(user: str, part: str) -> str:
    """`part` is history, seen, follows, blocked or categories."""
    return f"user:{{{user}}}:{part}"


def trend_key(region: str, part: str) -> str:
    """`part` is now, lasting or shown."""
    return f"trend:{{{region}}}:{part}"


def trend_marker(region: str, event: str) -> str:
    """Marks the event as counted in the region's trends, in their slot."""
    return f"trend:{{{region}}}:dedupe:{event}"


def watch_key(category: str, video: str = "") -> str:
    """How watches of the category, or of one video of it, ended."""
    return f"watch:{{{category or '_'}}}:{f'video:{video}' if video else 'all'}"


def watch_marker(category: str, event: str) -> str:
    """Marks the watch as counted, in its category's slot."""
    return f"watch:{{{category or '_'}}}:dedupe:{event}"


WATCHED_KEY = "watch:categories"
REGIONS_KEY = "trend:regions"
BUILT_KEY = "brain:built"

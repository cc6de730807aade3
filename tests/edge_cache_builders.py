"""Dull defaults for tests of the cache: headers, entries, a clock that is turned by hand."""

from collections.abc import Callable
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from edge.cache.entry import Entry, Times, complete, make_meta
from edge.cache.freshness import StorageRules
from edge.cache.key import primary_key, vary_names, vary_values

NOW_MS = 1_800_000_000_000
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"
"""NOW_MS as an HTTP-date."""
TO_THE_LETTER = StorageRules(negative_s=0.0, negative_max_s=1e9)


def headers(*fields: tuple[str, str], **named: str) -> CIMultiDictProxy[str]:
    """Fields by pairs, or by names with `_` for `-`."""
    pairs = [*fields, *((name.replace("_", "-"), value) for name, value in named.items())]
    return CIMultiDictProxy(CIMultiDict(pairs))


def make_entry(
    target: str = "/v/one/open.mp4",
    body: bytes = b"opening",
    *,
    status: int = 200,
    request: CIMultiDictProxy[str] | None = None,
    at_ms: int = NOW_MS,
    **fields: str,
) -> Entry:
    """A stored response, fresh for a minute unless `fields` says otherwise."""
    told = headers(**{"Cache_Control": "max-age=60", "Date": DATE, "ETag": '"one"'} | fields)
    values = vary_values(vary_names(told), request or headers())
    meta = make_meta((primary_key(target), values), status, told, Times(at_ms, at_ms), TO_THE_LETTER)
    return complete(meta, body)


class FakeClock:
    """A clock that only a test moves."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.now_ms = now_ms
        self.timers: list[tuple[int, Callable[..., object], tuple[Any, ...]]] = []

    def call_later(self, delay_s: float, function: Callable[..., object], *arguments: Any) -> None:
        self.timers.append((self.now_ms + int(delay_s * 1000), function, arguments))

    def monotonic(self) -> float:
        return self.now_ms / 1000

    def wall_ms(self) -> int:
        return self.now_ms

    def advance(self, seconds: float) -> None:
        """Let time pass. A step back is one of the wall clock alone: timers go on, and all are due."""
        self.now_ms += int(seconds * 1000)
        timers, self.timers = self.timers, []
        for timer in timers:
            due_ms, function, arguments = timer
            if due_ms <= self.now_ms or seconds < 0:
                function(*arguments)
            else:
                self.timers.append(timer)

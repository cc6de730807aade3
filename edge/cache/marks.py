"""What purges left to remember: which objects are stale (soft) or gone (hard), by the time they came.

Pure. Varnish's bans, kept by URL and by tag: an object that arrived at or before a mark is covered by it,
whichever tier it comes back from and however often the process was restarted. So a soft purge writes no
object anew, and a file that a power cut brought back from a hard one is still not served.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

import msgspec

from edge.cache.entry import Entry, Meta, softened
from edge.cache.tags import Purge

MAX_MARKS = 4096
"""Of each sort. The oldest soft ones are forgotten by marking all that is as old as they; hard ones are only
needed until their deletion has reached the medium."""
ALL = ""


class SavedMarks(msgspec.Struct, frozen=True):
    """Name to wall-clock milliseconds, the oldest first."""

    soft: list[tuple[str, int]] = []
    hard: list[tuple[str, int]] = []


class Marks:
    """Latest mark by URL and by tag. A meta is covered when it arrived at or before the mark's time."""

    def __init__(self, limit: int = MAX_MARKS) -> None:
        self._limit = limit
        self._soft: OrderedDict[str, int] = OrderedDict()
        self._hard: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._soft) + len(self._hard)

    def add(self, purge: Purge) -> None:
        """Remember a purge that happens at `purge.at_ms`."""
        table = self._soft if purge.is_soft else self._hard
        _put(table, _name(purge), purge.at_ms)
        if len(table) > self._limit:
            name = next(name for name in table if name != ALL)
            forgotten_ms = table.pop(name)
            if purge.is_soft:
                _put(table, ALL, max(forgotten_ms, table.get(ALL, 0)))

    def is_gone(self, meta: Meta) -> bool:
        """Whether a hard purge covers this object."""
        return bool(self._hard) and meta.times.response_ms <= _latest(self._hard, meta)

    def shown(self, entry: Entry) -> Entry:
        """The entry as it may be used: stale since the soft purge that covers it, or as it is."""
        if not self._soft or entry.meta.times.response_ms > (at_ms := _latest(self._soft, entry.meta)):
            return entry
        return softened(entry, at_ms)

    def saved(self) -> SavedMarks:
        """All marks, for a file."""
        return SavedMarks(list(self._soft.items()), list(self._hard.items()))

    def restore(self, saved: SavedMarks) -> None:
        """Take what `saved` gave; the later mark of a name stays."""
        for table, items in ((self._soft, saved.soft), (self._hard, saved.hard)):
            for name, at_ms in items:
                _put(table, name, max(at_ms, table.get(name, 0)))


def _put(table: OrderedDict[str, int], name: str, at_ms: int) -> None:
    table[name] = at_ms
    table.move_to_end(name)


def _name(purge: Purge) -> str:
    if purge.primary is not None:
        return f"url:{purge.primary}"
    return ALL if purge.tag is None else f"tag:{purge.tag}"


def _names(primary: str, tags: Iterable[str]) -> Iterator[str]:
    yield ALL
    yield f"url:{primary}"
    for tag in tags:
        yield f"tag:{tag}"


def _latest(table: OrderedDict[str, int], meta: Meta) -> int:
    """The latest mark that names this object; -1 when none does."""
    return max(table.get(name, -1) for name in _names(meta.primary, meta.tags))

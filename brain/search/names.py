"""Names with the number of videos behind each, found by how they begin: hashtags, creators.

Pure. A sorted list and a short unsorted tail, so that an addition costs no move of a million names.
"""

import heapq
from bisect import bisect_left

MAX_SCAN = 20_000
"""Names looked at for one prefix; beyond, the answer is of the first so many."""
MAX_TAIL = 512
_LAST = "\U0010ffff"


class Names:
    """Counted names. A name whose count is 0 is not found."""

    def __init__(self) -> None:
        self._count: dict[str, int] = {}
        self._sorted: list[str] = []
        self._tail: list[str] = []

    def __len__(self) -> int:
        return len(self._count)

    def add(self, name: str, n: int) -> None:
        """Count n more (or fewer) of it."""
        if name not in self._count:
            self._tail.append(name)
        self._count[name] = self._count.get(name, 0) + n

    def starting(self, prefix: str, n: int) -> list[tuple[str, int]]:
        """The n most frequent names that begin so, with their counts. Cost O(log names + matches)."""
        if len(self._tail) > MAX_TAIL:
            self._merge()
        first = bisect_left(self._sorted, prefix)
        last = bisect_left(self._sorted, prefix + _LAST, first)
        near = self._sorted[first : min(last, first + MAX_SCAN)]
        near += [name for name in self._tail if name.startswith(prefix)]
        counted = [(name, self._count[name]) for name in near if self._count.get(name, 0) > 0]
        return heapq.nsmallest(n, counted, key=lambda pair: (-pair[1], pair[0]))

    def _merge(self) -> None:
        """Sorted again, without the names that nothing has any more."""
        self._count = {name: count for name, count in self._count.items() if count > 0}
        self._sorted, self._tail = sorted(self._count), []

"""Who may be shown at all: alive, not blocked, not seen; and who comes back when nothing else is left.

Pure. The scroll never breaks: when the unseen run out, the videos seen longest ago come back first.
"""

from collections.abc import Collection, Mapping

import numpy as np

from brain.items import BoolArray, ItemTable


def may_show(table: ItemTable, n: int, hidden: Collection[str]) -> BoolArray:
    """`(n,)`: of the first n rows those that live and are not in `hidden`."""
    allowed = np.asarray(table.column("is_alive")[:n]).copy()
    for video in hidden:
        row = table.row_of.get(video)
        if row is not None and row < n:
            allowed[row] = False
    return allowed


def again(table: ItemTable, n: int, seen: Mapping[str, int], blocked: Collection[str]) -> list[int]:
    """Rows that were seen and may come back, the one seen longest ago first."""
    rows = [
        table.row_of[video]
        for video, _ in sorted(seen.items(), key=lambda pair: pair[1])
        if video in table.row_of and video not in blocked
    ]
    return [row for row in rows if row < n]

"""Withdrawn videos: their media is 410 here, whatever is stored, on its way, or still at the origin.

Pure. The later change of a video wins, by the catalogue's sequence. Bounded in number (the one buried first
leaves first) and in time: after that the origin's own refusal must do.
"""

from collections import OrderedDict
from urllib.parse import unquote

import msgspec

MEDIA_ROOT = "v"
"""A video's media is below `/v/{video}/`."""


class Tombstone(msgspec.Struct, frozen=True, array_like=True):
    """A withdrawn video."""

    video_id: str
    seq: int
    """Of the catalogue's change."""
    at_ms: int


class Tombstones:
    """At most `limit` withdrawn videos, each for `hold_ms`."""

    def __init__(self, limit: int, hold_ms: int) -> None:
        self._limit = limit
        self._hold_ms = hold_ms
        self._buried: OrderedDict[str, Tombstone] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buried)

    def __contains__(self, video_id: object) -> bool:
        return video_id in self._buried

    def bury(self, stone: Tombstone) -> bool:
        """Mark a video as withdrawn; False when this, or a later change, is known already."""
        former = self._buried.pop(stone.video_id, None)
        if former is not None and former.seq >= stone.seq:
            self._buried[stone.video_id] = former
            return False
        self._buried[stone.video_id] = stone
        if len(self._buried) > self._limit:
            self._buried.popitem(last=False)
        return True

    def raise_(self, video_id: str, seq: int) -> bool:
        """The video was published again by a later change; whether that took a tombstone away."""
        stone = self._buried.get(video_id)
        if stone is None or stone.seq > seq:
            return False
        del self._buried[video_id]
        return True

    def renumber(self) -> None:
        """The catalogue began anew: whatever it says from now on is later."""
        for name, stone in self._buried.items():
            self._buried[name] = Tombstone(name, 0, stone.at_ms)

    def expire(self, now_ms: int) -> int:
        """Drop those that were held long enough; how many."""
        old = [name for name, stone in self._buried.items() if now_ms - stone.at_ms >= self._hold_ms]
        for name in old:
            del self._buried[name]
        return len(old)

    def is_buried(self, target: str) -> bool:
        """Whether a request target lies below a withdrawn video's folder, in any spelling of its path."""
        return bool(self._buried) and video_of(target) in self._buried

    def saved(self) -> list[Tombstone]:
        """All of them, the first buried first."""
        return list(self._buried.values())


def video_of(target: str) -> str:
    """The video that a request target names: the part after `/v/`; empty for anything else."""
    path = target.partition("?")[0]
    parts = path.split("/", 3) if "%" not in path and "//" not in path and "/." not in path else _plain(path)
    return parts[2] if len(parts) > 2 and parts[1] == MEDIA_ROOT else ""


def _plain(path: str) -> list[str]:
    """The segments as the most forgiving origin reads them."""
    parts = [""]
    for part in unquote(path).split("/"):
        if part == "..":
            parts = parts[: max(1, len(parts) - 1)]
        elif part not in ("", "."):
            parts.append(part)
    return parts

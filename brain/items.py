"""The brain's view of the catalogue: one row a video, columns in numpy, codes for what repeats.

Pure. A row is never reused or moved, so an index built on rows stays right while videos come and go. A video
whose category, creator or hashtags change gets a new row; the old one is dead, as is a withdrawn video's.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import numpy as np
import numpy.typing as npt

from shared.messages.catalog import CatalogEvent, CatalogKind, VideoCard

FloatArray = npt.NDArray[np.float32]
TimeArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_FIRST_CAPACITY = 1024


class Change(Enum):
    """What an event did to the table."""

    STALE = auto()
    """A later one was here already."""
    SAME = auto()
    ADDED = auto()
    REMOVED = auto()


@dataclass(frozen=True, slots=True)
class Item:
    """What ranking knows of a video."""

    id: str
    category: str
    creator: str
    hashtags: tuple[str, ...]
    created_s: float
    duration_s: float

    @classmethod
    def of(cls, card: VideoCard) -> "Item":
        """The facts in a card."""
        return cls(
            id=card.id,
            category=card.category,
            creator=card.creator_id,
            hashtags=tuple(card.hashtags),
            created_s=card.created_ms / 1000,
            duration_s=card.duration_ms / 1000,
        )


@dataclass(slots=True)
class Codes:
    """Names as small integers, in order of arrival."""

    names: list[str] = field(default_factory=list)
    code_of: dict[str, int] = field(default_factory=dict)

    def code(self, name: str) -> int:
        """The code of `name`, a new one if need be."""
        code = self.code_of.setdefault(name, len(self.names))
        if code == len(self.names):
            self.names.append(name)
        return code

    def __len__(self) -> int:
        return len(self.names)


class ItemTable:
    """Videos by row. Owner of the columns; changed by `apply` alone."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        """By row, dead ones too."""
        self.row_of: dict[str, int] = {}
        """Of the videos that live."""
        self.categories, self.creators = Codes(), Codes()
        self.rows_of_tag: dict[str, list[int]] = {}
        self.last_seq = 0
        """Highest sequence number that was applied."""
        self._seq_of: dict[str, int] = {}
        self._columns: dict[str, npt.NDArray[Any]] = {
            "created_s": np.zeros(_FIRST_CAPACITY, np.float64),
            "duration_s": np.zeros(_FIRST_CAPACITY, np.float32),
            "category": np.zeros(_FIRST_CAPACITY, np.int32),
            "creator": np.zeros(_FIRST_CAPACITY, np.int32),
            "is_alive": np.zeros(_FIRST_CAPACITY, np.bool_),
        }

    def __len__(self) -> int:
        """Rows, dead ones too."""
        return len(self.items)

    @property
    def n_alive(self) -> int:
        """Videos that may be shown."""
        return len(self.row_of)

    def column(self, name: str) -> npt.NDArray[Any]:
        """`(len(self),)`: created_s, duration_s, category, creator or is_alive. A view: read, do not keep."""
        return self._columns[name][: len(self.items)]

    def rows(self, videos: list[str]) -> list[int]:
        """Rows of those of `videos` that live, in their order."""
        return [self.row_of[video] for video in videos if video in self.row_of]

    def apply(self, event: CatalogEvent) -> Change:
        """Take one change of the catalogue; a lower `seq` than the video's last one is ignored."""
        if event.seq <= self._seq_of.get(event.video_id, 0):
            return Change.STALE
        self._seq_of[event.video_id] = event.seq
        self.last_seq = max(self.last_seq, event.seq)
        if event.kind is CatalogKind.WITHDRAWN or event.card is None:
            return self._remove(event.video_id)
        return self._put(Item.of(event.card))

    def _put(self, item: Item) -> Change:
        row = self.row_of.get(item.id)
        if row is not None and self.items[row] == item:
            return Change.SAME
        self._remove(item.id)
        row = len(self.items)
        if row == len(self._columns["is_alive"]):
            self._columns = {name: np.resize(column, 2 * row) for name, column in self._columns.items()}
        self.items.append(item)
        self.row_of[item.id] = row
        values = {
            "created_s": item.created_s,
            "duration_s": item.duration_s,
            "category": self.categories.code(item.category),
            "creator": self.creators.code(item.creator),
            "is_alive": True,
        }
        for name, value in values.items():
            self._columns[name][row] = value
        for tag in set(item.hashtags):
            self.rows_of_tag.setdefault(tag, []).append(row)
        return Change.ADDED

    def _remove(self, video: str) -> Change:
        row = self.row_of.pop(video, None)
        if row is None:
            return Change.SAME
        self._columns["is_alive"][row] = False
        for tag in set(self.items[row].hashtags):
            self.rows_of_tag[tag].remove(row)
        return Change.REMOVED

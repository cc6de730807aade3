"""Watch events -> interactions with a weight -> matrices, split by time.

Pure. An event counts once, by its id. A pair's weight is the sum of what its events say; a pair with as much
against as for it is left out: WARP learns from the positives and samples the rest.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy import sparse

from brain.features.interest import SKIPPED_BELOW
from brain.items import Codes, Item
from brain.training.factors import feature_names
from shared.messages.events import EventKind, ViewEvent

_WEIGHTS = {
    EventKind.LIKE: 2.0,
    EventKind.SHARE: 3.0,
    EventKind.COMMENT: 1.5,
    EventKind.FOLLOW: 1.5,
    EventKind.UNLIKE: -2.0,
    EventKind.UNFOLLOW: -1.5,
    EventKind.NOT_INTERESTED: -10.0,
}
MAX_WEIGHT = 5.0


def weight(event: ViewEvent) -> float:
    """What one event says for (+) or against (-) its pair of user and video."""
    if event.kind is not EventKind.WATCH:
        return _WEIGHTS.get(event.kind, 0.0)
    if event.completion < SKIPPED_BELOW:
        return -0.5
    return min(event.completion, 1.5) if event.completion >= 0.5 else 0.0


class Interaction(NamedTuple):
    """One pair, by codes."""

    user: int
    item: int
    weight: float
    at_ms: int
    """Of its latest event that spoke for it."""


@dataclass(slots=True)
class EventLog:
    """Collects events into pairs. Bounded: above `limit` pairs the oldest tenth is dropped."""

    limit: int
    oldest_ms: int = 0
    users: Codes = field(default_factory=Codes)
    videos: Codes = field(default_factory=Codes)
    n_events: int = 0
    _ids: set[str] = field(default_factory=set)
    _pairs: dict[tuple[int, int], tuple[float, int]] = field(default_factory=dict)

    def add(self, events: Iterable[ViewEvent]) -> None:
        """Take events in; an id that was here, and one before `oldest_ms`, is ignored."""
        for event in events:
            said = weight(event)
            if event.id in self._ids or event.at_ms < self.oldest_ms:
                continue
            self._ids.add(event.id)
            self.n_events += 1
            if said == 0.0:
                continue
            pair = (self.users.code(event.user_id), self.videos.code(event.video_id))
            total, at_ms = self._pairs.get(pair, (0.0, event.at_ms))
            self._pairs[pair] = (total + said, max(at_ms, event.at_ms) if said > 0 else at_ms)
        if len(self._pairs) > self.limit:
            by_time = sorted(self._pairs, key=lambda pair: self._pairs[pair][1])
            for pair in by_time[: len(self._pairs) - self.limit + self.limit // 10]:
                del self._pairs[pair]

    def interactions(self) -> list[Interaction]:
        """The pairs with a positive weight, oldest first."""
        found = [
            Interaction(user, item, min(total, MAX_WEIGHT), at_ms)
            for (user, item), (total, at_ms) in self._pairs.items()
            if total > 0
        ]
        return sorted(found, key=lambda one: (one.at_ms, one.user, one.item))


class Split(NamedTuple):
    """Interactions before and after one moment."""

    train: list[Interaction]
    test: list[Interaction]


def split_by_time(interactions: Sequence[Interaction], test_share: float) -> Split:
    """The latest `test_share` of the interactions (oldest first) held out."""
    cut = len(interactions) - round(len(interactions) * test_share)
    return Split(list(interactions[:cut]), list(interactions[cut:]))


def matrix(interactions: Sequence[Interaction], n_users: int, n_items: int) -> sparse.coo_matrix:
    """`(n_users, n_items) float32`, weights as values."""
    users = np.asarray([one.user for one in interactions], np.int32)
    items = np.asarray([one.item for one in interactions], np.int32)
    weights = np.asarray([one.weight for one in interactions], np.float32)
    return sparse.coo_matrix((weights, (users, items)), shape=(n_users, n_items))


def item_features(items: Sequence[Item]) -> tuple[sparse.csr_matrix, list[str]]:
    """`(len(items), n_features) float32` with rows summing to 1, and the features' names."""
    names = Codes()
    rows, columns, values = [], [], []
    for row, item in enumerate(items):
        own = feature_names(item)
        for name in own:
            rows.append(row)
            columns.append(names.code(name))
            values.append(1.0 / len(own))
    shape = (len(items), max(1, len(names)))
    table = sparse.csr_matrix((np.asarray(values, np.float32), (rows, columns)), shape=shape)
    return table, names.names


def by_user(interactions: Iterable[Interaction]) -> dict[int, set[int]]:
    """The items of each user."""
    items: dict[int, set[int]] = {}
    for one in interactions:
        items.setdefault(one.user, set()).add(one.item)
    return items

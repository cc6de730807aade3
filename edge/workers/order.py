"""Whether a worker has seen every purge of its main process: an epoch and a running number.

Pure. A worker that missed one, or that has a new main process, empties its RAM: cheap, for the main process
holds the bytes, and safe, for nothing purged can be left.
"""

import msgspec


class Place(msgspec.Struct, frozen=True):
    """How far the purges of a main process have come."""

    epoch: str
    """Of one main process; another one has another."""
    seq: int = 0
    """Its purges so far."""


class WorkerPurge(msgspec.Struct, frozen=True):
    """Main → worker: delete, or make stale, what this covers. Neither URL nor tag: everything."""

    place: Place
    """After this purge."""
    primary: str | None = None
    tag: str | None = None
    is_soft: bool = False
    at_ms: int = 0


class PurgeView:
    """What a worker knows of its main process's purges."""

    def __init__(self) -> None:
        self._place: Place | None = None

    def take(self, place: Place) -> bool:
        """Note a purge that arrives; False: one before it is missing, so everything must go."""
        known, self._place = self._place, place
        if known is None or known.epoch != place.epoch or place.seq > known.seq + 1:
            return False
        if place.seq <= known.seq:  # overtaken on its way: the later one emptied everything
            self._place = known
        return True

    def compare(self, place: Place) -> bool:
        """Note how far the main process says that it is; False: purges are missing."""
        known = self._place
        if known is not None and known.epoch == place.epoch and place.seq <= known.seq:
            return True
        self._place = place
        return False

"""An object on its way to the disk, and what its file counts for there. Pure."""

from edge.cache.entry import Entry

N_TRIES = 6
"""Each makes more room than the one before."""
BLOCK_BYTES = 4096
"""A file counts in these, as on the file system."""


class Write:
    """One such object; not wanted any more when it is deleted, or put again, meanwhile."""

    __slots__ = ("entry", "is_wanted", "n_tries", "number", "replaces")

    def __init__(self, entry: Entry, number: int, replaces: int | None) -> None:
        self.entry = entry
        self.number = number
        self.replaces = replaces
        """The older file of the key."""
        self.is_wanted = True
        self.n_tries = 0


def blocks(n_bytes: int) -> int:
    """What a file of this length takes."""
    return -(-n_bytes // BLOCK_BYTES) * BLOCK_BYTES

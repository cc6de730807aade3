"""What an eviction policy is: an order over keys with sizes, one file a policy beside this one.

Pure. A policy only orders keys and counts bytes; the caller deletes the victims that it is told.
"""

from typing import Protocol, TypeVar

K = TypeVar("K")


class Eviction(Protocol[K]):
    """An order of eviction. After every call the held bytes are within capacity; steps are O(1) amortised.

    The calls tell the stream of requests as well: a hit is a `touch`, a miss that was filled an `admit`.
    """

    @property
    def used_bytes(self) -> int: ...

    def __len__(self) -> int: ...

    def __contains__(self, key: K) -> bool: ...

    def keys(self) -> list[K]:
        """Every tracked key."""
        ...

    def size_bytes(self, key: K) -> int:
        """Of a key that is tracked; KeyError for another."""
        ...

    def admit(self, key: K, size_bytes: int) -> list[K]:
        """Track key and return the keys to delete, first victim first.

        A key that is larger than the capacity is its own victim. A tracked key takes the new size.
        """
        ...

    def touch(self, key: K) -> None:
        """Note a hit; an unknown key is ignored."""
        ...

    def remove(self, key: K) -> None:
        """Forget a key that was deleted for another reason; an unknown key is ignored."""
        ...

    def resize(self, capacity_bytes: int) -> list[K]:
        """Take another capacity and return the keys to delete."""
        ...

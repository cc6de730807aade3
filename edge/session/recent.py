"""A bounded memory of what came by lately: is this event new?

Pure. The oldest key is forgotten first; whoever counts after us is idempotent by the same id.
"""


class Recent:
    """The last `limit` distinct keys."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._keys: dict[str, None] = {}

    def add(self, key: str) -> bool:
        """Remember `key`; False when it is remembered already."""
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > self._limit:
            del self._keys[next(iter(self._keys))]
        return True

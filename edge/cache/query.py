"""Which query parameters belong to an object: the others reach neither the key nor the origin.

Pure. A parameter that nobody reads would make a miss of every request that carries a new value of it. Order
and spelling of what is kept are the client's: `a=1&b=2` and `b=2&a=1` stay two objects.
"""

from dataclasses import dataclass

ALL = "*"


@dataclass(frozen=True, slots=True)
class QueryPolicy:
    """Parameters by name as it is written in the URL."""

    kept: frozenset[str] = frozenset({ALL})
    """`*` keeps all."""
    ignored: frozenset[str] = frozenset()
    """Dropped in any case."""

    def applied(self, target: str) -> str:
        """The target without what does not belong to it."""
        path, mark, query = target.partition("?")
        if not mark or (ALL in self.kept and not self.ignored):
            return target
        kept = [part for part in query.split("&") if self._keeps(part.partition("=")[0])]
        return f"{path}?{'&'.join(kept)}" if kept else path

    def _keeps(self, name: str) -> bool:
        return name not in self.ignored and (ALL in self.kept or name in self.kept)

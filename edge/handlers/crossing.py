"""What the two paths of a request tell each other: the one with parser and task, and the fast one."""

from dataclasses import dataclass

from aiohttp import web

from edge.cache.memory import Hot
from edge.fills.flight import Reader
from edge.fills.want import Head, Want

OFFERED = web.RequestKey("offered_to_the_fast_path", Hot)
"""Where a request keeps the entry that it was answered from, when the answer may be prepared for others."""


@dataclass(slots=True)
class Handed:
    """A place in a fill, on its way from a connection to the ordinary path."""

    want: Want
    _reader: Reader[Head] | None

    def taken(self) -> Reader[Head] | None:
        """The place, once: to be entered and left."""
        reader, self._reader = self._reader, None
        return reader

    def leave(self) -> None:
        """Nobody needs it, unless it was taken."""
        if self._reader is not None:
            self._reader.flight.leave(self._reader)


def handed_to(request: web.BaseRequest) -> Handed | None:
    """The place in a fill that the fast path got for this request."""
    handed = getattr(request.protocol, "handed", None)
    return handed if isinstance(handed, Handed) else None

"""Who listens for server-sent events, and what is still to be told to each.

A listener that reads too slowly loses its oldest notices: it asks for the feed when it hears anything at all.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from edge import metrics
from edge.errors import TooManyStreams

MAX_STREAMS = 5_000
MAX_STREAMS_OF_SESSION = 4
MAX_WAITING = 16


class Notice(NamedTuple):
    """One server-sent event."""

    event: str
    data: dict[str, str | int]


Inbox = asyncio.Queue[Notice]


class Notices:
    """Inboxes by session. At most MAX_STREAMS, each of at most MAX_WAITING notices."""

    def __init__(self) -> None:
        self._inboxes: dict[str, list[Inbox]] = {}
        self._n_streams = 0

    @contextmanager
    def listen(self, session_id: str) -> Iterator[Inbox]:
        """An inbox for as long as the block runs. Raises TooManyStreams."""
        mine = self._inboxes.get(session_id, [])
        if self._n_streams >= MAX_STREAMS or len(mine) >= MAX_STREAMS_OF_SESSION:
            limit = MAX_STREAMS if self._n_streams >= MAX_STREAMS else MAX_STREAMS_OF_SESSION
            raise TooManyStreams(f"at most {limit} event streams", limit=limit)
        inbox: Inbox = asyncio.Queue(MAX_WAITING)
        mine.append(inbox)
        self._inboxes[session_id] = mine
        self._count(1)
        try:
            yield inbox
        finally:
            mine.remove(inbox)
            if not mine:
                self._inboxes.pop(session_id, None)
            self._count(-1)

    def tell(self, session_id: str, notice: Notice) -> None:
        """Tell one session's listeners."""
        for inbox in self._inboxes.get(session_id, ()):
            _put(inbox, notice)

    def tell_all(self, notice: Notice) -> None:
        """Tell everybody."""
        for inboxes in self._inboxes.values():
            for inbox in inboxes:
                _put(inbox, notice)

    def _count(self, change: int) -> None:
        self._n_streams += change
        metrics.STREAMS.set(self._n_streams)


def _put(inbox: Inbox, notice: Notice) -> None:
    if inbox.full():
        inbox.get_nowait()
    inbox.put_nowait(notice)

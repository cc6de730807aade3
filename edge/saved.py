"""What an edge keeps on disk beside its cache: cards, trending list, sessions, its token key.

Each is one file, written beside and renamed, so that a reader finds the old or the new one. A damaged file
is logged and left out: everything here can be had again.
"""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

from edge import atomic
from edge.feed.cards import CardCache
from edge.feed.feed import Feed
from edge.session.store import SessionStore
from shared import codec
from shared.clock import Clock
from shared.errors import ConfigError, ServiceError
from shared.messages.queues import TrendingList
from shared.signing import MIN_KEY_BYTES

log = logging.getLogger(__name__)
KEY_BYTES = 32
MAX_FILE_BYTES = 1024**3


class Saved:
    """The files of one edge, in one folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._clock = clock
        self._written: dict[str, bytes] = {}

    def token_key(self, configured: str) -> bytes:
        """The configured key, or one made once and kept. Raises ConfigError when it is too short."""
        if configured:
            key = configured.encode()
            if len(key) < MIN_KEY_BYTES:
                raise ConfigError(f"token_key has {len(key)} bytes, at least {MIN_KEY_BYTES} are needed")
            return key
        path = self._folder / "token.key"
        if not path.exists() or path.stat().st_size < MIN_KEY_BYTES:
            atomic.write(path, os.urandom(KEY_BYTES))
        return path.read_bytes()

    def restore(self, cards: CardCache, feed: Feed, store: SessionStore) -> None:
        """Take in what the last process left. Sessions are taken once: they are stale after that."""

        def trending(data: bytes) -> None:
            feed.trending = codec.decode(data, TrendingList)

        self._load("cards", cards.unpack)
        self._load("trending", trending)
        self._load("sessions", lambda data: store.unpack(data, self._clock.monotonic()))
        (self._folder / "sessions.bin").unlink(missing_ok=True)

    async def save_forever(self, cards: CardCache, feed: Feed, every_s: float) -> None:
        """Write cards and trending list every every_s, when they changed."""
        while True:
            await asyncio.sleep(every_s)
            await self.save(cards, feed)

    async def save(self, cards: CardCache, feed: Feed) -> None:
        """Write cards and trending list, when they changed."""
        await self._store("cards", cards.pack())
        if feed.trending is not None:
            await self._store("trending", codec.encode(feed.trending))

    async def save_sessions(self, store: SessionStore) -> None:
        """Write the sessions, on drain."""
        await self._store("sessions", store.pack(self._clock.monotonic()))

    async def _store(self, name: str, data: bytes) -> None:
        if self._written.get(name) == data:
            return
        try:
            await asyncio.to_thread(atomic.write, self._folder / f"{name}.bin", data)
        except OSError as exc:
            log.error("save_failed", extra={"part": name, "reason": exc.strerror})
        else:
            self._written[name] = data

    def _load(self, name: str, take: Callable[[bytes], object]) -> None:
        path = self._folder / f"{name}.bin"
        try:
            if path.stat().st_size <= MAX_FILE_BYTES:
                take(path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ServiceError) as exc:
            log.warning("restore_failed", extra={"part": name, "reason": str(exc)})

"""A gate before the cache: closed while purges that were missed are still to be applied."""

import asyncio
from collections.abc import Callable

from shared.errors import ServiceError


class Held(ServiceError):
    """Nothing is answered from the cache before the purges that it missed are applied."""

    code = "purges_replayed"
    retryable = True


class Gate:
    """Open at first."""

    def __init__(self) -> None:
        self._released: asyncio.Event | None = None
        self._limit_s = 0.0
        self.on_close: Callable[[], None] = lambda: None
        """Told when it closes: what answers without asking the gate must forget what it has."""

    @property
    def is_closed(self) -> bool:
        """Whether requests must wait."""
        return self._released is not None

    def close(self, limit_s: float) -> None:
        """Let nobody through until `open`; nobody waits for longer than `limit_s`."""
        self._limit_s = limit_s
        if self._released is None:
            self._released = asyncio.Event()
            self.on_close()

    def open(self) -> None:
        """Let those go on who waited."""
        if self._released is not None:
            self._released.set()
            self._released = None

    async def wait(self) -> None:
        """Wait until the gate is open. Raises Held when that takes too long."""
        if self._released is None:
            return
        try:
            async with asyncio.timeout(self._limit_s):
                await self._released.wait()
        except TimeoutError as exc:
            raise Held(f"purges are still being replayed after {self._limit_s} s") from exc

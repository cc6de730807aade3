"""So many at once and no more; who comes too late waits in line. Taking a free one is no coroutine."""

import asyncio
from collections import deque


class Slots:
    """Invariant: nobody waits while one is free."""

    def __init__(self, n_slots: int) -> None:
        self.n_free = n_slots
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> bool:
        """Take one, if one is free."""
        if self.n_free <= 0:
            return False
        self.n_free -= 1
        return True

    async def wait(self) -> None:
        """Take one, when it is this caller's turn. A cancelled wait keeps none."""
        if self.take():
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it had been handed over
                self.release()
            elif turn in self._waiting:  # else a release has passed over it since
                self._waiting.remove(turn)
            raise

    def release(self) -> None:
        """Give one back: to who has waited longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.n_free += 1

"""How many objects may be on their way from the origin at once: as many as do not queue there.

Pure. An answer that takes more than twice as long as the fastest of late waited behind others, which were
mostly ours: then an opening that a viewer is about to ask for waits, too. So the window shrinks by such an
answer and grows by any other, and settles where half of them queue: the link is never idle, and its queue
is about as long as a round trip (the idea of TCP Vegas and LEDBAT).
"""

QUEUED = 2.0
"""Times the fastest answer; beyond it an answer has queued."""
JITTER_S = 0.02
"""An answer later by less says more of this process than of the origin."""
FORGET_S = 10.0
"""The fastest answer is one of the last 10 to 20 s: paths change."""
STEP = 0.25


class Window:
    """A number between `least` and `most`."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = min(least, most), most
        self._size = (self._least + most) / 2
        self._fastest_s = self._before_s = float("inf")
        self._since_s = float("-inf")

    @property
    def size(self) -> int:
        return int(self._size)

    def came(self, took_s: float, now_s: float) -> None:
        """An object came from the origin, so long after it was asked for."""
        if now_s - self._since_s > FORGET_S:
            self._before_s, self._fastest_s, self._since_s = self._fastest_s, took_s, now_s
        self._fastest_s = min(self._fastest_s, took_s)
        limit_s = QUEUED * min(self._fastest_s, self._before_s) + JITTER_S
        step = STEP if took_s <= limit_s else -STEP
        self._size = min(max(self._size + step, self._least), self._most)

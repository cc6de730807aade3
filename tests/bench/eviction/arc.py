"""ARC by bytes: recent and frequent keys share the room as their ghosts ask. Reference for the bench.

Megiddo and Modha, "ARC: a self-tuning, low overhead replacement cache" (FAST 2003), all counts in bytes.
"""

from collections import OrderedDict


class _Queue:
    """Keys with sizes, the oldest first."""

    def __init__(self) -> None:
        self.sizes: OrderedDict[int, int] = OrderedDict()
        self.n_bytes = 0

    def push(self, key: int, size: int) -> None:
        self.sizes[key] = size
        self.n_bytes += size

    def take(self, key: int) -> int:
        size = self.sizes.pop(key)
        self.n_bytes -= size
        return size

    def pop(self) -> tuple[int, int]:
        key, size = self.sizes.popitem(last=False)
        self.n_bytes -= size
        return key, size


class Arc:
    """T1 seen once, T2 seen again, B1 and B2 their ghosts; T1 aims at `_aim` bytes."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity = capacity_bytes
        self._once, self._again = _Queue(), _Queue()
        self._once_gone, self._again_gone = _Queue(), _Queue()
        self._aim = 0.0

    @property
    def used_bytes(self) -> int:
        return self._once.n_bytes + self._again.n_bytes

    def __contains__(self, key: int) -> bool:
        return key in self._once.sizes or key in self._again.sizes

    def touch(self, key: int) -> None:
        home = self._once if key in self._once.sizes else self._again
        self._again.push(key, home.take(key))

    def admit(self, key: int, size_bytes: int) -> list[int]:
        if size_bytes > self._capacity:
            return [key]
        b1, b2 = self._once_gone, self._again_gone
        was_again = key in b2.sizes
        home = self._again if was_again or key in b1.sizes else self._once
        if key in b1.sizes:
            self._aim = min(self._capacity, self._aim + size_bytes * max(1.0, b2.n_bytes / b1.n_bytes))
            b1.take(key)
        elif was_again:
            self._aim = max(0.0, self._aim - size_bytes * max(1.0, b1.n_bytes / b2.n_bytes))
            b2.take(key)
        victims = self._replace(size_bytes, was_again)
        home.push(key, size_bytes)
        while self._once.n_bytes + b1.n_bytes > self._capacity and b1.sizes:
            b1.pop()
        while self.used_bytes + b1.n_bytes + b2.n_bytes > 2 * self._capacity and b2.sizes:
            b2.pop()
        return victims

    def _replace(self, size_bytes: int, was_again: bool) -> list[int]:
        victims = []
        while self.used_bytes + size_bytes > self._capacity:
            once = self._once.n_bytes
            is_over = once > self._aim or (was_again and once == self._aim)
            takes_once = bool(self._once.sizes) and (is_over or not self._again.sizes)
            home, ghosts = (self._once, self._once_gone) if takes_once else (self._again, self._again_gone)
            key, size = home.pop()
            ghosts.push(key, size)
            victims.append(key)
        return victims

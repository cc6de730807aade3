"""How often was it asked for lately? A count-min sketch of small counters that ages, as in TinyLFU.

Pure. Einziger, Friedman and Manes, "TinyLFU: a highly efficient cache admission policy" (ACM ToS 2017). Four
rows of 4-bit counters, two a byte; after ten additions a counter all are halved, in one pass over the bytes.
Counts are never too small (but for the ageing), and too large with a chance that the width bounds.
"""

from zlib import crc32

N_ROWS = 4
HIGHEST = 15
ADDITIONS_PER_COUNTER = 10
_HALVED = bytes((byte >> 1) & 0x77 for byte in range(256))
"""A byte with both of its counters halved."""
_MIXER = 0x9E3779B1
"""Of Fibonacci hashing: 2**32 divided by the golden ratio."""


class Sketch:
    """Counts of keys in `2**width_bits` counters a row; the memory never grows."""

    def __init__(self, width_bits: int) -> None:
        self._mask = (1 << width_bits) - 1
        self._rows = [bytearray(max(1, 1 << width_bits >> 1)) for _ in range(N_ROWS)]
        self._n_additions = 0

    @property
    def n_bytes(self) -> int:
        """What the counters cost."""
        return sum(len(row) for row in self._rows)

    def add(self, key: str) -> int:
        """Count one more; returns the count from before, at most `HIGHEST`."""
        before = self.estimate(key)
        if before < HIGHEST:
            for row, place in zip(self._rows, self._places(key), strict=True):
                shift = (place & 1) << 2
                # Only the smallest counters grow: the others already count somebody else too.
                if (row[place >> 1] >> shift) & HIGHEST == before:
                    row[place >> 1] += 1 << shift
        self._n_additions += 1
        if self._n_additions > ADDITIONS_PER_COUNTER * self._mask:
            self._rows = [row.translate(_HALVED) for row in self._rows]
            self._n_additions //= 2
        return before

    def estimate(self, key: str) -> int:
        """How often key was added lately."""
        return min(
            (row[place >> 1] >> ((place & 1) << 2)) & HIGHEST
            for row, place in zip(self._rows, self._places(key), strict=True)
        )

    def _places(self, key: str) -> list[int]:
        hashed = crc32(key.encode("utf-8", "surrogateescape"))
        step = (hashed * _MIXER >> 7) | 1
        return [(hashed + row * step) & self._mask for row in range(N_ROWS)]

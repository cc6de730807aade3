"""Hits that the edge may leave to aiohttp: a part, a condition, a cookie; and `bytes=0-`, as players ask."""

from collections.abc import Sequence
from pathlib import Path

from tests.bench.edge.bench import Bench, Group, label_of
from tests.bench.edge.load import Ask
from tests.bench.edge.process import Peer

WHOLE_BYTES = 256 * 1024
PART = (64 * 1024, 128 * 1024)
BESIDE = ("nginx tuned", "nginx")


def slow_hits(bench: Bench, peers: Sequence[Peer]) -> dict[str, Group]:
    """A group for each kind of request, among the edge and nginx."""
    among = [peer for peer in peers if peer.name in (*bench.builds, *BESIDE)]
    for peer in among:
        bench.loader.check(peer, Ask(f"/{WHOLE_BYTES}", WHOLE_BYTES, bench.body(WHOLE_BYTES)))
    return {label: bench.beside(label, among, ask, BESIDE) for label, ask in _asks(bench).items()}


def _asks(bench: Bench) -> dict[str, Ask]:
    size = label_of(WHOLE_BYTES)
    path, whole, part = f"/{WHOLE_BYTES}", bench.body(WHOLE_BYTES), _part(bench)
    n_part = part.stat().st_size
    return {
        f"range of {size}": Ask(path, n_part, part, (f"Range: bytes={PART[0]}-{PART[1] - 1}",), 206),
        f"304 of {size}": Ask(path, 0, None, (f'If-None-Match: "bench-{WHOLE_BYTES}"',), 304),
        f"cookie {size}": Ask(path, WHOLE_BYTES, whole, ("Cookie: seen=1",)),
        f"bytes=0- of {size}": Ask(path, WHOLE_BYTES, whole, ("Range: bytes=0-",), 206),
    }


def _part(bench: Bench) -> Path:
    path = bench.place.folder / "part"
    path.write_bytes(bench.body(WHOLE_BYTES).read_bytes()[slice(*PART)])
    return path

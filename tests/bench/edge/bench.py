"""What every part of this bench has at hand: place, bodies, load generator, who is left out and why."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.bench.edge import peers as servers
from tests.bench.edge.load import Ask, Figures, Loader
from tests.bench.edge.peers import EdgeKind, Place
from tests.bench.edge.process import ROOT, Peer
from tests.bench.edge.rounds import EDGE, compared, interleaved

Group = dict[str, Figures]
"""Figures by server."""
N_PIECES = 4
"""Of a round: in short turns, what else the machine does meets the servers beside each other alike."""
LABELS = {1024: "1 KiB", 65536: "64 KiB", 262144: "256 KiB", 1048576: "1 MiB"}


@dataclass(frozen=True)
class Bench:
    """One run of the bench."""

    place: Place
    origin: Peer
    loader: Loader
    n_rounds: int
    sizes: Sequence[int]
    left_out: list[str] = field(default_factory=list)
    """Sentences: what, and why."""
    builds: Mapping[str, Path] = field(default_factory=lambda: {EDGE: ROOT})
    """Checkouts by the name of their edge: the present one, and a former one where it was asked for."""
    say: Callable[[str], None] = print

    def body(self, size: int) -> Path:
        """The file of that many bytes."""
        return self.place.folder / str(size)

    @contextmanager
    def edges(self, kind: EdgeKind) -> Iterator[list[Peer]]:
        """An edge of this kind from each build, named as its build is."""
        with ExitStack() as stack:
            running = []
            for name, checkout in self.builds.items():
                own = replace(kind, name=f"{name} {kind.name}", checkout=checkout)
                running.append(stack.enter_context(servers.edge(self.place, self.origin, own)))
            yield [replace(peer, name=name) for peer, name in zip(running, self.builds, strict=True)]

    def beside(self, label: str, peers: Sequence[Peer], ask: Ask, others: Sequence[str]) -> Group:
        """Check each peer's answers, then measure them in short turns; a row for each peer."""
        self.say(f"{label} …")
        for peer in peers:
            self.loader.check(peer, ask)
        loader = replace(self.loader, seconds=self.loader.seconds / N_PIECES)
        rounds = interleaved(peers, self.n_rounds * N_PIECES, lambda peer: loader.measure(peer, ask))
        return compared([peer.name for peer in peers], rounds, others)


def label_of(size: int) -> str:
    """`64 KiB`."""
    return LABELS.get(size, f"{size} B")


def write_bodies(folder: Path, sizes: Sequence[int]) -> tuple[Path, ...]:
    """Files named for their size, of bytes that nothing can compress or mistake."""
    paths = []
    for size in sizes:
        path = folder / str(size)
        path.write_bytes(os.urandom(size))
        paths.append(path)
    return tuple(paths)

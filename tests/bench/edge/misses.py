"""Misses that are stored: requests/s at many connections, and the time that the cache adds at one.

Every cache stores once, in memory: nginx in files on tmpfs, Varnish in malloc, the edge in its RAM tier. The
edge with its disk tier (on tmpfs, digest and all) stores twice and stands beside as a row of its own.
"""

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import replace

from tests.bench.edge.bench import Bench, Group, label_of
from tests.bench.edge.load import Ask, Figures
from tests.bench.edge.peers import EdgeKind
from tests.bench.edge.process import Peer
from tests.bench.edge.rounds import compared, interleaved

MISS_BYTES = 256 * 1024
N_REQUESTS = 2000
N_ALONE = 300
"""Requests one after the other, for the added latency."""
BESIDE = "nginx tuned"
RAM_ONLY = EdgeKind("RAM only", disk_mib=0)
_fresh = itertools.count()


def misses(bench: Bench, peers: Sequence[Peer]) -> dict[str, Group]:
    """One group; the bare origin is its last row. Every request of the run has a URL of its own."""
    with bench.edges(RAM_ONLY) as in_memory:
        edges = [peer for peer in peers if peer.name in bench.builds]
        on_disk = [replace(peer, name=f"{peer.name}, and disk") for peer in edges]
        caches = [peer for peer in peers if peer.name not in (*bench.builds, "C", "aiohttp")]
        return _beside(bench, [*in_memory, *on_disk, *caches])


def _beside(bench: Bench, caches: Sequence[Peer]) -> dict[str, Group]:
    label = f"miss {label_of(MISS_BYTES)}"
    bench.say(f"{label} …")
    for peer in caches:
        bench.loader.check(peer, _ask(bench))
    asked = [*caches, bench.origin]
    rounds = interleaved(asked, bench.n_rounds, lambda peer: _measured(bench, peer))
    names = [peer.name for peer in asked]
    rows = compared(names, rounds, (BESIDE, "varnish", "origin"))
    for place, row in enumerate(rows.values()):
        row["added us"] = _added_us(rounds, place)
    if BESIDE in rows:
        for row in rows.values():
            row[f"added ÷ {BESIDE}"] = row["added us"] / rows[BESIDE]["added us"]
    return {label: rows}


def _added_us(rounds: Sequence[Sequence[Figures]], place: int) -> float:
    """Microseconds at one connection above the origin's, of the last row; the median over the rounds."""
    return statistics.median(one[place]["alone p50 us"] - one[-1]["alone p50 us"] for one in rounds)


def _measured(bench: Bench, peer: Peer) -> Figures:
    alone = bench.loader.measure(peer, replace(_ask(bench), n_connections=1), N_ALONE)
    many = bench.loader.measure(peer, _ask(bench), N_REQUESTS)
    kept = ("req/s", "p50 us", "p99 us", "cpu us/req", "busy %")
    return {name: many[name] for name in kept} | {"alone p50 us": alone["p50 us"]}


def _ask(bench: Bench) -> Ask:
    return Ask(f"/m{next(_fresh)}/%/{MISS_BYTES}", MISS_BYTES, bench.body(MISS_BYTES))

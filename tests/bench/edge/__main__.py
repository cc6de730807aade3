"""`make bench-edge`: the edge beside nginx, Varnish and a bare C server, a core each, interleaved in one run.

Loopback only. Every server is checked for the right bytes before it is measured, and ended with the run.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.bench import report
from tests.bench.edge import peers as servers
from tests.bench.edge.bench import Bench, Group, write_bodies
from tests.bench.edge.build import build
from tests.bench.edge.hits import hits, tls_hits
from tests.bench.edge.idle import idle
from tests.bench.edge.load import Loader
from tests.bench.edge.misses import misses
from tests.bench.edge.peers import EdgeKind, Place
from tests.bench.edge.plot import svg
from tests.bench.edge.process import Peer
from tests.bench.edge.rounds import EDGE, FORMER
from tests.bench.edge.show import show
from tests.bench.edge.slow import slow_hits
from tests.bench.edge.targets import judged
from tests.bench.edge.workers import workers
from tests.bench.edge.wrk import wrk_hits

SIZES = (1024, 64 * 1024, 256 * 1024, 1024 * 1024)
PEERS = ("edge", "nginx", "nginx tuned", "varnish", "C")
PARTS = ("hits", "wrk", "tls", "slow", "misses", "idle", "workers")


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 when everything that could be measured was."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.former and EDGE not in options.peers:
        parser.error("--former is measured beside the edge: --peers must name edge")
    if options.quick:
        options.seconds, options.rounds = 0.4, 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with _bench(options) as (bench, running):
        groups = measured(bench, running, options.parts)
    rows = {f"{label} {name}": row for label, group in groups.items() for name, row in group.items()}
    former = {FORMER: report.commit(options.former)} if options.former else {}
    report.keep("edge", {**rows, **former})
    picture = report.RESULTS / "edge.svg"
    picture.write_text(svg(groups, options.peers), "utf-8")
    show(groups, judged(groups), bench.left_out)
    for name, commit in former.items():
        print(f"{name}: {commit}")
    return 0


def measured(bench: Bench, running: Sequence[Peer], parts: Sequence[str]) -> dict[str, Group]:
    """The groups of the parts that were asked for."""
    by_part: dict[str, Callable[[Bench, Sequence[Peer]], dict[str, Group]]] = {
        "hits": hits,
        "wrk": wrk_hits,
        "tls": tls_hits,
        "slow": slow_hits,
        "misses": misses,
        "idle": lambda bench, _: idle(bench),
        "workers": lambda bench, _: workers(bench),
    }
    groups: dict[str, Group] = {}
    for name, part in by_part.items():
        if name in parts:
            groups |= part(bench, running)
    return groups


@contextmanager
def _bench(options: argparse.Namespace) -> Iterator[tuple[Bench, list[Peer]]]:
    cores = sorted(os.sched_getaffinity(0))
    left_out = [] if len(cores) > 1 else ["a second core: load generator and server share one; ratios shrink"]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-edge-", dir=_tmpfs())))
        bodies = write_bodies(folder, SIZES)
        place = Place(folder, build(folder), frozenset(cores[:1]), bodies, servers.self_signed(folder))
        off_core = Place(folder, place.programs, frozenset(cores[-1:]), bodies)
        origin = stack.enter_context(servers.bare(off_core, "origin"))
        loader = Loader(
            place.programs.load, cores[-1], options.seconds, options.warm, options.discard, options.spin
        )
        builds = {EDGE: report.ROOT} | ({FORMER: options.former} if options.former else {})
        bench = Bench(place, origin, loader, options.rounds, options.sizes, left_out, builds)
        yield bench, [peer for name in options.peers for peer in _started(bench, name, stack)]


def _started(bench: Bench, name: str, stack: ExitStack) -> list[Peer]:
    """The peer of this name, or nobody; of the edge every build, one beside the other."""
    if name == EDGE:
        return stack.enter_context(bench.edges(EdgeKind()))
    if name == "C":
        return [stack.enter_context(servers.bare(bench.place))]
    if name == "aiohttp":
        return [stack.enter_context(servers.bare_aiohttp(bench.place, bench.origin))]
    program, start = servers.BESIDE[name]
    if servers.found(program) is None:
        bench.left_out.append(f"{name}: not on this machine (apt-get install nginx-light varnish)")
        return []
    return [stack.enter_context(start(bench.place, bench.origin))]


def _tmpfs() -> str | None:
    shm = Path("/dev/shm")
    return str(shm) if shm.is_dir() and os.access(shm, os.W_OK) else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-edge ARGS=…", description=__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="+", choices=SIZES, default=SIZES, help="body sizes in bytes"
    )
    parser.add_argument("--peers", nargs="+", choices=[*PEERS, "aiohttp"], default=PEERS)
    parser.add_argument("--former", type=_checkout, metavar="PATH", help="a checkout: its edge beside ours")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round, in short turns")
    parser.add_argument("--warm", type=float, default=0.2, help="seconds before it that are not counted")
    parser.add_argument("--discard", action="store_true", help="the kernel drops bodies unread (MSG_TRUNC)")
    parser.add_argument("--spin", action="store_true", help="a load generator that never sleeps")
    parser.add_argument("--quick", action="store_true", help="two rounds of 0.4 s: does it run, not how fast")
    return parser


def _checkout(text: str) -> Path:
    path = Path(text).resolve()
    if not (path / "edge" / "__main__.py").is_file():
        raise argparse.ArgumentTypeError(f"{text} is no checkout: it has no edge/__main__.py")
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

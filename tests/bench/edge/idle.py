"""Memory of idle keep-alive connections: resident bytes of a fresh server before and with them."""

import json
import resource
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from tests.bench.edge import peers as servers
from tests.bench.edge.bench import Bench, Group
from tests.bench.edge.load import Ask, Figures, WrongAnswer
from tests.bench.edge.peers import Place, Start
from tests.bench.edge.process import Peer

N_CONNECTIONS = 10_000
N_ADDRESSES = 100
"""They come from so many loopback addresses, for a limit on connections of one address is not the subject."""
N_SPARE = 500
SIZE = 1024
LIMIT_S = 60.0


def idle(bench: Bench) -> dict[str, Group]:
    """One row each for edge, nginx and aiohttp's own handler, as far as they are here."""
    if not may_open(N_CONNECTIONS + N_SPARE):
        bench.left_out.append(f"idle connections: fewer than {N_CONNECTIONS} files may be open (ulimit -Hn)")
        return {}
    starts: dict[str, Start] = {"edge": _edge, "aiohttp": servers.bare_aiohttp}
    if servers.found("nginx") is not None:
        starts["nginx"] = servers.nginx
    bench.say("idle …")
    return {"idle": {name: _measured(bench, name, start) for name, start in starts.items()}}


def _edge(place: Place, origin: Peer) -> AbstractContextManager[Peer]:
    """Without a reserve of memory, which connections could use unseen."""
    return servers.edge(place, origin, servers.EdgeKind(is_reserved=False))


def may_open(n_files: int) -> bool:
    """Raise the limit of open files, for children too, as far as needed; whether it could be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < n_files <= hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (n_files, hard))
    return max(soft, hard) >= n_files


def _measured(bench: Bench, name: str, start: Start) -> Figures:
    folder = bench.place.folder / f"idle-{name}"
    folder.mkdir()
    with start(replace(bench.place, folder=folder), bench.origin) as peer:
        bench.loader.check(peer, Ask(f"/{SIZE}", SIZE, bench.body(SIZE)))
        before = peer.rss_bytes()
        with _holding(bench, peer) as told:
            grown = peer.rss_bytes() - before
    return {
        "MB before": before / 1e6,
        f"MB per {N_CONNECTIONS:,}": grown / 1e6,
        "bytes each": grown / N_CONNECTIONS,
        "answered": told["requests"],
    }


@contextmanager
def _holding(bench: Bench, peer: Peer) -> Iterator[Mapping[str, float]]:
    """The connections are open, each has had one answer, and nothing is asked of them any more."""
    command = [str(bench.loader.program), "--port", str(peer.port), "--core", str(bench.loader.core)]
    command += ["--path", f"/{SIZE}", "--length", str(SIZE), "--idle", "--sources", str(N_ADDRESSES)]
    command += [
        "--connections",
        str(N_CONNECTIONS),
        "--requests",
        str(N_CONNECTIONS),
        "--seconds",
        str(LIMIT_S),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        line = holder.stdout.readline()
        if not line:
            raise WrongAnswer(f"{peer.name} did not hold {N_CONNECTIONS} connections")
        yield json.loads(line)
        holder.kill()

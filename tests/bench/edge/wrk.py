"""A cross-check of the smallest hits with wrk, whose reads are of 8 KiB and so fit 1 KiB only."""

import re
import shutil
import subprocess
from collections.abc import Sequence

from tests.bench.edge.bench import Bench, Group
from tests.bench.edge.load import Figures, WrongAnswer
from tests.bench.edge.process import Peer
from tests.bench.edge.rounds import compared, interleaved

SIZE = 1024
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")


def wrk_hits(bench: Bench, peers: Sequence[Peer]) -> dict[str, Group]:
    """Requests/s as wrk counts them, over whole seconds."""
    if shutil.which("wrk") is None or shutil.which("taskset") is None:
        bench.left_out.append("wrk: not on this machine (apt-get install wrk util-linux)")
        return {}
    bench.say("wrk …")
    rounds = interleaved(peers, bench.n_rounds, lambda peer: _measured(bench, peer))
    return {"wrk 1 KiB": compared([peer.name for peer in peers], rounds, ("nginx tuned", "varnish", "C"))}


def _measured(bench: Bench, peer: Peer) -> Figures:
    seconds = max(1, round(bench.loader.seconds))
    url = f"http://127.0.0.1:{peer.port}/{SIZE}"
    command = ["taskset", "-c", str(bench.loader.core), "wrk", "-t1", "-c64", f"-d{seconds}", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
    found = _RATE.search(done.stdout)
    if found is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise WrongAnswer(f"{peer.name}: {done.stdout} {done.stderr}")
    return {"req/s": float(found[1])}

"""Hot hits of the standalone edge beside a bare aiohttp server (and nginx, when there is one), in one run.

The servers take turns on one core and the load generator has another, so that whatever else the machine does
hurts all alike; figures are medians of the rounds. What counts are the ratios.
"""

import json
import os
import statistics
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.bench import peers, report

SIZES = {"1 KiB": 1024, "64 KiB": 64 * 1024, "256 KiB": 256 * 1024, "1 MiB": 1024 * 1024}
N_CONNECTIONS = 64
N_ROUNDS = 3
ROUND_S = 1.0
LOAD = Path(__file__).with_name("load.py")

Figures = dict[str, float]


def measured(peer: peers.Peer, size: int, core: int, seconds: float = ROUND_S) -> Figures:
    """One round: requests per second, processor seconds per GB, latencies."""
    command = [sys.executable, str(LOAD), "127.0.0.1", str(peer.port), f"/{size}", str(N_CONNECTIONS)]
    before_s = peer.cpu_s()
    process = subprocess.Popen([*command, str(seconds)], stdout=subprocess.PIPE)
    os.sched_setaffinity(process.pid, {core})
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    told = json.loads(out)
    return {
        "req/s": told["requests"] / told["seconds"],
        "cpu s/GB": (peer.cpu_s() - before_s) / (told["bytes"] / 1e9),
        "cpu us/req": (peer.cpu_s() - before_s) / max(1, told["requests"]) * 1e6,
        "p50 ms": told["p50_ms"],
        "p99 ms": told["p99_ms"],
    }


def median(rounds: list[Figures]) -> Figures:
    return {name: statistics.median(figures[name] for figures in rounds) for name in rounds[0]}


@pytest.mark.bench
def test_hot_hits_beside_bare_aiohttp(tmp_path: Path, free_port: int) -> None:
    cores = os.sched_getaffinity(0)
    server_core, load_core = min(cores), max(cores)
    with ExitStack() as stack:
        origin = stack.enter_context(peers.bare_aiohttp(tmp_path, "origin"))
        running = [
            stack.enter_context(peers.edge(tmp_path, origin)),
            stack.enter_context(peers.bare_aiohttp(tmp_path)),
        ]
        if (nginx := peers.nginx(tmp_path, origin, free_port)) is not None:
            running.append(stack.enter_context(nginx))
        for peer in running:
            os.sched_setaffinity(peer.pid, {server_core})
        rows: dict[str, Figures] = {}
        for label, size in SIZES.items():
            rounds: dict[str, list[Figures]] = {peer.name: [] for peer in running}
            for peer in running:
                measured(peer, size, load_core, seconds=0.2)  # fills the cache, warms the process
            for _ in range(N_ROUNDS):
                for peer in running:
                    rounds[peer.name].append(measured(peer, size, load_core))
            for name, figures in rounds.items():
                rows[f"{label} {name}"] = median(figures)
            for name in rounds.keys() - {"edge"}:
                ours, theirs = rows[f"{label} edge"], rows[f"{label} {name}"]
                theirs["edge ÷ this"] = ours["req/s"] / theirs["req/s"]
                theirs["cpu ÷ this"] = ours["cpu us/req"] / theirs["cpu us/req"]

    report.write("edge-hits", rows)

    assert all(row["req/s"] > 0 for row in rows.values())

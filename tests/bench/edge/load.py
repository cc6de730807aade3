"""Runs the load generator once and turns its words and the server's processor time into figures."""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.edge.process import Peer

Figures = dict[str, float]
CHECKED_REQUESTS = 256
CHECK_S = 60.0
_GRACE_S = 30.0


class WrongAnswer(Exception):
    """A server did not answer as it must: nothing of it is measured."""


@dataclass(frozen=True)
class Ask:
    """What the load generator asks for, and what it must get."""

    path: str
    """A `%` in it becomes a number that no other request of the run has."""
    size: int
    body: Path | None = None
    """The bytes that must come, compared before anything is measured."""
    headers: Sequence[str] = ()
    status: int = 200
    is_tls: bool = False
    n_connections: int = 64

    def options(self) -> list[str]:
        """For the command line."""
        words = ["--path", self.path, "--length", str(self.size), "--status", str(self.status)]
        words += ["--connections", str(self.n_connections)]
        for header in self.headers:
            words += ["--header", header]
        return [*words, "--tls"] if self.is_tls else words


@dataclass(frozen=True)
class Loader:
    """The load generator on its core."""

    program: Path
    core: int
    seconds: float = 1.0
    warm_s: float = 0.2
    discards: bool = False
    """The kernel drops the bodies unread (MSG_TRUNC) instead of copying them out."""
    spins: bool = False
    """It never sleeps, so that no server pays for waking it; then `load busy %` tells nothing."""

    def check(self, peer: Peer, ask: Ask) -> None:
        """Every answer has the right status, length and bytes, or WrongAnswer."""
        words = ["--requests", str(CHECKED_REQUESTS), "--seconds", str(CHECK_S)]
        self._run(peer, ask, [*words, "--body", str(ask.body)] if ask.body else words)

    def measure(self, peer: Peer, ask: Ask, n_requests: int = 0) -> Figures:
        """One round: for `seconds`, or that many requests."""
        words = ["--seconds", str(self.seconds), "--warm", str(self.warm_s)]
        if n_requests:
            words = ["--seconds", str(CHECK_S), "--requests", str(n_requests)]
        before_s, began_s = peer.cpu_s(), time.perf_counter()
        words += ["--discard"] * self.discards + ["--spin"] * self.spins
        told = self._run(peer, ask, words)
        cpu_s, took_s = peer.cpu_s() - before_s, time.perf_counter() - began_s
        return figures(told, cpu_s, took_s)

    def _run(self, peer: Peer, ask: Ask, words: list[str]) -> Figures:
        port = peer.tls_port if ask.is_tls else peer.port_for(ask.size)
        command = [str(self.program), "--port", str(port), "--core", str(self.core), *ask.options(), *words]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=CHECK_S + _GRACE_S, check=False, errors="replace"
        )
        if done.returncode != 0:
            raise WrongAnswer(f"{peer.name}, {ask.path}: {done.stderr.strip()[:600]}")
        return dict(json.loads(done.stdout))


def figures(told: Figures, cpu_s: float, took_s: float) -> Figures:
    """Rates, latencies and costs; processor time is that of all requests, warm-up included. Pure."""
    return {
        "req/s": told["requests"] / told["seconds"],
        "p50 us": told["p50_us"],
        "p99 us": told["p99_us"],
        "p99.9 us": told["p999_us"],
        "cpu us/req": cpu_s / max(1.0, told["all_requests"]) * 1e6,
        "cpu s/GB": cpu_s / max(1.0, told["all_bytes"]) * 1e9,
        "busy %": 100 * cpu_s / took_s,
        "load busy %": 100 * told["load_cpu_s"] / took_s,
    }

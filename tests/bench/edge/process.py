"""A server under measurement: a family of processes on its core, with processor time and memory of all."""

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
START_S = 30.0
STOP_S = 5.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PR_SET_PDEATHSIG = 1
_BEGAN = 19
"""Place of the start time in `stat` after the name."""
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class Peer:
    """A running server and the ports on which it listens."""

    name: str
    pid: int
    port: int
    large_port: int = 0
    """For bodies from 64 KiB, when that is another listener."""
    tls_port: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)

    def port_for(self, size: int) -> int:
        """The listener that suits bodies of this size."""
        return self.large_port if self.large_port and size >= 64 * 1024 else self.port

    def cpu_s(self) -> float:
        """Processor seconds, user and system, of the whole family since its start."""
        times = [(int(stat[11]) + int(stat[12])) for stat in _stats(self.pid).values()]
        return sum(times) / _TICKS_PER_S

    def rss_bytes(self) -> int:
        """Resident memory of the whole family; what several share counts for each."""
        return sum(int(stat[21]) * _PAGE_BYTES for stat in _stats(self.pid).values())


def _stats(root: int) -> dict[int, list[str]]:
    """`/proc/PID/stat` after the name, by id: of a process, its group and all that descend from it."""
    everybody = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            everybody[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
    found = {pid for pid, stat in everybody.items() if pid == root or int(stat[2]) == root}
    while more := {pid for pid, stat in everybody.items() if int(stat[1]) in found} - found:
        found |= more
    return {pid: everybody[pid] for pid in found}


@contextmanager
def started(
    command: list[str],
    cores: frozenset[int],
    ready: Callable[[], bool],
    environ: Mapping[str, str] | None = None,
    checkout: Path = ROOT,
) -> Iterator[int]:
    """The id of a server that is ready, whose modules come from `checkout`. It, its children and its threads
    stay on `cores`; they end with the block, and also when this process is killed."""

    def enter() -> None:
        os.sched_setaffinity(0, cores)
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    with Path(os.environ.get("BENCH_SERVER_LOG", os.devnull)).open("ab") as log:
        process = subprocess.Popen(
            command,
            env={**_plain_environ(), "PYTHONPATH": str(checkout), **(environ or {})},
            stdout=log,
            stderr=log,
            cwd=checkout,
            start_new_session=True,
            preexec_fn=enter,  # noqa: PLW1509 - no thread of this program holds a lock
        )
        try:
            _wait(process, ready)
            yield process.pid
        finally:
            _stop(process)


def _plain_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HEADSTART_")}


def _wait(process: "subprocess.Popen[bytes]", ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.02)
    raise RuntimeError(f"not ready in {START_S} s (BENCH_SERVER_LOG=FILE keeps its words): {process.args!r}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """TERM to the group, then KILL to whoever is left of it and of those that descended from it."""
    family = _stats(process.pid)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    for pid, stat in family.items():
        if _began(pid) == stat[_BEGAN]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.wait(STOP_S)


def _began(pid: int) -> str:
    """When a process began; with its id that tells it from a later one."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[_BEGAN]
    except OSError:
        return ""


def free_port() -> int:
    """A loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether somebody takes connections on a loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def told_port(told: Path) -> int:
    """The port at the end of what a server wrote into a file; 0 while it has not."""
    text = told.read_text().strip() if told.exists() else ""
    return int(text.rpartition(":")[2]) if text else 0

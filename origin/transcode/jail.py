"""Runs one program on hostile bytes inside limits: time, memory, file size, processes, network.

The child is its own session and process group, killed as a whole on timeout and on cancellation, and dies
with us (cage.py). It sees an environment of four names, no inherited descriptor, and its output is bounded
here.
"""

import asyncio
import json
import logging
import os
import platform
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from origin.transcode.errors import JailFailed
from origin.transcode.seccomp import program

log = logging.getLogger(__name__)

_CAGE = Path(__file__).with_name("cage.py")
_DRAIN_S = 5.0
_EXIT_NO_CAGE = 126


@dataclass(frozen=True)
class JailLimits:
    """Bounds of one run."""

    wall_s: float = 60.0
    cpu_s: int = 120
    """Over all threads."""
    memory_bytes: int = 4 * 1024**3
    """Of address space; thread stacks count, so this bounds the threads too."""
    file_bytes: int = 512 * 1024**2
    """Of any one file that it writes."""
    n_files: int = 64
    stdout_bytes: int = 64 * 1024
    """The first so many are kept, the rest is read and dropped."""
    stderr_bytes: int = 8 * 1024
    """The last so many are kept."""
    niceness: int = 5
    may_fork: bool = False


@dataclass(frozen=True)
class Completed:
    """How a run ended. `returncode` is negative for a signal, as in subprocess."""

    returncode: int
    stdout: bytes
    stderr: str
    is_timed_out: bool = False

    @property
    def last_words(self) -> str:
        """The last line of stderr, for an error's text."""
        lines = self.stderr.strip().splitlines()
        return lines[-1][:300] if lines else f"exit {self.returncode}"


class Strength(msgspec.Struct, frozen=True):
    """Which of the best-effort walls stand on this machine; rlimits and no_new_privs always do."""

    network: bool
    """An empty network namespace."""
    capabilities: bool
    """All capabilities are dropped."""
    calls: bool
    """seccomp refuses processes, sockets, signals to others."""


def _spec(cwd: Path, limits: JailLimits) -> str:
    rlimits = {
        "RLIMIT_CPU": limits.cpu_s,
        "RLIMIT_AS": limits.memory_bytes,
        "RLIMIT_FSIZE": limits.file_bytes,
        "RLIMIT_NOFILE": limits.n_files,
        "RLIMIT_CORE": 0,
    }
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(cwd), "TMPDIR": str(cwd)}
    spec = {
        "rlimits": rlimits,
        "niceness": limits.niceness,
        "parent": os.getpid(),
        "seccomp": program(platform.machine(), limits.may_fork).hex(),
        "environment": environment,
    }
    return json.dumps(spec)


class _Watch(asyncio.SubprocessProtocol):
    """Keeps the bounded output, and tells the leader's exit apart from the end of its group's pipes."""

    def __init__(self, limits: JailLimits) -> None:
        self.out, self.err = bytearray(), bytearray()
        self.exited, self.ended = asyncio.Event(), asyncio.Event()
        self._limits = limits

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self.out += data[: max(self._limits.stdout_bytes - len(self.out), 0)]
        else:
            self.err += data
            del self.err[: -self._limits.stderr_bytes]

    def process_exited(self) -> None:
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()


async def _wait(event: asyncio.Event, limit_s: float) -> bool:
    try:
        async with asyncio.timeout(limit_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


async def run(argv: Sequence[str], *, cwd: Path, limits: JailLimits) -> Completed:
    """Run `argv` (absolute program first) in `cwd`; raises JailFailed when it could not be started.

    Cancellation kills the whole group before it passes on.
    """
    command = (sys.executable, "-I", "-S", str(_CAGE), _spec(cwd, limits), *argv)
    watch, pipe = _Watch(limits), asyncio.subprocess.PIPE
    try:
        transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: watch,
            *command,
            cwd=cwd,
            env={},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            start_new_session=True,
        )
    except OSError as exc:
        raise JailFailed(f"could not start {Path(argv[0]).name if argv else 'the cage'}: {exc}") from exc
    try:
        in_time = await _wait(watch.exited, limits.wall_s)
    finally:
        # 1. The whole group dies, also what a dead leader left. 2. So the pipes end, with all that was
        # written.
        _kill_group(transport.get_pid())
        await _wait(watch.ended, _DRAIN_S)
        transport.close()
    text = watch.err.decode(errors="replace")
    code = transport.get_returncode()
    if code == _EXIT_NO_CAGE and text.startswith("cage: "):
        raise JailFailed(text.strip()[:300])
    return Completed(-signal.SIGKILL if code is None else code, bytes(watch.out), text, not in_time)


async def strength(cwd: Path) -> Strength:
    """What the jail can do on this machine; a missing wall is logged. Asked once, at the worker's start."""
    done = await run([], cwd=cwd, limits=JailLimits(wall_s=10))
    try:
        found = msgspec.json.decode(done.stdout, type=Strength)
    except msgspec.DecodeError as exc:
        raise JailFailed(done.last_words) from exc
    missing = [name for name, stands in msgspec.structs.asdict(found).items() if not stands]
    if missing:
        log.warning("jail_is_weak", extra={"missing": ",".join(missing)})
    return found

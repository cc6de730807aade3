"""What a supervised process gets from its supervisor: listening sockets, a folder, two pipes.

The supervisor holds the listening sockets for as long as the service lives, so a process can go and another
come while new connections wait in the kernel's queue: none is refused.
"""

import argparse
import asyncio
import os
import socket
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from edge.cache.settings import CacheLimits

MAIN = "main"
MAIN_SOCKET = "main.sock"
"""Where the main process answers the workers' misses, in the run folder."""
CONTROL_SOCKET = "main-control.sock"
"""Where a worker learns which purges there were."""

LINGER_S = 1.0
"""A process that is replaced answers for so long whoever asks again, and says that it was the last time."""


@dataclass(frozen=True)
class Inherited:
    """A supervised process's own part. File descriptors are open and ours."""

    role: str
    """`main`, or `worker-1`, `worker-2`, …"""
    sockets: tuple[int, ...]
    """Listening: the public one; the main process has a second one, on MAIN_SOCKET."""
    ready_fd: int
    go_fd: int
    run_dir: Path
    n_workers: int

    @property
    def is_main(self) -> bool:
        """Whether this process owns the disk tier, the sessions and the bus."""
        return self.role == MAIN

    @property
    def main_socket(self) -> str:
        """Where the main process answers the workers."""
        return str(self.run_dir / MAIN_SOCKET)

    def listening(self) -> list[socket.socket]:
        """The sockets, as objects. Call it once: each closes its descriptor."""
        return [socket.socket(fileno=number) for number in self.sockets]

    def tell_ready(self) -> None:
        """Say that viewers are served."""
        os.write(self.ready_fd, b"R")
        os.close(self.ready_fd)

    async def wait_for_go(self) -> None:
        """Say that the code is loaded, and return when the former process has let go of the data."""
        os.write(self.ready_fd, b"L")
        await asyncio.get_running_loop().run_in_executor(None, os.read, self.go_fd, 1)
        os.close(self.go_fd)

    def share(self, limits: CacheLimits) -> CacheLimits:
        """This process's part of the RAM."""
        return replace(limits, memory_bytes=limits.memory_bytes // self.n_workers)

    def arguments(self) -> list[str]:
        """For the command line of the process."""
        return [
            *("--role", self.role, "--sockets", ",".join(map(str, self.sockets))),
            *("--ready-fd", str(self.ready_fd), "--go-fd", str(self.go_fd)),
            *("--run-dir", str(self.run_dir), "--of", str(self.n_workers)),
        ]

    @classmethod
    def declare(cls, parser: argparse.ArgumentParser) -> None:
        """Add the arguments; they are the supervisor's, not the operator's."""
        for name in ("--role", "--sockets", "--ready-fd", "--go-fd", "--run-dir", "--of"):
            parser.add_argument(name, default="", help=argparse.SUPPRESS)

    @classmethod
    def read(cls, options: argparse.Namespace) -> Self | None:
        """What the arguments say; None for a process without a supervisor."""
        if not options.role:
            return None
        sockets = tuple(map(int, options.sockets.split(",")))
        fds = int(options.ready_fd), int(options.go_fd)
        return cls(options.role, sockets, *fds, Path(options.run_dir), int(options.of))


def control_socket(run_dir: Path, role: str) -> Path:
    """Where a worker takes purges."""
    return run_dir / f"{role}.sock"


def worker_roles(n_workers: int) -> list[str]:
    """The processes beside the main one."""
    return [f"worker-{number}" for number in range(1, n_workers)]

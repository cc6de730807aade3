"""The parent of N serving processes: holds the listening sockets, starts, watches, restarts and stops them.

The main process owns disk tier, fills, sessions and bus; a worker has RAM and asks the main one. SIGHUP
restarts all of them without a refused connection, SIGTERM stops them, kill -9 of the parent takes them along.

A restart of the main process, in order: 1. the new one starts and loads its code, 2. the old one is told to
stop: it answers what it has in hand, saves, closes its data, ends, 3. the new one opens the data and accepts
what has queued up meanwhile.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import Process
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from edge.workers.inherited import MAIN, MAIN_SOCKET, Inherited, worker_roles
from shared.leash import leashed
from shared.web import naming, split_address

log = logging.getLogger(__name__)

BACKLOG = 4096
READY_S = 60.0
RESTART_MIN_S = 0.1
RESTART_MAX_S = 10.0
SETTLED_S = 30.0
"""A process that lived so long starts again with the shortest pause."""


class StartFailed(Exception):
    """A process ended, or was silent, before it was ready."""


@dataclass(frozen=True)
class Supervision:
    """What is to run."""

    listen: str
    n_workers: int
    """All serving processes, the main one among them."""
    grace_s: float
    arguments: tuple[str, ...]
    """The operator's own, handed on to every process."""


@dataclass
class Child:
    """One running process."""

    role: str
    process: Process
    told: asyncio.StreamReader
    """`L` when its code is loaded, `R` when it serves; the end when it has ended."""
    go_fd: int
    began_s: float

    def go(self) -> None:
        """Let it open its data."""
        os.write(self.go_fd, b"G")
        os.close(self.go_fd)


class Supervisor:
    """Keeps one process per role. Invariant: a role has at most one process that may own its data."""

    def __init__(self, plan: Supervision) -> None:
        self._plan = plan
        self._held = ExitStack()
        self._children: dict[str, Child] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._is_stopping = asyncio.Event()
        self._restart_asked = asyncio.Event()

    async def run(self) -> int:
        """Serve until SIGTERM or SIGINT; the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._is_stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._restart_asked.set)
        with self._held:
            self._open()
            try:
                self._adopt(await self._start(MAIN))
                for child in await asyncio.gather(*map(self._start, worker_roles(self._plan.n_workers))):
                    self._adopt(child)
                log.info("supervising", extra={"workers": self._plan.n_workers, "listen": self.address})
                await self._serve()
            except StartFailed as exc:
                log.error("start_failed", extra={"reason": str(exc)})
                return 1
            finally:
                await self._stop_all()
        return 0

    def _open(self) -> None:
        self._run_dir = Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="headstart-")))
        self._sockets = [self._held.enter_context(one) for one in bound(self._plan)]
        self._main_socket = self._held.enter_context(socket.socket(socket.AF_UNIX))
        self._main_socket.bind(str(self._run_dir / MAIN_SOCKET))
        self._main_socket.listen(BACKLOG)
        host, port = self._sockets[0].getsockname()[:2]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def _serve(self) -> None:
        """React to signals until asked to stop; crashed processes come back by their own watchers."""
        while not self._is_stopping.is_set():
            waits = [asyncio.create_task(one.wait()) for one in (self._is_stopping, self._restart_asked)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if self._restart_asked.is_set() and not self._is_stopping.is_set():
                self._restart_asked.clear()
                await self.restart()

    async def restart(self) -> None:
        """A new process for every role, one after the other; a role whose new one fails keeps its old one."""
        for role in (*worker_roles(self._plan.n_workers), MAIN):
            try:
                await self._replace(role)
            except StartFailed as exc:
                log.error("restart_failed", extra={"role": role, "reason": str(exc)})
                return
        log.info("restarted")

    async def _replace(self, role: str) -> None:
        old = self._children[role]
        new = await self._spawn(role)
        self._watchers.pop(role).cancel()
        if role == MAIN:  # it shares its data with the old one: that must end first
            await self._end(old)
        new.go()
        await self._hear(new, "served")
        if role != MAIN:
            await self._end(old)
        self._adopt(new)

    async def _start(self, role: str) -> Child:
        child = await self._spawn(role)
        child.go()
        await self._hear(child, "served")
        return child

    def _adopt(self, child: Child) -> None:
        self._children[child.role] = child
        self._watchers[child.role] = asyncio.create_task(self._watch(child))

    async def _watch(self, child: Child) -> None:
        """Start a role again when its process has ended without being asked to."""
        status, pause_s = await child.process.wait(), RESTART_MIN_S
        while not self._is_stopping.is_set():
            log.error("process_ended", extra={"role": child.role, "status": status})
            lived_s = asyncio.get_running_loop().time() - child.began_s
            pause_s = RESTART_MIN_S if lived_s > SETTLED_S else min(pause_s * 2, RESTART_MAX_S)
            await asyncio.sleep(pause_s)
            try:
                child = await self._start(child.role)
            except StartFailed as exc:
                log.error("start_failed", extra={"role": child.role, "reason": str(exc)})
                continue
            self._children[child.role] = child
            status = await child.process.wait()

    async def _spawn(self, role: str) -> Child:
        """A process that has loaded its code and waits for its go. Raises StartFailed."""
        ready_read, ready_write = os.pipe()
        go_read, go_write = os.pipe()
        part = Inherited(
            role, self._sockets_of(role), ready_write, go_read, self._run_dir, self._plan.n_workers
        )
        command = leashed([sys.executable, "-m", "edge", *self._plan.arguments, *part.arguments()])
        process = await asyncio.create_subprocess_exec(
            *command, pass_fds=(*part.sockets, ready_write, go_read), start_new_session=True
        )
        os.close(ready_write)
        os.close(go_read)
        loop, told = asyncio.get_running_loop(), asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), os.fdopen(ready_read, "rb"))
        child = Child(role, process, told, go_write, loop.time())
        await self._hear(child, "loaded its code")
        return child

    def _sockets_of(self, role: str) -> tuple[int, ...]:
        public = self._sockets[(MAIN, *worker_roles(self._plan.n_workers)).index(role)]
        return (public.fileno(), self._main_socket.fileno()) if role == MAIN else (public.fileno(),)

    async def _hear(self, child: Child, what: str) -> None:
        """Wait until it says that it has done the next step; raises StartFailed, and ends it, if not."""
        try:
            async with asyncio.timeout(READY_S):
                if await child.told.read(1):
                    return
            reason = f"{child.role} ended before it {what}"
        except TimeoutError:
            reason = f"{child.role} has not {what} in {READY_S} s"
        await self._end(child)
        raise StartFailed(reason)

    async def _end(self, child: Child) -> None:
        """SIGTERM; -9 when its grace is over."""
        if child.process.returncode is None:
            child.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._plan.grace_s + 5):
                await child.process.wait()
        except TimeoutError:
            log.warning("killed", extra={"role": child.role})
            child.process.kill()
            await child.process.wait()

    async def _stop_all(self) -> None:
        self._is_stopping.set()
        for watcher in self._watchers.values():
            watcher.cancel()
        main = self._children.pop(MAIN, None)
        await asyncio.gather(*(self._end(child) for child in self._children.values()))
        if main is not None:  # last: the others ask it
            await self._end(main)


def bound(plan: Supervision) -> list[socket.socket]:
    """One listening socket a process, all on one address; the kernel spreads connections over them."""
    host, port = split_address(plan.listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made: list[socket.socket] = []
    with naming(plan.listen), ExitStack() as undo:
        for _ in range(plan.n_workers):
            one = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if plan.n_workers > 1:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind((host, port))
            one.listen(BACKLOG)
            port = one.getsockname()[1]
            made.append(one)
        undo.pop_all()
    return made

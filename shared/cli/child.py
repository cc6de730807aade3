"""Child processes and embedded servers of `headstart up`, each as a loop to supervise.

`run` starts the process and watches it: it raises when that ends by itself (the supervisor starts it again,
after a jittered delay), and ends it in grace when cancelled. A leash ends it even when we are killed with -9.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from shared.cli.plan import Service
from shared.embedded import Server
from shared.errors import ServiceError, Unavailable
from shared.leash import leashed

log = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
STOP_S = 12.0
"""A service that has not ended so long after SIGTERM gets SIGKILL."""
POLL_S = 0.03
MAX_LOG_BYTES = 64 * 1024**2
"""A log is begun anew above this when its process starts; one former log is kept."""


def url_file(data_dir: Path, name: str) -> Path:
    """Where the URL of a running server is kept, for the operator's commands."""
    return data_dir / "run" / f"{name}.url"


class ChildEnded(ServiceError):
    """A process that should run has ended."""

    code = "child_ended"
    retryable = True


class Part:
    """Something that runs and can be waited for."""

    def __init__(self, name: str, data_dir: Path) -> None:
        self.name = name
        self.url = ""
        self.n_starts = 0
        self._data_dir = data_dir
        self._pid_file = data_dir / "run" / f"{name}.pid"
        self._pid_file.parent.mkdir(parents=True, exist_ok=True)
        self._ready = asyncio.Event()

    async def run(self) -> None:
        """Start it, and raise when it ends."""
        raise NotImplementedError

    async def ready(self) -> str:
        """Wait until it serves; its URL."""
        await self._ready.wait()
        return self.url

    def _started(self, pid: int | None) -> None:
        self.n_starts += 1
        if pid is not None:
            self._pid_file.write_text(str(pid))
        log.info("part_started", extra={"part": self.name, "pid": pid, "n_starts": self.n_starts})

    def _ended(self) -> None:
        self._pid_file.unlink(missing_ok=True)


class ServerPart(Part):
    """An embedded server, always at the same address."""

    def __init__(self, name: str, data_dir: Path, start: Callable[[], Awaitable[Server]]) -> None:
        super().__init__(name, data_dir)
        self._start = start

    async def run(self) -> None:
        server = await self._start()
        self._started(server.pid)
        self.url = server.url
        url_file(self._data_dir, self.name).write_text(server.url)
        self._ready.set()
        try:
            status = await server.wait()
        finally:
            await server.stop()
            self._ended()
        raise ChildEnded(f"{self.name} ended with status {status}")


class ServicePart(Part):
    """One of our services."""

    def __init__(self, service: Service, data_dir: Path) -> None:
        super().__init__(service.name, data_dir)
        self._service = service
        self._log = data_dir / "logs" / f"{service.name}.jsonl"

    async def run(self) -> None:
        url_file = self._service.url_file
        if url_file:
            url_file.unlink(missing_ok=True)
        process = await self._spawn()
        self._started(process.pid)
        watcher = asyncio.create_task(self._watch(url_file))
        try:
            status = await process.wait()
        finally:
            watcher.cancel()
            await _end(process)
            self._ended()
        raise ChildEnded(f"{self.name} ended with status {status}; its log: {self._log}")

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > MAX_LOG_BYTES:
            self._log.replace(self._log.with_suffix(".1.jsonl"))
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        with self._log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *leashed([sys.executable, *self._service.arguments]),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environ | self._service.environ | {"PYTHONPATH": path},
                start_new_session=True,  # the terminal's Ctrl-C is for us; we stop it in its turn
            )

    async def _watch(self, url_file: Path | None) -> None:
        """Set `ready` when the process has said where it serves; one without a URL is ready when it runs."""
        while url_file and not (url_file.exists() and url_file.read_text("utf-8").strip()):  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        self.url = url_file.read_text("utf-8").strip() if url_file else ""
        self._ready.set()


async def _end(process: asyncio.subprocess.Process) -> None:
    """SIGTERM, then SIGKILL after STOP_S."""
    if process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        log.warning("part_killed", extra={"pid": process.pid, "after_s": STOP_S})
        process.kill()
        await process.wait()


def tail(data_dir: Path, name: str, n_lines: int = 5) -> str:
    """The last lines of a service's log."""
    try:
        lines = (data_dir / "logs" / f"{name}.jsonl").read_text("utf-8", "replace").splitlines()
    except OSError as exc:
        raise Unavailable(f"no log of {name}") from exc
    return "\n".join(lines[-n_lines:])

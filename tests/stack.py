"""The whole of Headstart for a test: `headstart up` in a process of its own, as a user starts it.

`up` supervises, so what a test kills comes back by itself; the pid files say when.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from shared import kv
from shared.leash import leashed
from tests.waiting import eventually

ROOT = Path(__file__).parents[1]
START_S = 60.0
STOP_S = 45.0
POLL_S = 0.02
T = TypeVar("T")


class Stack:
    """One installation in `data_dir`, on ports of its own."""

    def __init__(self, data_dir: Path, n_workers: int = 1, listen: str = "127.0.0.1:0") -> None:
        self.data_dir = data_dir
        self._listen = listen
        self.edge = self.origin = self.admin = ""
        self._n_workers = n_workers
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start everything; returns when every part is ready."""
        arguments = ["up", "--no-browser", "--data-dir", str(self.data_dir)]
        arguments += ["--edge-listen", self._listen, "--origin-listen", self._listen]
        arguments += ["--workers", str(self._n_workers)]
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "screen.txt").open("wb") as screen:
            command = leashed([sys.executable, "-m", "shared.cli", *arguments])
            environ = {k: v for k, v in os.environ.items() if not k.startswith("HEADSTART_")}
            self._process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=screen, stderr=screen)
        self._until(lambda: "Headstart is up" in self.screen(), "every part is ready")
        self.edge, self.origin = self._url("edge"), self._url("origin")
        self.admin = (self.data_dir / "run/admin.url").read_text()

    def stop(self) -> int:
        """Ctrl-C, unless it has ended already; returns the exit status."""
        assert self._process
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    @property
    def own_pid(self) -> int:
        """Of `up` itself."""
        assert self._process
        return self._process.pid

    def screen(self) -> str:
        """What `up` has printed."""
        return (self.data_dir / "screen.txt").read_text("utf-8", "replace")

    def pid(self, name: str) -> int | None:
        """Of the running part `name`: nats, valkey, origin, worker-1, brain, edge."""
        try:
            return int((self.data_dir / f"run/{name}.pid").read_text())
        except (OSError, ValueError):
            return None

    def kill(self, name: str) -> int:
        """kill -9; returns the pid that is no more."""
        pid = self.pid(name)
        assert pid, f"{name} does not run"
        os.kill(pid, signal.SIGKILL)
        return pid

    async def back(self, name: str, killed: int, within_s: float = 20) -> None:
        """Wait until a killed part runs again, and is ready if it says so over HTTP."""
        await eventually(lambda: self.pid(name) not in (None, killed), within_s)
        if name in ("origin", "brain", "edge"):
            await eventually(lambda: self._answers(name), within_s)

    async def _answers(self, name: str) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with aiohttp.ClientSession() as http, http.get(f"{self._url(name)}/readyz") as answer:
                return answer.status == 200
        return False

    def redis(self) -> Any:
        """A client of the brain's Valkey; the caller closes it."""
        return kv.connect((self.data_dir / "run/valkey.url").read_text())

    def media_files(self) -> set[str]:
        """Every file of uploads, sources and media that lies in the data folder now."""
        apart = {"run", "logs", "nats", "valkey", "search", "edge-1"}
        files = (path.relative_to(self.data_dir) for path in self.data_dir.rglob("*") if path.is_file())
        return {str(path) for path in files if path.parts[0] not in apart and len(path.parts) > 1}

    def tails(self, n_lines: int = 15) -> str:
        """The ends of all logs, for a test that failed."""
        parts = [f"== screen\n{self.screen()[-2000:]}"]
        for log in sorted(self.data_dir.glob("logs/*.jsonl")):
            lines = log.read_text("utf-8", "replace").splitlines()[-n_lines:]
            parts.append("\n".join([f"== {log.name}", *(line[:600] for line in lines)]))
        return "\n".join(parts)

    def _url(self, name: str) -> str:
        return (self.data_dir / f"{name}.url").read_text("utf-8").strip()

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + START_S
        while not condition():
            assert self._process
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                self._process.wait()
                raise AssertionError(f"not within {START_S} s: {what}\n{self.tails()}")
            time.sleep(POLL_S)


@contextlib.contextmanager
def running(data_dir: Path, n_workers: int = 1) -> Iterator[Stack]:
    """A started stack, stopped at the end."""
    stack = Stack(data_dir, n_workers)
    stack.start()
    try:
        yield stack
    finally:
        stack.stop()

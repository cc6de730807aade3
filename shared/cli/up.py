"""`headstart up`: one machine's whole stack, started, watched and stopped in order."""

import asyncio
import fcntl
import logging
import os
import socket
import sys
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp
from rich.console import Console

from shared import embedded
from shared.cli.child import ChildEnded, Part, ServerPart, ServicePart, url_file
from shared.cli.demo import fill
from shared.cli.plan import Address, Layout, address, next_free, services
from shared.cli.screen import moved, urls
from shared.errors import Unavailable
from shared.lifecycle import Lifecycle
from shared.log import JsonLines

GRACE_S = 40.0
"""For stopping everything; each part has its own, shorter limit."""
READY_S = 60.0


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    data_dir: Path
    edge: str
    origin: str
    n_workers: int
    has_demo: bool
    opens_browser: bool


def is_free(candidate: Address) -> bool:
    """Whether this machine lets us listen there; port 0 always is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((candidate.host, candidate.port))
        except OSError:
            return False
    return True


def _log_to(folder: Path) -> None:
    """Our own log goes where those of the children are; the screen is for people."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(folder / "up.jsonl")
    handler.setFormatter(JsonLines("up"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


@contextmanager
def _lock(data_dir: Path) -> Iterator[bool]:
    """Whether we are the only one on this data folder, for as long as the context lasts."""
    with (data_dir / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _listen(console: Console, what: str, wanted: Address, given: int = 0) -> Address:
    """A free address, `wanted` if that is; `given` is a port that another part of ours will take."""
    if wanted.port == 0:
        return Address(wanted.host, embedded.free_port())
    found = next_free(wanted, lambda candidate: candidate.port != given and is_free(candidate))
    if found != wanted:
        moved(console, what, wanted, found)
    return found


class Stack:
    """The parts of one installation, as one process runs them."""

    def __init__(self, options: Options, console: Console) -> None:
        self._options = options
        self._console = console
        self._began = time.monotonic()
        self.layout: Layout

    async def run(self) -> int:
        """Start, serve until a signal, stop; the exit status."""
        self._options.data_dir.mkdir(parents=True, exist_ok=True)
        _log_to(self._options.data_dir / "logs")
        with _lock(self._options.data_dir) as is_ours:
            if not is_ours:
                self._console.print(f"[red]Already running[/] on {self._options.data_dir}")
                return 1
            return await self._serve()

    async def _serve(self) -> int:
        async with Lifecycle(GRACE_S) as lifecycle:
            failed = asyncio.Event()

            async def begin() -> None:
                try:
                    await self._begin(lifecycle)
                except Unavailable as exc:
                    self._console.print(f"[red]Not started:[/] {exc.detail}")
                    failed.set()
                    lifecycle.ask_to_stop()

            lifecycle.supervise("up", begin)
            await lifecycle.run_until_signal()
        self._console.print("Stopped.")
        return int(failed.is_set())

    async def _begin(self, lifecycle: Lifecycle) -> None:
        servers = self._servers()
        for part in servers:
            lifecycle.supervise(part.name, partial(self._watched, part))
        nats_url, redis_url = [await self._ready(part) for part in servers]
        self.layout = self._choose(nats_url, redis_url)
        url_file(self._options.data_dir, "admin").write_text(self.layout.admin.url)
        parts = [ServicePart(service, self._options.data_dir) for service in services(self.layout)]
        for part in parts:
            lifecycle.supervise(part.name, partial(self._watched, part))
        for part in parts:
            await self._ready(part)
        urls(self._console, self.layout, time.monotonic() - self._began)
        if self._options.has_demo:
            lifecycle.supervise("demo", self._fill)
        elif self._options.opens_browser:
            self._browse()

    def _servers(self) -> list[Part]:
        data_dir, environ = self._options.data_dir, os.environ
        port = embedded.free_port()
        return [
            ServerPart("nats", data_dir, lambda: embedded.nats_server(data_dir, environ, port)),
            ServerPart("valkey", data_dir, lambda: embedded.valkey_server(data_dir, environ)),
        ]

    def _choose(self, nats_url: str, redis_url: str) -> Layout:
        options = self._options
        edge = _listen(self._console, "edge", address(options.edge))
        origin = _listen(self._console, "origin", address(options.origin), edge.port)
        return Layout(
            data_dir=options.data_dir.resolve(),
            edge=edge,
            admin=Address("127.0.0.1", embedded.free_port()),
            origin=origin,
            brain=Address("127.0.0.1", embedded.free_port()),
            nats_url=nats_url,
            redis_url=redis_url,
            n_workers=options.n_workers,
        )

    async def _watched(self, part: Part) -> None:
        """Run a part, and tell when it ends by itself; the supervisor starts it again."""
        try:
            await part.run()
        except ChildEnded as exc:
            self._console.print(f"[yellow]{exc.detail}[/]; starting it again")
            raise

    async def _ready(self, part: Part) -> str:
        try:
            async with asyncio.timeout(READY_S):
                return await part.ready()
        except TimeoutError as exc:
            logs = self._options.data_dir / "logs"
            raise Unavailable(f"{part.name} was not ready within {READY_S:.0f} s; see {logs}") from exc

    async def _fill(self) -> None:
        async with aiohttp.ClientSession() as http:
            await fill(self._console, http, self.layout, self._browse)

    def _browse(self) -> None:
        has_screen = sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
        if self._options.opens_browser and has_screen and self._console.is_terminal:
            webbrowser.open(self.layout.edge.url)

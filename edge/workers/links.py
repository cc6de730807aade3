"""The main process and its workers: every purge goes to all of them, and is done when they have done it."""

import asyncio
import logging
import secrets
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web

from edge.cache import metrics
from edge.cache.tags import Purge
from edge.delivery import Delivery
from edge.workers.inherited import CONTROL_SOCKET, Inherited, control_socket, worker_roles
from edge.workers.order import Place, WorkerPurge
from shared.lifecycle import Lifecycle
from shared.web import json_response

log = logging.getLogger(__name__)

ANSWER_S = 2.0
"""A worker that has not purged by then finds out by itself, within `worker.CHECK_S`."""


async def attach(part: Inherited, delivery: Delivery, life: Lifecycle) -> None:
    """Let a main process's purges reach its workers."""
    links = WorkerLinks(part.run_dir, worker_roles(part.n_workers), secrets.token_hex(8))
    await life.start("workers", links.open(), links.close)
    delivery.cache.on_purge.append(links.note)
    delivery.purges.listeners.append(links.settle)


class WorkerLinks:
    """One connection to each worker. Numbers the purges: `place` is how far they have come."""

    def __init__(self, run_dir: Path, roles: list[str], epoch: str) -> None:
        self._run_dir = run_dir
        self._roles = roles
        self._place = Place(epoch)
        self._clients: dict[str, aiohttp.ClientSession] = {}
        self._under_way: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    async def open(self) -> None:
        """Answer the workers' question how far the purges are."""
        for role in self._roles:
            connector = aiohttp.UnixConnector(str(control_socket(self._run_dir, role)), limit=8)
            self._clients[role] = aiohttp.ClientSession(
                "http://worker", connector=connector, timeout=aiohttp.ClientTimeout(total=ANSWER_S)
            )
        app = web.Application()
        app.router.add_get("/place", self._tell)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        path = self._run_dir / CONTROL_SOCKET
        path.unlink(missing_ok=True)  # of a main process that was killed
        await web.UnixSite(self._runner, str(path)).start()

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()
        if self._runner is not None:
            await self._runner.cleanup()

    def note(self, purge: Purge) -> None:
        """Pass a purge on, whoever caused it: an order, or a change that passed through here."""
        self._place = Place(self._place.epoch, self._place.seq + 1)
        order = WorkerPurge(self._place, purge.primary, purge.tag, purge.is_soft, purge.at_ms)
        body = msgspec.json.encode(order)
        for role in self._roles:
            task = asyncio.create_task(self._pass_on(role, body))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def settle(self, _: Purge) -> int:
        """Return when every worker that lives has done what was passed on so far."""
        if self._under_way:
            await asyncio.wait(set(self._under_way))
        return 0

    async def _pass_on(self, role: str, body: bytes) -> None:
        try:
            async with self._clients[role].post("/purge", data=body) as answer:
                answer.raise_for_status()
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            metrics.WORKER_PURGES_MISSED.inc()
            log.warning("worker_missed_purge", extra={"role": role, "reason": repr(exc)})

    async def _tell(self, _: web.Request) -> web.Response:
        return json_response(self._place)

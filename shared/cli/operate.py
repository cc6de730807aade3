"""The operator's commands: who is there, why a queue looks as it does, purge, drain. Over the wire only."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table

from shared.bus import Bus
from shared.cli.child import url_file
from shared.errors import InvalidRequest, NotFound, Unavailable
from shared.messages import EdgeHeartbeat
from shared.subjects import ALL_HEARTBEATS

REQUEST_S = 10.0


def address_of(data_dir: Path, name: str, given: str) -> str:
    """The URL that was given, or the one of the running `up`. Raises NotFound."""
    if given:
        return given.rstrip("/") if "://" in given else f"http://{given}"
    try:
        return url_file(data_dir, name).read_text("utf-8").strip()
    except OSError as exc:
        raise NotFound(f"nothing runs on {data_dir}, or it has no {name}; give its address") from exc


async def nodes(console: Console, nats_url: str, listen_s: float) -> None:
    """Show every edge that sends a heartbeat within `listen_s`."""
    heard: dict[str, EdgeHeartbeat] = {}

    async def hear(beat: EdgeHeartbeat) -> None:
        heard[beat.edge_id] = beat

    async with asyncio.timeout(listen_s + REQUEST_S):
        bus = await Bus.connect(nats_url, "headstart-cli", wait=True)
    try:
        await bus.subscribe(ALL_HEARTBEATS, EdgeHeartbeat, hear)
        await asyncio.sleep(listen_s)
    finally:
        await bus.close()
    console.print(nodes_table(heard, time.time_ns() // 1_000_000))


def nodes_table(heard: Mapping[str, EdgeHeartbeat], now_ms: int) -> Table:
    """The edges, by name."""
    table = Table("edge", "region", "url", "sessions", "state", "last heard", title=f"{len(heard)} edges")
    for name, beat in sorted(heard.items()):
        state, ago_s = "draining" if beat.is_draining else "serving", (now_ms - beat.at_ms) / 1000
        table.add_row(name, beat.region, beat.url, str(beat.n_sessions), state, f"{max(ago_s, 0):.1f} s ago")
    return table


async def explain(console: Console, admin: str, session: str) -> None:
    """Print what the edge knows of a session and why its queue is in this order."""
    console.print_json(data=await _call("GET", f"{admin}/admin/sessions/{session}"))


async def order(console: Console, admin: str, verb: str, body: Mapping[str, Any]) -> None:
    """Give the edge an order, and print its answer."""
    console.print_json(data=await _call("POST", f"{admin}/admin/{verb}", json=dict(body)))


async def _call(method: str, url: str, **options: Any) -> Any:
    limit = aiohttp.ClientTimeout(total=REQUEST_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as http,
            http.request(method, url, **options) as response,
        ):
            answer = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
        raise Unavailable(f"{method} {url}: {exc!r}") from exc
    if response.status >= 400:
        detail = answer.get("detail", answer) if isinstance(answer, dict) else answer
        raise InvalidRequest(f"{method} {url}: {response.status} {detail}")
    return answer

"""The operator's commands: who is there, why a queue looks as it does, purge, drain. Over the wire only."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Column, Table

from shared.bus import Bus
from shared.cli.child import url_file
from shared.errors import InvalidRequest, NotFound, Unavailable
from shared.messages.nodes import EdgeHeartbeat
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
    columns = ("edge", "region", "url", "sessions", "purges", "state", "last heard")
    table = Table(*(Column(name, overflow="fold") for name in columns), title=f"{len(heard)} edges")
    for name, beat in sorted(heard.items()):
        state, ago_s = "draining" if beat.is_draining else "serving", (now_ms - beat.at_ms) / 1000
        numbers = str(beat.n_sessions), str(beat.purge_revision)
        table.add_row(name, beat.region, beat.url, *numbers, state, f"{max(ago_s, 0):.1f} s ago")
    return table


async def explain(console: Console, admin: str, session: str) -> None:
    """Print what the edge knows of a session and why its queue is in this order."""
    console.print_json(data=await _call("GET", f"{admin}/admin/sessions/{session}"))


async def order(console: Console, admin: str, verb: str, body: Mapping[str, Any]) -> None:
    """Give the edge an order, and print its answer."""
    console.print_json(data=await _call("POST", f"{admin}/admin/{verb}", json=dict(body)))


async def purge(console: Console, admin: str, asked: Mapping[str, Any]) -> bool:
    """Give the order to one edge, show every node's receipt; whether all living nodes have done it."""
    url = f"{admin}/admin/purge"
    answer = await _call("POST", url, limit_s=REQUEST_S + float(asked.get("wait_s", 0)), json=dict(asked))
    console.print(receipts_table(answer))
    if answer["local_only"]:
        console.print("NATS is away: done on this edge alone; the others are told when it is back.")
    return bool(answer["complete"])


def receipts_table(answer: Mapping[str, Any]) -> Table:
    """What each node did, and when."""
    nodes = answer["nodes"]
    n_done = sum(node["answered"] for node in nodes)
    revision = f", revision {answer['revision']}" if answer["revision"] else ""
    title = f"purged {answer['purged']} objects on {n_done} of {len(nodes)} nodes{revision}"
    table = Table("node", "objects", "took", "heard after", title=title, min_width=len(title))
    for node in nodes:
        if node["answered"]:
            after, took = f"{node['after_ms']:.1f} ms", f"{node['took_ms']:.1f} ms"
            table.add_row(node["node"], str(node["objects"]), took, after)
        else:
            table.add_row(node["node"], "", "", "[red]no answer[/]")
    return table


async def _call(method: str, url: str, *, limit_s: float = REQUEST_S, **options: Any) -> Any:
    limit = aiohttp.ClientTimeout(total=limit_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as http,
            http.request(method, url, **options) as response,
        ):
            answer = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as exc:
        raise Unavailable(f"{method} {url}: {str(exc) or type(exc).__name__}") from exc
    if response.status >= 400:
        detail = answer.get("detail", answer) if isinstance(answer, dict) else answer
        raise InvalidRequest(f"{method} {url}: {response.status} {detail}")
    return answer

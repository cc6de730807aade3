"""`headstart`, the command line: `python -m shared.cli COMMAND`."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from shared.cli import operate
from shared.cli.plan import MAX_WORKERS
from shared.cli.up import Options, Stack
from shared.errors import ServiceError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Headstart: short vertical video where a swipe never waits.",
)
console = Console()
T = TypeVar("T")
NOT_ALL_ANSWERED = 3
"""Exit status of a purge that some node has not, or not yet, done."""
N_WORKERS = min(max(1, (os.cpu_count() or 2) // 2), 4)
DataDir = Annotated[Path, typer.Option(help="Where `up` keeps everything.", envvar="HEADSTART_DATA_DIR")]
Admin = Annotated[
    str, typer.Option(help="The edge's operator listener; by default that of the running `up`.")
]


@app.command()
def up(  # noqa: PLR0917
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty installation.")] = False,
    data_dir: DataDir = Path("data"),
    edge_listen: Annotated[str, typer.Option(help="Where viewers come.")] = "127.0.0.1:8080",
    origin_listen: Annotated[str, typer.Option(help="Where creators come.")] = "127.0.0.1:8081",
    workers: Annotated[int, typer.Option(min=1, max=MAX_WORKERS, help="Transcoders.")] = N_WORKERS,
    browser: Annotated[bool, typer.Option(help="Open the player when there is something to see.")] = True,
) -> None:
    """Start everything on this machine; Ctrl-C stops it."""
    options = Options(data_dir, edge_listen, origin_listen, workers, demo, browser)
    try:
        raise typer.Exit(asyncio.run(Stack(options, console).run()))
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from exc


@app.command()
def nodes(
    data_dir: DataDir = Path("data"),
    nats: Annotated[str, typer.Option(envvar="HEADSTART_NATS_URL")] = "",
    seconds: Annotated[float, typer.Option(min=0.5, max=60, help="How long to listen.")] = 6.0,
) -> None:
    """Listen for the heartbeats of all edges and show who is there."""
    _run(lambda: operate.nodes(console, operate.address_of(data_dir, "nats", nats), seconds))


@app.command()
def explain(session: str, data_dir: DataDir = Path("data"), admin: Admin = "") -> None:
    """Show a session's queue: each video's score, source and why it moved."""
    _run(lambda: operate.explain(console, operate.address_of(data_dir, "admin", admin), session))


@app.command()
def purge(  # noqa: PLR0917
    url: Annotated[str, typer.Option(help="One object's path or URL, with all its variants.")] = "",
    tag: Annotated[str, typer.Option(help="An exact surrogate tag, e.g. video:ID.")] = "",
    creator: Annotated[str, typer.Option(help="All objects of a creator, by id.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="The whole cache.")] = False,
    soft: Annotated[bool, typer.Option("--soft", help="Make stale instead of delete.")] = False,
    wait: Annotated[float, typer.Option(min=0, max=30, help="Seconds for the receipts.")] = 2.0,
    data_dir: DataDir = Path("data"),
    admin: Admin = "",
) -> None:
    """Make every edge forget objects, and show who has done it; exit status 3 when not all have answered."""
    named = {"url": url, "tag": tag, "creator": creator, "all": everything}
    wanted = {name: value for name, value in named.items() if value}
    if len(wanted) != 1:
        raise typer.BadParameter("give exactly one of --url, --tag, --creator, --all")
    asked = wanted | {"soft": soft, "wait_s": wait}
    is_complete = _run(lambda: operate.purge(console, operate.address_of(data_dir, "admin", admin), asked))
    if not is_complete:
        raise typer.Exit(NOT_ALL_ANSWERED)


@app.command()
def drain(data_dir: DataDir = Path("data"), admin: Admin = "") -> None:
    """Tell the edge to send no new viewers here."""
    _run(lambda: operate.order(console, operate.address_of(data_dir, "admin", admin), "drain", {}))


def _run(command: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do it; what goes wrong is one line and exit status 1."""
    try:
        return asyncio.run(command())
    except ServiceError as exc:
        console.print(f"[red]{exc.code}[/]: {exc.detail}")
        raise typer.Exit(1) from exc


if __name__ == "__main__":
    app(prog_name="headstart")

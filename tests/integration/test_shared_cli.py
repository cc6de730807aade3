"""`headstart up` and the operator's commands, as processes."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console
from typer.testing import CliRunner

from shared.cli.__main__ import app
from shared.cli.operate import nodes_table
from shared.messages.nodes import EdgeHeartbeat
from tests.stack import ROOT, Stack, running
from tests.viewer import Viewer
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)
PARTS = ("nats", "valkey", "origin", "worker-1", "brain", "edge")


def is_alive(pid: int) -> bool:
    """Whether it runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def headstart(*arguments: str) -> str:
    """What a command prints; it must succeed."""
    done = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack for the tests that leave it running."""
    with running(tmp_path_factory.mktemp("cli")) as started:
        yield started


def test_up_says_where_everything_is_and_how_long_it_took(stack: Stack) -> None:
    assert re.search(r"Headstart is up: started in \d+\.\d s", stack.screen())
    for url in (stack.edge, f"{stack.origin}/studio/", f"{stack.edge}/metrics"):
        assert url in stack.screen()


def test_every_part_runs_and_logs_as_json_lines(stack: Stack) -> None:
    assert all(is_alive(stack.pid(part) or 0) for part in PARTS)
    for part in ("up", "origin", "worker-1", "brain", "edge"):
        assert (stack.data_dir / f"logs/{part}.jsonl").read_text().startswith('{"ts"')


async def test_a_part_that_is_killed_comes_back_at_the_same_address(stack: Stack) -> None:
    before = stack.edge
    for part in ("edge", "nats"):
        await stack.back(part, stack.kill(part))
    assert (stack.data_dir / "edge.url").read_text().strip() == before
    assert "starting it again" in stack.screen()


def test_a_second_up_on_the_same_data_is_refused(stack: Stack) -> None:
    command = [sys.executable, "-m", "shared.cli", "up", "--no-browser", "--data-dir", str(stack.data_dir)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "Already running" in done.stdout


def test_nodes_lists_the_edge_by_its_heartbeat(stack: Stack) -> None:
    shown = headstart("nodes", "--data-dir", str(stack.data_dir), "--seconds", "8")
    assert "1 edges" in shown
    assert stack.edge in shown


async def test_explain_shows_a_sessions_queue(stack: Stack) -> None:
    async with aiohttp.ClientSession() as http:
        someone = await Viewer(http, stack.edge).open("explained")
    command = [sys.executable, "-m", "shared.cli", "explain", someone.id, "--data-dir", str(stack.data_dir)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0
    assert '"user_id": "explained"' in done.stdout


def test_a_session_that_is_not_there_is_one_line_and_status_1(stack: Stack) -> None:
    done = CliRunner().invoke(app, ["explain", "nobody", "--data-dir", str(stack.data_dir)])
    assert done.exit_code == 1
    assert "404" in done.output


async def test_purge_takes_exactly_one_of_its_ways(stack: Stack) -> None:
    command = [sys.executable, "-m", "shared.cli", "purge", "--all", "--data-dir", str(stack.data_dir)]

    def is_purged_everywhere() -> bool:  # 3 while the edge has not found NATS again after another test
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert "purged" in done.stdout
        return done.returncode == 0

    await eventually(is_purged_everywhere, within_s=30)
    assert CliRunner().invoke(app, ["purge", "--data-dir", str(stack.data_dir)]).exit_code == 2


def test_a_command_without_a_running_stack_says_so(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["drain", "--data-dir", str(tmp_path)])
    assert done.exit_code == 1
    assert "not_found" in done.output


def test_nothing_of_an_edge_is_cut_where_a_line_has_80_characters() -> None:
    url = "http://eu-west-1a.example.net:8080"
    beat = EdgeHeartbeat(edge_id="eu-west-1a", region="eu-west", url=url, at_ms=0, n_sessions=2)
    console = Console(width=80, file=io.StringIO(), record=True)

    console.print(nodes_table({"eu-west-1a": beat}, 500))

    shown = console.export_text()
    assert "…" not in shown and "8080" in shown


def test_an_edge_that_is_not_there_is_told_in_plain_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        admin = f"127.0.0.1:{gone.getsockname()[1]}"

    done = CliRunner().invoke(app, ["purge", "--all", "--admin", admin], env={"COLUMNS": "200"})

    assert done.exit_code == 1
    assert f"Cannot connect to host {admin}" in done.output and "ConnectionKey" not in done.output


async def test_a_drained_edge_is_no_longer_ready_but_serves(tmp_path: Path) -> None:
    with running(tmp_path) as mine:
        command = [sys.executable, "-m", "shared.cli", "drain", "--data-dir", str(tmp_path)]
        assert subprocess.run(command, cwd=ROOT, capture_output=True, timeout=30, check=False).returncode == 0
        async with aiohttp.ClientSession() as http:
            async with http.get(f"{mine.edge}/readyz") as answer:
                assert answer.status == 503
            await Viewer(http, mine.edge).open()


def test_a_taken_port_moves_and_ctrl_c_stops_everything(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        mine = Stack(tmp_path, listen=address)
        mine.start()
        pids = [mine.pid(part) or 0 for part in PARTS]
        assert f"{address} is taken" in mine.screen()
        assert mine.stop() == 0
    assert "Stopped." in mine.screen()
    assert not [pid for pid in pids if is_alive(pid)]


async def test_nothing_outlives_an_up_that_is_killed(tmp_path: Path) -> None:
    mine = Stack(tmp_path)
    mine.start()
    pids = [mine.pid(part) or 0 for part in PARTS]
    assert all(is_alive(pid) for pid in pids)
    os.kill(mine.own_pid, signal.SIGKILL)
    await eventually(lambda: not [pid for pid in pids if is_alive(pid)])
    assert mine.stop() == -signal.SIGKILL

"""An answer that came in time is used, however late the edge gets to read it."""

import os
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.origins import EdgeProcess

WAIT_S = 0.5


class StoppingOrigin(ThreadingHTTPServer):
    """Counts its answers. Before the second it stops the edge, and lets it go on when the wait is over."""

    n_answers = 0
    edge_pid = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Counting(BaseHTTPRequestHandler):
    """Answers with the number of the answer, stale from the start."""

    protocol_version = "HTTP/1.1"
    server: StoppingOrigin

    def do_GET(self) -> None:
        self.server.n_answers += 1
        is_second = self.server.n_answers == 2
        if is_second:
            os.kill(self.server.edge_pid, signal.SIGSTOP)
        self.send_response(200)
        for name, value in (("Cache-Control", "max-age=0, stale-if-error=99"), ("Content-Length", "1")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(str(self.server.n_answers).encode())
        if is_second:
            threading.Timer(2 * WAIT_S, os.kill, (self.server.edge_pid, signal.SIGCONT)).start()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def origin() -> Iterator[StoppingOrigin]:
    with StoppingOrigin(("127.0.0.1", 0), Counting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def test_an_answer_that_waited_for_the_edge_is_not_late(origin: StoppingOrigin, tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(f"[cache]\nstale_wait_min_s = {WAIT_S}\n")
    edge = EdgeProcess(origin.url, tmp_path, arguments=("--config", str(config)))
    client = await edge.start()
    origin.edge_pid = edge.pid
    try:
        assert [(await client.ask("/0")).body for _ in range(2)] == [b"1", b"2"]
    finally:
        await edge.stop()

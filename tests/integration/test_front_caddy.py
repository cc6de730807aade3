"""The HTTP/2 and HTTP/3 front: a real Caddy with our Caddyfile, before a real edge."""

import asyncio
import base64
import hashlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from shared.embedded import free_port
from tests.bench.edge.process import is_listening
from tests.browser.conftest import ARGUMENTS, chromium_path
from tests.conftest import NEEDS, has_chromium
from tests.origins import Reply, RunningEdge, ScriptedOrigin, running_edge
from tests.waiting import eventually

CADDYFILE = Path(__file__).resolve().parents[2] / "configs" / "Caddyfile"
START_S = 30
BODY = os.urandom(600_000)

pytestmark = pytest.mark.skipif(shutil.which("caddy") is None, reason=NEEDS["caddy"])


@dataclass
class Front:
    """A running Caddy, and curl as its client."""

    port: int
    curl: str

    async def ask(self, path: str, *options: str) -> tuple[dict[str, str], bytes]:
        """The last answer's status line and fields (lower case), and its body."""
        command = [self.curl, "-sk", "-D", "/dev/stderr", *options, f"https://localhost:{self.port}{path}"]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        body, head = await process.communicate()
        assert process.returncode == 0, head
        lines = head.decode().strip().splitlines()
        fields = dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        return {"status": lines[0].strip()} | {name.lower(): value for name, value in fields.items()}, body


@contextmanager
def caddy(edge_url: str, folder: Path, port: int, http_port: int) -> Iterator[None]:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "HEADSTART_SITE": "localhost",
        "HEADSTART_EDGE": edge_url.removeprefix("http://"),
        "HEADSTART_HTTPS_PORT": str(port),
        "HEADSTART_HTTP_PORT": str(http_port),
    }
    command = ["caddy", "run", "--config", str(CADDYFILE), "--adapter", "caddyfile"]
    with (folder / "caddy.log").open("wb") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as started:
        started.replies["/v/1/open.mp4"] = Reply(body=BODY)
        started.replies["/page"] = Reply(b"<!doctype html>", headers={"Content-Type": "text/html"})
        yield started


@pytest.fixture
async def edge(origin: ScriptedOrigin) -> AsyncIterator[RunningEdge]:
    async with running_edge(origin.url) as running:
        yield running


@pytest.fixture
async def front(edge: RunningEdge, tmp_path: Path, curl: str) -> AsyncIterator[Front]:
    port, http_port = free_port(), free_port()
    with caddy(edge.client.url, tmp_path, port, http_port):
        await eventually(lambda: is_listening(port), within_s=START_S)
        yield Front(port, curl)


async def test_http_2_reaches_the_cache(front: Front, origin: ScriptedOrigin) -> None:
    if b"HTTP2" not in subprocess.run([front.curl, "--version"], check=True, capture_output=True).stdout:
        pytest.skip("curl without HTTP/2")
    _, first = await front.ask("/v/1/open.mp4", "--http2")
    fields, second = await front.ask("/v/1/open.mp4", "--http2")

    assert fields["status"].startswith("HTTP/2 200")
    assert "; hit; detail=memory" in fields["cache-status"]
    assert first == second == BODY
    assert origin.n_seen() == 1


async def test_http_3_is_offered(front: Front) -> None:
    fields, _ = await front.ask("/v/1/open.mp4")

    assert f'h3=":{front.port}"' in fields["alt-svc"]
    with pytest.raises(OSError, match="in use"), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp:
        udp.bind(("::", front.port))


def key_pin(port: int) -> str:
    """What Chromium wants to trust this server's key over QUIC: a digest of its public key."""
    certificate = ssl.get_server_certificate(("localhost", port))
    command = ["openssl", "x509", "-pubkey", "-noout"]
    pem = subprocess.run(command, input=certificate, capture_output=True, text=True, check=True).stdout
    key = base64.b64decode("".join(line for line in pem.splitlines() if not line.startswith("-")))
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


@pytest.mark.skipif(not has_chromium() or not shutil.which("openssl"), reason=NEEDS["chromium"])
async def test_a_browser_gets_stored_bytes_over_http_3(front: Front, origin: ScriptedOrigin) -> None:
    url = f"https://localhost:{front.port}/v/1/open.mp4"
    fields, _ = await front.ask("/v/1/open.mp4")
    switches = [switch for switch in ARGUMENTS if switch != "--disable-quic"]
    switches += [
        f"--origin-to-force-quic-on=localhost:{front.port}",
        f"--ignore-certificate-errors-spki-list={await asyncio.to_thread(key_pin, front.port)}",
    ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=switches)
        page = await browser.new_page()
        await page.goto(f"https://localhost:{front.port}/page")
        status, cache_status, protocol, digest = await page.evaluate(
            """async (url) => {
                const answer = await fetch(url);
                const digest = await crypto.subtle.digest("SHA-256", await answer.arrayBuffer());
                const protocol = performance.getEntriesByName(url)[0].nextHopProtocol;
                const hex = [...new Uint8Array(digest)].map((n) => n.toString(16).padStart(2, "0")).join("");
                return [answer.status, answer.headers.get("Cache-Status"), protocol, hex];
            }""",
            url,
        )
        await browser.close()

    assert "fwd=uri-miss" in fields["cache-status"]
    assert (status, protocol, digest) == (200, "h3", hashlib.sha256(BODY).hexdigest())
    assert "; hit; detail=memory" in cache_status
    assert origin.n_seen("/v/1/open.mp4") == 1


async def test_a_range_passes_as_it_is(front: Front) -> None:
    await front.ask("/v/1/open.mp4")

    fields, body = await front.ask("/v/1/open.mp4", "-H", "Range: bytes=100-299")

    assert " 206" in fields["status"]
    assert body == BODY[100:300]


async def test_many_streams_of_one_connection_are_answered(front: Front) -> None:
    more = [f"https://localhost:{front.port}/v/1/open.mp4"] * 9

    _, bodies = await front.ask("/v/1/open.mp4", "--http2", "--fail", "-Z", "--parallel-max", "9", *more)

    assert len(bodies) == 10 * len(BODY)

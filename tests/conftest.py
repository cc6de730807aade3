"""Fixtures for every test: real servers, a data folder, a port; and a plain word on what was left out."""

import asyncio
import gc
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from nats.aio.client import Client

from shared import embedded, kv

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
NEEDS = {
    "chromium": "browser tests left out: no chromium on PATH (apt-get install chromium)",
    "curl": "tests that upload with curl left out: no curl on PATH (apt-get install curl)",
    "caddy": "tests of the HTTP/2 and HTTP/3 front left out: no caddy on PATH (apt-get install caddy)",
}


def has_chromium() -> bool:
    """Whether this machine can run the browser tests."""
    return any(shutil.which(name) for name in CHROMIUM_NAMES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the browser tests out where there is no browser."""
    if has_chromium():
        return
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.skip(reason=NEEDS["chromium"]))


def pytest_collection_finish() -> None:
    """Keep the garbage collector away from modules and tests: to walk over them takes 0.5 s each time."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests were left out, how many, and why."""
    reasons: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reason = reason.removeprefix("Skipped: ")
        reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        terminalreporter.section("left out")
    for reason, n_tests in sorted(reasons.items()):
        terminalreporter.line(f"{n_tests} test{'s' * (n_tests > 1)}: {reason}")


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loops on which a test runs: asyncio's, and uvloop's too where their transports matter."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if item.get_closest_marker("both_loops"):
        loops["uvloop"] = uvloop.new_event_loop
    return loops


settings.register_profile(
    "same", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("new", settings.get_profile("same"), derandomize=False)
settings.load_profile("same")
"""A busy machine is no error of an example. Each test has a seed of its own, so that a run fails for what was
changed and not by chance; `--hypothesis-profile=new` draws another seed each time, to look for more."""


@pytest.fixture(scope="session")
def nats_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    """One nats-server with JetStream for all tests."""
    server = asyncio.run(embedded.nats_server(tmp_path_factory.mktemp("nats"), {}))
    yield server
    asyncio.run(server.stop())


@pytest.fixture(scope="session")
def valkey_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    """One valkey-server for all tests."""
    server = asyncio.run(embedded.valkey_server(tmp_path_factory.mktemp("valkey"), {}))
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def nats(nats_process: embedded.Server) -> AsyncIterator[str]:
    """The URL of a NATS server without any stream."""
    yield nats_process.url
    client = Client()
    await client.connect(nats_process.url)
    manager = client.jsm()
    for stream in await manager.streams_info():
        assert stream.config.name
        await manager.delete_stream(stream.config.name)
    await client.close()


@pytest.fixture
async def valkey(valkey_process: embedded.Server) -> AsyncIterator[str]:
    """The URL of an empty Valkey."""
    yield valkey_process.url
    client = kv.connect(valkey_process.url)
    await client.flushall()
    await client.aclose()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty folder of this test's own."""
    return tmp_path


@pytest.fixture
def free_port() -> int:
    """A loopback port that is free now, and that the kernel gives to nobody by itself."""
    return embedded.free_port()


@pytest.fixture
def curl() -> str:
    """The path of curl; the test is left out where there is none."""
    path = shutil.which("curl")
    if path is None:
        pytest.skip(NEEDS["curl"])
    return path

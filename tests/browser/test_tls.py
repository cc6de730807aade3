"""The player in Chromium over https, on an edge that ends TLS itself, beside the real stack's own."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.browser.conftest import DEADLINE_MS, PHONE
from tests.browser.viewer import Viewer
from tests.certificates import self_signed
from tests.edge_process import EdgeProcess
from tests.stack import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]

TRANSFERS = """performance.getEntriesByType('resource').map(
    ({name, nextHopProtocol}) => ({path: new URL(name).pathname, protocol: nextHopProtocol}))"""


@pytest_asyncio.fixture(loop_scope="session")
async def secure(stack: Stack, tmp_path: Path) -> AsyncIterator[EdgeProcess]:
    chain, key = self_signed()
    edge = EdgeProcess(
        tmp_path / "edge",
        HEADSTART_NATS_URL=(stack.data_dir / "run/nats.url").read_text(),
        HEADSTART_ORIGIN_URL=stack.origin,
        HEADSTART_EDGE_EDGE_ID="secure",
        HEADSTART_EDGE_LISTENING_TLS_CERT=chain,
        HEADSTART_EDGE_LISTENING_TLS_KEY=key,
    )
    yield await edge.start()
    await edge.end(signal.SIGTERM)


@pytest_asyncio.fixture(loop_scope="session")
async def trusting(chromium: Browser) -> AsyncIterator[Page]:
    """A tab that takes any certificate; script errors fail the test."""
    context = await chromium.new_context(
        viewport=PHONE, has_touch=True, is_mobile=True, ignore_https_errors=True
    )
    context.set_default_timeout(DEADLINE_MS)
    page = await context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    await context.close()
    assert errors == []


async def counted(edge: EdgeProcess, metric: str) -> float:
    async with aiohttp.ClientSession() as http, http.get(f"{edge.admin_url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))


async def test_videos_play_and_swipes_are_held_over_tls(trusting: Page, secure: EdgeProcess) -> None:
    viewer = Viewer(trusting)
    assert secure.url.startswith("https://")
    await viewer.open(secure.url)
    for _ in range(3):
        await viewer.held()
        swipe = await viewer.swipe()
        assert (swipe["from"], swipe["tier"]) == ("player", "memory")
    await viewer.shows("!headstart.player.video.paused && headstart.player.video.currentTime > 0")

    assert await viewer.ask("isSecureContext")
    transfers = await viewer.ask(TRANSFERS)
    assert {transfer["protocol"] for transfer in transfers if "/open.mp4" in transfer["path"]} == {"http/1.1"}
    assert await counted(secure, 'edge_tls_handshakes_total{result="full"}') >= 1

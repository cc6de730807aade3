"""One Chromium for all browser tests, a fresh profile for each, and the stand-in edge."""

import shutil
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright

from shared.web import serve
from tests.browser.reels import reels
from tests.browser.stand_in import StandIn
from tests.conftest import CHROMIUM_NAMES

PHONE = ViewportSize(width=390, height=844)
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
DEADLINE_MS = 15_000


def chromium_path() -> str:
    """The system's Chromium; playwright brings none of its own."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)))


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def phone(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """A phone's empty profile."""
    context = await chromium.new_context(viewport=PHONE, has_touch=True, is_mobile=True)
    context.set_default_timeout(DEADLINE_MS)
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(phone: BrowserContext) -> AsyncIterator[Page]:
    """A tab whose script errors fail the test."""
    page = await phone.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert errors == []


@pytest_asyncio.fixture(loop_scope="session")
async def edge() -> AsyncIterator[StandIn]:
    """The stand-in edge on a free port, with six reels in its queue."""
    stand_in = StandIn({reel.card.id: reel for reel in reels()})
    server = await serve(stand_in.app(), "127.0.0.1:0")
    stand_in.url = server.url
    yield stand_in
    await server.stop(0.2)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def modules(chromium: Browser) -> AsyncIterator[Page]:
    """A tab that can import the modules of the player and the studio."""
    server = await serve(StandIn({}).app(), "127.0.0.1:0")
    page = await chromium.new_page()
    await page.goto(f"{server.url}/player/types.js")
    yield page
    await page.close()
    await server.stop(0.2)

"""One Chromium for all browser tests, a fresh profile for each, and the stand-in edge."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, async_playwright

from shared.web import serve
from tests.browser.reels import reels
from tests.browser.stand_in import StandIn
from tests.clips import make_clip
from tests.conftest import CHROMIUM_NAMES
from tests.stack import Stack, running
from tests.waiting import eventually

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
DEADLINE_MS = 30_000
CATEGORIES = ("lava", "paper", "skies")
N_CLIPS = 9


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
    await page.goto(f"{server.url}/player/sdk/types.js")
    yield page
    await page.close()
    await server.stop(0.2)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small upload."""
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", seconds=4)


@pytest.fixture(scope="session")
def stack_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Every service as a real process, with nothing in it."""
    with running(tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def stack(stack_process: Stack, clip: Path) -> Stack:
    """The same with N_CLIPS playable videos, each by its own creator."""
    async with aiohttp.ClientSession() as http:
        videos = [await _upload(http, stack_process.origin, clip, number) for number in range(N_CLIPS)]
        for video in videos:
            await eventually(lambda video=video: _is_playable(http, stack_process, video), within_s=60)
    return stack_process


async def _upload(http: aiohttp.ClientSession, origin: str, clip: Path, number: int) -> str:
    category = CATEGORIES[number % len(CATEGORIES)]
    words = {"caption": f"Clip {number}", "creator": f"maker_{number}", "hashtags": f"#{category}"}
    form = aiohttp.FormData(words | {"category": category})
    with clip.open("rb") as body:
        form.add_field("file", body, filename="clip.mp4", content_type="video/mp4")
        async with http.post(f"{origin}/v1/videos", data=form) as answer:
            assert answer.status == 201, await answer.text()
            return str((await answer.json())["id"])


async def _is_playable(http: aiohttp.ClientSession, stack: Stack, video: str) -> bool:
    async with http.get(f"{stack.edge}/v1/videos/{video}") as answer:
        return answer.status == 200 and "card" in await answer.json()

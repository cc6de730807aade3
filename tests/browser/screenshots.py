"""`make screenshots`: the README's pictures, taken in Chromium from a running demo.

The stack that `make run` has started is used when there is one; otherwise one is started in a temporary
folder and stopped at the end. Only that one gets an upload from the studio.
"""

import asyncio
import contextlib
import io
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import aiohttp  # noqa: E402
from PIL import Image  # noqa: E402
from playwright.async_api import Page, async_playwright  # noqa: E402

from shared.demo.clips import CLIPS  # noqa: E402
from shared.demo.render import render  # noqa: E402
from tests.browser.conftest import ARGUMENTS, chromium_path  # noqa: E402
from tests.browser.viewer import Viewer  # noqa: E402
from tests.waiting import eventually  # noqa: E402

MAX_BYTES = 120_000
QUALITIES = (86, 80, 74, 66, 58, 50)
N_VIDEOS = 9
N_SWIPES = 6
N_WITH_SOUND = 4
START_S = 60
FILL_S = 400
WATCH_MS = 1_600
SKIES = CLIPS[2]
PLAYER = ROOT / "edge" / "player"


async def is_running(edge: str) -> bool:
    """Whether an edge answers there."""
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with aiohttp.ClientSession() as http, http.get(f"{edge}/healthz") as answer:
            return answer.status == 200
    return False


def urls(data_dir: Path) -> tuple[str, str]:
    """Edge and origin of the stack in `data_dir`; empty when there is none."""
    files = [data_dir / "edge.url", data_dir / "origin.url"]
    edge, origin = (file.read_text().strip() if file.exists() else "" for file in files)
    return edge, origin


@contextlib.asynccontextmanager
async def demo(data_dir: Path) -> AsyncIterator[tuple[str, str]]:
    """A stack of its own with the demo in it, stopped at the end."""
    listen = ["--edge-listen", "127.0.0.1:0", "--origin-listen", "127.0.0.1:0"]
    command = ["-m", "shared.cli", "up", "--demo", "--no-browser", "--data-dir", str(data_dir), *listen]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await eventually(lambda: all(urls(data_dir)), within_s=START_S)
        for url in urls(data_dir):
            await eventually(lambda url=url: is_running(url), within_s=START_S)
        yield urls(data_dir)
    finally:
        process.terminate()
        await process.wait()


async def n_playable(origin: str) -> int:
    """How many videos the catalogue has."""
    async with aiohttp.ClientSession() as http, http.get(f"{origin}/v1/videos?limit=50") as answer:
        return len((await answer.json())["items"])


async def most_used(edge: str) -> str:
    """The sound that most videos play, once enough of them can be played."""
    async with aiohttp.ClientSession() as http:

        async def most() -> dict[str, Any]:
            async with http.get(f"{edge}/v1/sounds?n=1") as answer:
                first: dict[str, Any] = (await answer.json())["items"][0]
                return first

        async def is_used() -> bool:
            return int((await most())["n_videos"]) >= N_WITH_SOUND

        await eventually(is_used, within_s=FILL_S)
        return str((await most())["id"])


async def keep(page: Page, target: Path) -> None:
    """The page as a JPEG of at most MAX_BYTES."""
    picture = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
    for quality in QUALITIES:
        body = io.BytesIO()
        picture.save(body, "JPEG", quality=quality, optimize=True, progressive=True)
        if body.tell() <= MAX_BYTES:
            break
    target.write_bytes(body.getvalue())
    print(f"{target.relative_to(ROOT)}: {body.tell():,} bytes")


async def picture_player(page: Page, edge: str) -> None:
    """A few swipes into the feed, with the overlay."""
    viewer = Viewer(page)
    await viewer.open(edge)
    await page.keyboard.press("d")
    for _ in range(N_SWIPES):
        await viewer.held()
        await page.wait_for_timeout(WATCH_MS)
        await viewer.swipe()
    await page.keyboard.press("l")
    await page.wait_for_timeout(WATCH_MS)
    await keep(page, PLAYER / "screenshot.jpg")


async def picture_pages(page: Page, edge: str) -> None:
    """What is trending, a creator whom the viewer follows, and the sound that most videos play."""
    await page.goto(f"{edge}/#search")
    await page.reload()
    await page.wait_for_selector("#page-search .cell img.is-loaded")
    await page.wait_for_timeout(WATCH_MS)
    await keep(page, PLAYER / "search.jpg")
    await page.goto(f"{edge}/#user={SKIES.creator}")
    await page.wait_for_selector("#page-user .cell img.is-loaded")
    await page.click("#page-user .follow")
    await page.mouse.move(0, 0)
    await page.wait_for_timeout(WATCH_MS)
    await keep(page, PLAYER / "profile.jpg")
    await page.goto(f"{edge}/#sound={await most_used(edge)}")
    await page.wait_for_selector("#page-sound .cell img.is-loaded")
    await page.wait_for_timeout(WATCH_MS)
    await keep(page, PLAYER / "sound.jpg")


async def picture_studio(page: Page, origin: str, clip: Path, is_ours: bool) -> None:
    """An upload that is live; in a stack that is not ours, one that is only prepared."""
    await page.goto(f"{origin}/studio/")
    await page.set_input_files("#file", clip)
    await page.fill("#caption", SKIES.caption)
    await page.fill("#hashtags", " ".join(f"#{tag}" for tag in SKIES.hashtags))
    await page.fill("#creator", SKIES.creator)
    await page.fill("#category", SKIES.category)
    await page.click(".pick")
    if is_ours:
        await page.click("#publish")
        await page.wait_for_selector("[data-live]", timeout=FILL_S * 1000)
    await page.evaluate("scrollTo(0, 0)")
    await page.wait_for_timeout(WATCH_MS)
    await keep(page, ROOT / "origin" / "studio" / "screenshot.jpg")


async def main() -> None:
    """Take them all."""
    edge, origin = urls(ROOT / "data")
    is_ours = not (edge and await is_running(edge))
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="headstart-")))
        if is_ours:
            edge, origin = await stack.enter_async_context(demo(folder / "data"))

        async def is_filled() -> bool:
            return await n_playable(origin) >= N_VIDEOS

        await eventually(is_filled, within_s=FILL_S)
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(FILL_S * 1000)
        await picture_player(page, edge)
        await picture_pages(page, edge)
        await picture_studio(page, origin, await render(SKIES, folder / "skies.mp4"), is_ours)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main())

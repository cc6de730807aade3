"""The player as others embed it: one small module, made of its sources, typed; fifteen lines of a page."""

import gzip
import re
import subprocess
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Page

from shared.web import serve
from tests.browser.node import HERE, needs_npm
from tests.browser.viewer import DEADLINE_MS
from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PLAYER = HERE.parents[1] / "edge" / "player"
MODULE = PLAYER / "headstart.js"
MAX_GZIPPED_BYTES = 15_000
MAX_LINES = 15
EDGE = "https://edge.example"


def snippet() -> str:
    """The page in the player's README."""
    found = re.search(r"```html\n(.*?)```", (PLAYER / "README.md").read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]


async def test_the_module_is_small_and_imports_nothing() -> None:
    code = MODULE.read_bytes()
    assert len(gzip.compress(code, 9)) <= MAX_GZIPPED_BYTES
    assert not re.search(rb"""\bimport\s*[({"'*\w]|\bfrom\s*["']""", code)


@needs_npm
async def test_the_module_is_what_its_sources_make(tmp_path: Path) -> None:
    made = tmp_path / "headstart.js"
    command = ["npm", "run", "--silent", "build", "--", f"--outfile={made}"]
    subprocess.run(command, cwd=HERE, check=True, timeout=120)
    assert made.read_text("utf-8") == MODULE.read_text("utf-8"), "run `make sdk` and commit headstart.js"


@needs_npm
async def test_player_and_page_pass_the_strict_type_check() -> None:
    command = ["npm", "run", "--silent", "check"]
    found = subprocess.run(command, cwd=HERE, check=False, capture_output=True, timeout=300)
    assert found.returncode == 0, found.stdout.decode()


@pytest.mark.timeout(180)
async def test_fifteen_lines_embed_the_player_in_a_page_of_another_origin(page: Page, stack: Stack) -> None:
    lines = snippet().splitlines()
    assert len(lines) <= MAX_LINES
    html = "\n".join(lines).replace(EDGE, stack.edge).replace("const feed", "const feed = window.feed")

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=html, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", answer)
    shop = await serve(app, "127.0.0.1:0")
    try:
        await page.goto(shop.url)
        await page.wait_for_function("() => window.feed?.video?.currentTime > 0.2", timeout=DEADLINE_MS)
        await page.locator("#feed").focus()
        await page.keyboard.press("ArrowDown")
        await page.wait_for_function("() => feed.swipes[1]?.first_frame_ms !== null && feed.index === 1")
        assert await page.evaluate("document.querySelectorAll('#feed video.is-current').length") == 1
        await page.locator("#feed").click()
        await page.wait_for_function("() => feed.video.paused")
    finally:
        await shop.stop(0.2)

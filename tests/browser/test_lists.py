"""A grid in front of the player: what is on screen of it is warm at a real edge before one is opened."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, Request

from edge.app import Edge
from tests.bench.swipe_browser.shelf import node, shelf
from tests.browser.reels import reels
from tests.browser.viewer import Viewer
from tests.waiting import eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(180),
]

N_VIDEOS = 40
VISIBLE = """[...document.querySelectorAll('#page-tag .cell')].filter((one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
}).map(({ dataset }) => dataset.video)"""


@pytest_asyncio.fixture(loop_scope="session")
async def shelved(tmp_path: Path) -> AsyncIterator[Edge]:
    """A real edge that has not cached any of its videos yet; all of them are under one hashtag."""
    videos = shelf(N_VIDEOS, reels())
    async with node(videos, tmp_path) as running:
        await eventually(lambda: len(running.cards) == N_VIDEOS)
        yield running


def plans(page: Page) -> list[dict[str, Any]]:
    """The bodies of the plans that the page asks for, as they come."""
    found: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.url.endswith("/v1/plan"):
            found.append(json.loads(request.post_data or "{}"))

    page.on("request", note)
    return found


async def test_what_a_grid_shows_is_in_the_edges_ram_before_it_is_tapped(shelved: Edge, page: Page) -> None:
    asked, viewer, media = plans(page), Viewer(page), shelved.delivery.media
    await viewer.open(f"{shelved.url}/#tag=loop")
    await page.locator("#page-tag .cell").first.wait_for()
    seen = await viewer.ask(VISIBLE)

    def is_warm(video: str) -> bool:
        card = shelved.cards.get(video)
        assert card is not None
        return any(media.is_in_memory(f"/v/{video}/{rung.path}/open.mp4") for rung in card.rungs)

    await eventually(lambda: any(body.get("next") == seen[:8] for body in asked))
    await eventually(lambda: all(is_warm(video) for video in seen[:8]))
    assert not all(is_warm(f"clip{number:03}") for number in range(N_VIDEOS))
    await page.locator(f"#page-tag .cell[data-video={seen[0]}]").click()
    await viewer.shows(f"headstart.swipes.at(-1).video === '{seen[0]}' && headstart.swipes.at(-1).rung")
    assert await viewer.ask("headstart.swipes.at(-1).tier") == "memory"


async def test_a_grid_that_is_left_is_planned_for_no_longer(shelved: Edge, page: Page) -> None:
    asked, viewer = plans(page), Viewer(page)
    await viewer.open(f"{shelved.url}/#tag=loop")
    await eventually(lambda: any("next" in body for body in asked))
    await page.keyboard.press("Escape")
    await viewer.shows("!document.documentElement.classList.contains('is-covered')")
    asked.clear()
    await eventually(lambda: any("next" not in body for body in asked))

"""The studio where something is wrong: what is said, kept, and goes on. Its happy way is in test_swipe.py."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import FilePayload, Page, Route, expect

from tests.browser.stand_in import StandIn

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LATER = {"id": "v1", "status": "transcoding"}


class Desk:
    """An origin of a few answers: an upload is refused or taken, subtitles are refused."""

    def __init__(self) -> None:
        self.refusals: list[dict[str, Any]] = []
        self.uploads: list[dict[str, str]] = []

    async def answer(self, route: Route) -> None:
        """As an origin would."""
        request = route.request
        path = request.url.split("/", 3)[3]
        if request.method == "POST" and path == "uploads":
            self.uploads.append(request.headers)
            if self.refusals:
                await self._tell(route, 422, self.refusals.pop())
            else:
                await route.fulfill(status=201, headers={"Location": "/uploads/u1"})
        elif request.method == "PATCH":
            headers = {"Upload-Offset": "0", "Headstart-Video": "v1"}
            await route.fulfill(status=204, headers=headers)
        elif request.method == "PUT":
            await self._tell(route, 400, {"title": "invalid request", "detail": "that is no WebVTT"})
        elif path == "v1/videos/v1":
            await self._tell(route, 200, LATER)
        else:
            await self._tell(route, 200, {"items": []})

    async def _tell(self, route: Route, status: int, body: object) -> None:
        await route.fulfill(status=status, content_type="application/json", body=json.dumps(body))


async def at_desk(page: Page, edge: StandIn, clip: Path) -> Desk:
    """The studio with a file chosen and a handle said."""
    desk = Desk()
    for path in ("uploads", "uploads/u1", "v1/videos*", "v1/videos/**", "v1/sounds*"):
        await page.route(f"{edge.url}/{path}", desk.answer)
    await page.goto(f"{edge.url}/studio/index.html")
    await page.set_input_files("#file", clip)
    await page.fill("#creator", "maker")
    return desk


async def test_a_refused_upload_keeps_its_file_and_is_tried_again(
    page: Page, edge: StandIn, clip: Path
) -> None:
    desk = await at_desk(page, edge, clip)
    desk.refusals = [{"title": "sound unavailable", "detail": "there is no such video", "field": "sound"}]
    await page.click("#publish")
    await expect(page.locator("#trouble p")).to_have_text("there is no such video")
    again = page.get_by_role("button", name="Try again")
    await expect(again).to_be_enabled()
    await again.click()
    await expect(page.locator("body")).to_have_attribute("data-state", "sent")
    await expect(page.locator("#trouble")).to_be_hidden()
    assert len(desk.uploads) == 2


async def test_subtitles_that_are_refused_are_told_and_the_video_goes_on(
    page: Page, edge: StandIn, clip: Path
) -> None:
    await at_desk(page, edge, clip)
    words = FilePayload(name="words.vtt", mimeType="text/vtt", buffer=b"no subtitles")
    await page.set_input_files("#captions", words)
    await page.click("#publish")
    await expect(page.locator("#trouble h2")).to_contain_text("The subtitles were not taken")
    await expect(page.locator("#trouble p")).to_have_text("that is no WebVTT")
    await expect(page.locator("body")).to_have_attribute("data-state", "sent")
    await expect(page.locator("#way [aria-current=step]")).to_contain_text("Playable")


async def test_a_handle_is_shown_as_it_will_be_and_refused_when_nothing_is_left_of_it(
    page: Page, edge: StandIn, clip: Path
) -> None:
    desk = await at_desk(page, edge, clip)
    await page.fill("#creator", "@neon waves!")
    await expect(page.locator("#as")).to_have_text("@neon_waves")
    await page.fill("#creator", "ми́ша")
    await page.click("#publish")
    assert not await page.evaluate("document.querySelector('#creator').validity.valid")
    assert desk.uploads == []
    await page.fill("#creator", "neon_waves")
    await expect(page.locator("#as")).to_be_empty()

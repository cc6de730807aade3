"""A viewer with a keyboard: opens the player, swipes, and reads what `window.headstart` tells."""

from dataclasses import dataclass
from typing import Any

from playwright.async_api import Page

DEADLINE_MS = 30_000


@dataclass(frozen=True)
class Viewer:
    """One tab with the player."""

    page: Page

    async def open(self, url: str) -> None:
        """Go there and wait until the first video plays and the next two are preloaded."""
        await self.page.goto(url)
        await self.shows("headstart.swipes[0]?.first_frame_ms !== null")

    async def shows(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        await self.page.wait_for_function(f"() => window.headstart?.current && ({condition})")

    async def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        return await self.page.evaluate(f"() => ({expression})")

    async def held(self, n_videos: int = 2) -> None:
        """Wait until the next videos have their opening chunk in an element."""
        await self.shows(
            f"headstart.queue.slice(0, {n_videos}).length === {n_videos} && [...document.querySelectorAll("
            f"'.slide.is-current ~ .slide')].slice(0, {n_videos}).filter((slide) =>"
            f" slide.querySelector('video')?.readyState >= 2).length === {n_videos}"
        )

    async def swipe(self, key: str = "ArrowDown") -> dict[str, Any]:
        """Swipe by the keyboard; the record of the swipe once its first frame is on screen."""
        n_swipes = await self.ask("headstart.swipes.length")
        await self.page.keyboard.press(key)
        await self.shows(f"headstart.swipes[{n_swipes}]?.first_frame_ms && headstart.swipes[{n_swipes}].rung")
        record: dict[str, Any] = await self.ask(f"headstart.swipes[{n_swipes}]")
        return record

    async def flick(self, from_y: int = 700, to_y: int = 200) -> None:
        """A finger pulls the feed up and lets go."""
        devtools = await self.page.context.new_cdp_session(self.page)
        for y in range(from_y, to_y, -40):
            kind = "touchStart" if y == from_y else "touchMove"
            await devtools.send(
                "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": 190, "y": y}]}
            )
        await devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    async def current(self) -> str:
        """The video on screen."""
        video: str = await self.ask("headstart.current.video")
        return video

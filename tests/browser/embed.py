"""A page of our own around the player and nothing else: `window.feed`, in which a test looks and swipes."""

from playwright.async_api import Page, Route

HTML = """<!doctype html>
<style>
  #feed { position: relative; height: 640px; width: 360px }
  #feed video { position: absolute; width: 100%; height: 100%; opacity: 0 }
  #feed video.is-current { opacity: 1 }
</style>
<div id="feed"></div>
<script type="module">
  import { Headstart } from "/player/headstart.js";
  window.feed = new Headstart({ root: document.querySelector("#feed"), ...window.options });
  window.prepare?.(window.feed);
  await window.feed.start();
</script>
"""
PLAYS = "feed.video?.currentTime > 0.1 && !feed.video.paused"


async def embed(page: Page, edge: str, prepare: str = "") -> None:
    """Open the page at an edge and wait until its first video plays; `prepare` is run before, with `feed`."""

    async def answer(route: Route) -> None:
        await route.fulfill(body=HTML, content_type="text/html")

    await page.route("**/embed.html", answer)
    if prepare:
        await page.add_init_script(f"window.prepare = (feed) => {{ {prepare} }};")
    await page.goto(f"{edge}/embed.html")
    await shows(page, PLAYS)


async def shows(page: Page, condition: str) -> None:
    """Wait until a JavaScript expression over `feed` is true."""
    await page.wait_for_function(f"() => window.feed && ({condition})")

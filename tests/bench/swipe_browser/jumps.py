"""`python -m tests.bench.swipe_browser.jumps LINK`: do preloads delay a first chunk that a player waits for?

Chromium on an emulated link plays a feed, and the viewer jumps to a video of which the player holds nothing,
as from a grid: in turns while other videos' chunks are under way, and with nothing under way nor let out.
From the jump to the last byte of the opening. The edge has it in RAM; each video is a copy of the same clip.
The ratio of the quantiles is to be at most 1.05.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from playwright.async_api import Page

from tests.bench import report
from tests.bench.swipe_browser.run import LINKS, chromium
from tests.bench.swipe_browser.schedule import quantile
from tests.bench.swipe_browser.shelf import N_REELS, ShelfOrigin, node, shelf
from tests.bench.swipe_browser.visit import ours
from tests.browser.conftest import PHONE

N_ROUNDS = 20
N_FEED = 300
N_WARM_UP = 2
"""Jumps before those that count: the player learns what the link carries."""
IDLE_MS, BUSY_MS = 300, 50
GATE = """
  const asked = fetch;
  window.gate = { isClosed: false, n: 0 };
  window.fetch = async (url, init) => {
    if (gate.isClosed && String(url).includes('/v/')) {
      gate.n += 1;
      const { signal } = init;
      const given = new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      await given.finally(() => (gate.n -= 1));
    }
    return asked(url, init);
  };"""
"""What of the media is asked for while it is closed never leaves."""
JUMP = """async ([item, isBusy, forMs]) => {
  const { player } = headstart;
  const wanted = () => player.state.in_flight.some(({ video }) => video !== player.current.item.video);
  const isSo = () => (isBusy ? wanted() : player.state.in_flight.length <= gate.n);
  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  gate.isClosed = !isBusy;
  for (let since = performance.now(), n = 1; !isSo() || performance.now() - since < forMs; n++) {
    if (!isSo()) since = performance.now();
    if (isBusy && n % 400 === 0) player.next();
    await pause(5);
  }
  const under = player.state.in_flight.length - gate.n;
  performance.clearResourceTimings();
  gate.isClosed = false;
  const path = `/v/${item.video}/`;
  const isIt = ({ name }) => name.includes(path) && name.endsWith('open.mp4');
  const beganMs = performance.now();
  player.leave([item], 0);
  for (;;) {
    const found = performance.getEntriesByType('resource').find(isIt);
    if (found) {
      player.home();
      player.next();
      const { responseEnd, requestStart, name: url } = found;
      return { ms: responseEnd - beganMs, sentMs: requestStart - beganMs, url, under };
    }
    await pause(5);
  }
}"""


async def measured(page: Page, targets: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Each jump, with nothing under way and with preloads, in turns."""
    found: dict[str, list[dict[str, Any]]] = {"nothing under way": [], "with preloads": []}
    for number in range(2 * (N_WARM_UP + N_ROUNDS)):
        is_busy = (number + number // 2) % 2 == 1  # A B B A
        jump = await page.evaluate(JUMP, [targets.pop(), is_busy, BUSY_MS if is_busy else IDLE_MS])
        if number >= 2 * N_WARM_UP:
            found["with preloads" if is_busy else "nothing under way"].append(jump)
    return found


async def visited(link: str) -> dict[str, list[dict[str, Any]]]:
    """The jumps of one page."""
    videos = shelf(N_FEED)
    names = [name for number, name in enumerate(videos) if number % N_REELS == 0]
    origin = ShelfOrigin(videos)
    with tempfile.TemporaryDirectory() as folder:
        async with node(videos, Path(folder), origin) as edge, aiohttp.ClientSession() as http:
            targets = names[-2 * (N_WARM_UP + N_ROUNDS) :]
            items = []
            for video in targets:
                home = f"/v/{video}/"
                card = origin.cards[video]
                for rung in card.rungs:
                    async with http.get(f"{edge.url}{home}{rung.path}/open.mp4") as answer:
                        await answer.read()
                told = msgspec.to_builtins(card)
                items.append({"video": video, "base": home, "master": f"{home}master.m3u8", "card": told})
            async with chromium() as browser:
                context = await browser.new_context(viewport=PHONE)
                await context.add_init_script(GATE)
                page = (await ours(context, edge.url, LINKS[link], len(videos))).page
                return await measured(page, items)


def row(jumps: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures of one kind of jump."""
    took_ms, sent_ms = ([one[name] for one in jumps] for name in ("ms", "sentMs"))
    rungs = sorted({one["url"].split("/")[-2].split("-")[0] for one in jumps})
    return {
        "jumps": len(jumps),
        "under way": round(sum(one["under"] for one in jumps) / len(jumps), 1),
        "rungs": " ".join(rungs),
        "p50 ms": round(quantile(took_ms, 0.5), 1),
        "p95 ms": round(quantile(took_ms, 0.95), 1),
        "request leaves after p50 ms": round(quantile(sent_ms, 0.5), 1),
    }


async def main() -> None:
    """Measure and print."""
    link = sys.argv[1] if len(sys.argv) > 1 else "lte"
    found = await visited(link)
    rows: dict[str, Any] = {name: row(jumps) for name, jumps in found.items()}
    alone, beside = rows.values()
    rows["ratio"] = {name: round(beside[name] / alone[name], 3) for name in ("p50 ms", "p95 ms")}
    report.write(f"swipe-jumps-{link}", rows)


if __name__ == "__main__":
    asyncio.run(main())

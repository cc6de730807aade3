"""`make bench-swipe`: real Chromium on emulated links swipes on a human-like schedule, ours beside hls.js.

It says first how long it will take. Each swipe is written to `bench-results/swipe-browser-LINK-raw.json`
as soon as it is made, each link's table to `swipe-browser-LINK.json` when its players are done, cut
short or not.
"""

import argparse
import asyncio
import contextlib
import shutil
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

from playwright.async_api import Browser, async_playwright
from playwright.async_api import Error as BrowserError
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tests.bench import report
from tests.bench.swipe_browser.schedule import dwells
from tests.bench.swipe_browser.shelf import edge, nginx, shelf
from tests.bench.swipe_browser.visit import Link, Opening, Visit, figures, hls_js, ours
from tests.browser.conftest import ARGUMENTS, PHONE, chromium_path
from tests.browser.node import MODULES

SEED = 2026
LINKS = {"lte": Link(10e6, 60), "3g": Link(1.5e6, 150), "fast": Link(50e6, 20)}
PLAYERS: dict[str, tuple[Opening, str]] = {
    "ours": (ours, "edge"),
    "hls.js": (hls_js, "edge"),
    "hls.js on nginx": (hls_js, "nginx"),
}
"""How its page is opened, and who serves it."""
SETUP_S = 30
START_S = 10
PATIENCE = 1.5
"""A run that takes so many times what its schedule says is cut short."""
MARGIN_S = 120
CLOSE_S = 20
SPOKEN = 10
"""Swipes after which the figures so far are printed."""


class Record:
    """What was measured on one link, kept on disk as it comes."""

    def __init__(self, link: str) -> None:
        self.name = f"swipe-browser-{link}"
        self.rows: dict[str, dict[str, Any]] = {}
        self._raw: dict[str, Any] = {}

    def take(self, player: str, visit: Visit, seconds: Sequence[float], cut_short: str = "") -> None:
        """The visit so far."""
        row = figures(visit, seconds) | ({"cut short": cut_short} if cut_short else {})
        self.rows[player] = row
        fetched = [asdict(one) for one in visit.fetched.values()]
        self._raw[player] = {"figures": row, "seconds": list(seconds), **visit.meter, "fetched": fetched}
        report.keep(f"{self.name}-raw", self._raw)


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The system's, headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(browser.close(), CLOSE_S)


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Bench:
    """One viewer's schedule, played on every link by every player, one after the other."""

    def __init__(self, seconds: list[float], progress: Progress) -> None:
        self._seconds = seconds
        """On each video; the first one is there before the first swipe."""
        self._progress = progress

    async def play(self, record: Record, link: str, player: str, servers: dict[str, str]) -> None:
        """One row; what goes wrong cuts it short and is told in it."""
        opening, server = PLAYERS[player]
        task = self._progress.add_task(f"{link}: {player}", total=sum(self._seconds))
        why, visit = "", None
        try:
            async with asyncio.timeout(PATIENCE * sum(self._seconds) + MARGIN_S), chromium() as browser:
                context = await browser.new_context(viewport=PHONE)
                visit = await opening(context, servers[server], LINKS[link], len(self._seconds))
                await self._swipe(visit, record, player, task)
        except (TimeoutError, BrowserError) as error:
            why = str(error).partition("\n")[0] or "it took too long"
        if visit is not None:
            record.take(player, visit, self._seconds[1:], why)
        self._progress.console.print(f"{link}: {player}", record.rows.get(player, why), highlight=False)

    async def _swipe(self, visit: Visit, record: Record, player: str, task: Any) -> None:
        await asyncio.sleep(self._seconds[0])
        for n, dwell in enumerate(self._seconds[1:], 1):
            self._progress.advance(task, self._seconds[n - 1])
            await visit.page.keyboard.press("ArrowDown")
            await asyncio.sleep(dwell / 2)
            await visit.look()
            record.take(player, visit, self._seconds[1:])
            if n % SPOKEN == 0:
                self._progress.console.print(n, "swipes:", record.rows[player], highlight=False)
            await asyncio.sleep(dwell / 2)
        await visit.page.evaluate("dispatchEvent(new KeyboardEvent('keydown'))")
        await visit.look()
        self._progress.advance(task, self._seconds[-1])


async def measure(bench: Bench, n_videos: int, links: list[str], players: list[str]) -> None:
    """Every player on every link, on the same videos and the same schedule."""
    videos = shelf(n_videos)
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        at = {"edge": await stack.enter_async_context(edge(videos, folder))}
        if any(PLAYERS[player][1] == "nginx" for player in players):
            at["nginx"] = await stack.enter_async_context(nginx(videos, folder / "nginx", free_port()))
        for link in links:
            record = Record(link)
            try:
                for player in players:
                    await bench.play(record, link, player, at)
            finally:
                if record.rows:
                    report.write(record.name, turned(record.rows))


def turned(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """A column for each player, a row for each figure."""
    names = dict.fromkeys(name for row in rows.values() for name in row)
    return {name: {player: row.get(name) for player, row in rows.items()} for name in names}


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="12 swipes on LTE, ours and hls.js on the edge")
    parser.add_argument("--swipes", type=int, default=50)
    parser.add_argument("--seed", type=int, default=SEED, help="of the viewer's schedule")
    parser.add_argument("--links", nargs="+", choices=list(LINKS), default=list(LINKS))
    parser.add_argument("--players", nargs="+", choices=list(PLAYERS), default=list(PLAYERS))
    asked = parser.parse_args()
    if asked.quick:
        asked.swipes, asked.links, asked.players = 12, ["lte"], ["ours", "hls.js"]
    if not (MODULES / "hls.js").exists():
        print("hls.js left out: run `make npm`")
        asked.players = ["ours"]
    if not shutil.which("nginx"):
        asked.players = [player for player in asked.players if PLAYERS[player][1] != "nginx"]
    seconds = dwells(asked.swipes + 1, Random(asked.seed))
    n_runs = len(asked.links) * len(asked.players)
    expected_s = SETUP_S + n_runs * (sum(seconds) + START_S)
    print(f"{n_runs} runs of {asked.swipes} swipes: about {expected_s / 60:.0f} minutes", flush=True)
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    with Progress(*columns) as progress:
        asyncio.run(measure(Bench(seconds, progress), asked.swipes + 10, asked.links, asked.players))


if __name__ == "__main__":
    main()

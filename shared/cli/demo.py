"""The demo of `headstart up --demo`, with its progress on the screen; and the first training."""

import asyncio
import os
import sys
import time
from collections.abc import Callable

import aiohttp
from rich.console import Console
from rich.progress import TaskID

from shared.cli.child import ROOT
from shared.cli.plan import Layout, trainer
from shared.cli.screen import progress
from shared.demo.api import Api
from shared.demo.clips import CLIPS
from shared.demo.fill import N_VIEWERS, Demo
from shared.demo.journal import Journal
from shared.errors import Unavailable
from shared.leash import leashed

TRAIN_LIMIT_S = 600.0
STAGES = {
    "drawn": ("clips generated", len(CLIPS)),
    "uploaded": ("uploaded", len(CLIPS)),
    "playable": ("playable (360p)", len(CLIPS)),
    "complete": ("complete (all rungs)", len(CLIPS)),
    "viewers": ("simulated viewers", N_VIEWERS),
}


async def fill(
    console: Console, http: aiohttp.ClientSession, layout: Layout, on_playable: Callable[[], None]
) -> None:
    """Fill an empty installation; `on_playable` is called when the first video can be swiped to."""
    journal = Journal.read(layout.data_dir / "demo.json")
    api = Api(http, layout.origin.url, layout.edge.url)
    began = time.monotonic()
    with progress(console) as shown:
        lines: dict[str, TaskID] = {}

        def tell(stage: str, count: int) -> None:
            shown.update(lines[stage], completed=count)

        demo = Demo(api, journal, tell)
        if not await demo.is_wanted():
            console.print("There are videos already, so no demo is added.")
            on_playable()
            return
        lines |= {stage: shown.add_task(text, total=total) for stage, (text, total) in STAGES.items()}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(demo.upload())
            tasks.create_task(demo.follow())
            await demo.first_playable.wait()
            console.print(
                f"[green]The first video is playable[/] after {time.monotonic() - began:.1f} s: "
                f"swipe at [bold]{layout.edge.url}/[/] while the rest is made."
            )
            on_playable()
            await demo.all_playable.wait()
            n_events = await demo.watch()
            took_s = await _train(layout)
            journal.close()
            console.print(
                f"{N_VIEWERS} [bold]simulated[/] viewers, nobody real, made {n_events} events; "
                f"LightFM learnt from them in {took_s:.1f} s."
            )
    console.print(f"The demo is complete after {time.monotonic() - began:.0f} s.")


async def _train(layout: Layout) -> float:
    """Run the trainer once; how long it took. Raises Unavailable with its last words."""
    service = trainer(layout)
    process = await asyncio.create_subprocess_exec(
        *leashed([sys.executable, *service.arguments]),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | service.environ,
        cwd=ROOT,
    )
    began = time.monotonic()
    try:
        async with asyncio.timeout(TRAIN_LIMIT_S):
            _, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        raise Unavailable(f"brain train: {errors.decode(errors='replace')[-600:]}")
    return time.monotonic() - began

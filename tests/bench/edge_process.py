"""An edge as a process of its own, as it is in life: what a bench does beside it does not stop its loop."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.waiting import eventually

START_S = 60


@asynccontextmanager
async def edge_process(folder: Path, settings: Mapping[str, str], n_cards: int) -> AsyncIterator[str]:
    """URL of an edge with these settings and its data in `folder`, as soon as it knows the cards."""
    folder.mkdir()
    own = {"listen": "127.0.0.1:0", "admin_listen": "127.0.0.1:0", "data_dir": str(folder)}
    file = folder / "edge.toml"
    lines = [f'{name} = "{value}"' for name, value in (own | dict(settings)).items()]
    file.write_text("\n".join([*lines, "reconcile_s = 1", ""]))
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "edge", "--config", str(file), stdout=quiet
    )
    try:
        place = folder / "edge.url"
        url = await eventually(lambda: place.exists() and place.read_text(), within_s=START_S)
        async with aiohttp.ClientSession() as http:

            async def knows_the_cards() -> bool:
                async with http.get(f"{url}/metrics") as answer:
                    return f"edge_cards {float(n_cards)}" in (await answer.text()).splitlines()

            await eventually(knows_the_cards, within_s=START_S)
        yield url
    finally:
        process.terminate()
        await process.wait()

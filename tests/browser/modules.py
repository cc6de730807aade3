"""The player's and the studio's modules, run where they run: in Chromium."""

from typing import Any

from playwright.async_api import Page


async def run(modules: Page, module: str, body: str, **facts: Any) -> Any:
    """What `body` returns, with the module as `m` and the facts as `f`."""
    script = f"async (f) => {{ const m = await import('/{module}'); {body} }}"
    return await modules.evaluate(script, facts)

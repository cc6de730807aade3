"""Waiting in tests: for a condition, up to a deadline; never for a time."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

POLL_S = 0.01


async def eventually(
    condition: Callable[[], Any] | Callable[[], Awaitable[Any]], within_s: float = 15
) -> Any:
    """The first true result of `condition` (a function or coroutine function); fails after within_s."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + within_s
    while True:
        result = condition()
        if inspect.isawaitable(result):
            result = await result
        if result:
            return result
        if clock() > deadline:
            what = inspect.getsource(condition).strip() if inspect.isfunction(condition) else repr(condition)
            raise AssertionError(f"not within {within_s} s: {what}")
        await asyncio.sleep(POLL_S)

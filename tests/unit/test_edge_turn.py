"""One turn of the loop: calls of a kind in a row, in the order of the kinds, none lost to another's error."""

import asyncio
from functools import partial
from typing import Any

from edge.fills.turn import ASK, END, PASS_ON, WRITE, Turn


async def test_calls_are_made_kind_by_kind_when_the_loop_comes_round() -> None:
    turn, made = Turn(), list[str]()
    for number in (1, 2):
        turn.add(END, partial(made.append, f"end {number}"))
        turn.add(ASK, partial(made.append, f"ask {number}"))

    assert made == []
    await asyncio.sleep(0)
    assert made == ["ask 1", "ask 2", "end 1", "end 2"]


async def test_what_a_call_adds_is_done_in_the_same_turn_or_the_next() -> None:
    turn, made = Turn(), list[str]()

    def write() -> None:
        made.append("write")
        turn.add(END, partial(made.append, "end"))
        turn.add(PASS_ON, partial(made.append, "pass on"))

    turn.add(WRITE, write)
    await asyncio.sleep(0)
    assert made == ["write", "end"]
    await asyncio.sleep(0)
    assert made == ["write", "end", "pass on"]


async def test_a_call_that_raises_takes_no_other_with_it() -> None:
    turn, made, raised = Turn(), list[str](), list[Any]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context["exception"]))

    def fail() -> None:
        raise ValueError("on purpose")

    turn.add(ASK, fail)
    turn.add(ASK, partial(made.append, "ask"))
    turn.add(END, partial(made.append, "end"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert made == ["ask", "end"]
    assert [type(one) for one in raised] == [ValueError]

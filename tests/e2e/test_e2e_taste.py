"""What a person notices: likes and skips change what comes, within two swipes."""

from typing import Any

import aiohttp
import pytest

from tests.stack import Stack
from tests.viewer import Viewer
from tests.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def share(items: list[dict[str, Any]], category: str) -> float:
    return [item["card"]["category"] for item in items].count(category) / len(items)


async def ranked_viewer(stack: Stack, http: aiohttp.ClientSession) -> Viewer:
    """A viewer with a queue of the brain's, whose vectors the edge has: a busy machine needs a moment."""

    async def by_the_brain() -> Viewer | None:
        someone = await Viewer(http, stack.edge).open(n=12)
        return someone if someone.feed["origin"] == "brain" else None

    someone: Viewer = await eventually(by_the_brain, within_s=20)
    shown = {item["video"] for item in someone.feed["items"]}

    async def has_vectors() -> bool:
        async with http.get(f"{stack.admin}/admin/sessions/{someone.id}") as answer:
            queue = (await answer.json())["queue"]
        return all(one["has_vector"] for one in queue if one["video"] in shown)

    await eventually(has_vectors, within_s=20)
    return someone


async def test_liking_one_category_and_skipping_another_changes_what_comes_within_two_swipes(
    stack: Stack, filled: list[str], http: aiohttp.ClientSession
) -> None:
    someone = await ranked_viewer(stack, http)
    items = list(someone.feed["items"])
    loved, hated = items[0], next(i for i in items if i["card"]["category"] != items[0]["card"]["category"])
    await someone.watch(loved, 1.0, "like")
    await someone.watch(hated, 0.05)
    coming = someone.feed["items"][:4]
    assert share(coming, loved["card"]["category"]) > share(coming, hated["card"]["category"])
    assert coming[0]["card"]["category"] != hated["card"]["category"]


async def test_opposite_tastes_get_opposite_feeds(
    stack: Stack, filled: list[str], http: aiohttp.ClientSession
) -> None:
    feeds = {}
    for name, loved, hated in (("a", "lava", "paper"), ("b", "paper", "lava")):
        someone = await Viewer(http, stack.edge).open(f"taste_{name}", n=16)
        for item in [i for i in someone.feed["items"] if i["card"]["category"] in (loved, hated)][:4]:
            await someone.watch(item, 1.0 if item["card"]["category"] == loved else 0.05)
        feeds[name] = [item["card"]["category"] for item in (await someone.look(n=12))]
    assert feeds["a"].index("lava") < feeds["a"].index("paper")
    assert feeds["b"].index("paper") < feeds["b"].index("lava")


async def test_a_video_that_is_not_wanted_does_not_come_again(
    stack: Stack, filled: list[str], http: aiohttp.ClientSession
) -> None:
    someone = await Viewer(http, stack.edge).open()
    unwanted = someone.feed["items"][1]["video"]
    await someone.post({"kind": "not_interested", "video": unwanted}, n=12)
    assert unwanted not in [item["video"] for item in someone.feed["items"]]
    assert unwanted not in [item["video"] for item in await someone.look(n=16)]


async def test_a_returning_user_keeps_the_taste_in_a_new_session(
    stack: Stack, filled: list[str], http: aiohttp.ClientSession
) -> None:
    someone = await Viewer(http, stack.edge).open("taste_returning", n=16)
    watched = [item for item in someone.feed["items"] if item["card"]["category"] == "skies"][:2]
    for item in watched:
        await someone.watch(item, 1.0, "like")
    seen = {item["video"] for item in watched}

    async def is_remembered() -> bool:
        again = await Viewer(http, stack.edge).open("taste_returning", n=8)
        assert again.id != someone.id
        return not seen & {item["video"] for item in again.feed["items"]}

    await eventually(is_remembered)

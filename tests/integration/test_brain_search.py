"""Search on a real bus: a brain that follows the catalogue, and an edge that shows what it finds."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge.app import Edge
from shared import subjects
from shared.bus import Bus
from shared.errors import Unavailable
from shared.messages.catalog import CatalogKind
from shared.messages.search import SearchAnswer, SearchRequest
from tests.brain_process import config_of, publish_catalogue, serving
from tests.builders import make_catalog_event
from tests.card_origin import CardOrigin
from tests.edge_builders import make_card
from tests.edge_nodes import Viewer, make_config, running_edge, videos, viewer
from tests.waiting import eventually

CARDS = [
    make_card("tower", caption="Tokyo Tower by night", hashtags=["tokyo", "neon"], creator_name="Mika"),
    make_card("cafe", caption="Café au lait, poured slowly", hashtags=["coffee"], creator_name="Jürgen"),
    make_card("cats", caption="Two cats and a tower of boxes", hashtags=["cats"], creator_name="Mika"),
    make_card("tram", caption="東京の路面電車", hashtags=["tokyo"], creator_name="Haru"),
]


@pytest.fixture
async def brain(bus: Bus, nats: str, valkey: str, data_dir: Path) -> AsyncIterator[None]:
    events = [make_catalog_event(card.id, seq=i + 1, card=card) for i, card in enumerate(CARDS)]
    await publish_catalogue(bus, events)
    async with serving(config_of(nats, valkey, data_dir / "brain")):
        await eventually(lambda: finds(bus, "tokyo", {"tower", "tram"}))
        yield


async def found(bus: Bus, query: str, n: int = 10) -> SearchAnswer:
    request = SearchRequest(query=query, region="local", n=n)
    return await bus.request(subjects.SEARCH_REQUEST, request, SearchAnswer, 5.0)


async def finds(bus: Bus, query: str, wanted: set[str]) -> bool:
    try:
        return set((await found(bus, query)).videos) == wanted
    except Unavailable:
        return False


async def test_words_hashtags_and_names_find_videos(bus: Bus, brain: None) -> None:
    wanted = {
        "tower": {"tower", "cats"},
        "TOWER night": {"tower"},
        "cafe": {"cafe"},
        "coff": {"cafe"},
        "slowli": {"cafe"},
        "mika": {"cats", "tower"},
        "jurgen": {"cafe"},
        "#tokyo": {"tower", "tram"},
        "#tok": set(),
        "東京": {"tram"},
        "tower zebra": set(),
        '") OR id:*': set(),
        "#": set(),
    }
    assert {query: set((await found(bus, query)).videos) for query in wanted} == wanted


async def test_how_a_word_begins_finds_hashtags_and_creators(bus: Bus, brain: None) -> None:
    answer = await found(bus, "#tok")
    assert [(tag.tag, tag.n_videos) for tag in answer.hashtags] == [("tokyo", 2)]
    [mika] = [creator for creator in (await found(bus, "mik")).creators if creator.id == "by-tower"]
    assert (mika.name, mika.n_videos) == ("Mika", 1)


async def test_a_changed_caption_and_a_withdrawn_video_are_seen(bus: Bus, brain: None) -> None:
    changed = make_card("cats", caption="Two dogs now", hashtags=["dogs"])
    await publish_catalogue(bus, [make_catalog_event("cats", seq=50, card=changed)])
    gone = make_catalog_event("tower", kind=CatalogKind.WITHDRAWN, seq=51, card=None)
    await publish_catalogue(bus, [gone])

    await eventually(lambda: finds(bus, "dogs", {"cats"}))
    await eventually(lambda: finds(bus, "tower", set()))
    assert (await found(bus, "#ca")).hashtags == []


@pytest.fixture
async def edge(bus: Bus, nats: str, data_dir: Path) -> AsyncIterator[Edge]:
    origin = CardOrigin()
    for card in CARDS:
        origin.publish(card)
    await origin.start()
    async with running_edge(make_config(data_dir / "edge", nats_url=nats, origin_url=origin.url)) as node:
        await eventually(lambda: node.health.readiness()[1]["nats"] == "ok" and len(node.cards) == len(CARDS))
        yield node
    await origin.stop()


@pytest.fixture
async def player(edge: Edge) -> AsyncIterator[Viewer]:
    async with viewer(edge.url) as one:
        yield one


async def asked(player: Viewer, query: str) -> dict[str, Any]:
    return dict(await player.call("GET", "/v1/search", params={"q": query}))


async def test_an_edge_shows_cards_of_what_the_brain_found(player: Viewer, brain: None) -> None:
    told = await eventually(lambda: by_brain(player, "tower"))

    assert told["origin"] == "brain"
    assert {item["video"] for item in told["videos"]} == {"tower", "cats"}
    first = told["videos"][0]
    assert first["master"] == f"/v/{first['video']}/master.m3u8" and first["card"]["rungs"]


async def by_brain(player: Viewer, query: str) -> dict[str, Any] | None:
    told = await asked(player, query)
    return told if told["origin"] == "brain" else None


async def test_without_a_brain_an_edge_looks_through_its_cards(player: Viewer) -> None:
    told = await asked(player, "tower")

    assert (told["origin"], {item["video"] for item in told["videos"]}) == ("local", {"tower", "cats"})
    trends = await player.call("GET", "/v1/trends")
    assert trends["origin"] == "local" and trends["hashtags"][0] == {
        "tag": "tokyo",
        "n_videos": 2,
        "score": 1.0,
    }


async def test_trends_are_the_regions_with_its_hashtags(player: Viewer, brain: None) -> None:
    trends = await eventually(lambda: trending(player))

    assert set(videos({"items": trends["videos"]})) == {card.id for card in CARDS}
    assert {tag["tag"] for tag in trends["hashtags"]} == {"tokyo", "neon", "coffee", "cats"}


async def trending(player: Viewer) -> dict[str, Any] | None:
    told = await player.call("GET", "/v1/trends?n=10")
    return dict(told) if told["origin"] == "brain" else None


@pytest.mark.parametrize(
    "path", ["/v1/search", "/v1/search?q=%20", f"/v1/search?q={'x' * 201}", "/v1/search?q=a&n=51"]
)
async def test_a_search_beyond_the_limits_is_refused(player: Viewer, path: str) -> None:
    status, problem = await player.refused("GET", path)
    assert (status, problem["type"]) == (400, "urn:headstart:problem:invalid_request")

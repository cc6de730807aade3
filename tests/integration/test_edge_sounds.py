"""Sounds at an edge: the origin's answers, stale ones while it is away, or what the cards at hand tell."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge.app import Edge
from edge.handlers.api import ApiLimits
from edge.handlers.signed import SignedLimits
from shared.messages.catalog import CatalogEvent, CatalogKind
from tests.card_origin import CardOrigin
from tests.edge_builders import make_card
from tests.edge_nodes import Viewer, make_config, running_edge, viewer
from tests.waiting import eventually

SIGNED = SignedLimits("required", ("k1:0123456789abcdef",))
VIDEOS = {"v1": "v1", "v2": "v1", "v3": "v3", "v4": "v1", "v5": ""}
"""Videos by rising age, and whose sound they play."""


@pytest.fixture
async def origin() -> AsyncIterator[CardOrigin]:
    server = CardOrigin()
    for created_ms, (video, sound) in enumerate(VIDEOS.items()):
        server.publish(make_card(video, created_ms=created_ms, sound_id=sound))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def edge(data_dir: Path, origin: CardOrigin) -> AsyncIterator[Edge]:
    limits = ApiLimits(fresh_s=0.0)
    config = make_config(data_dir, origin_url=origin.url, signed=SIGNED, api=limits)
    async with running_edge(config) as node:
        await eventually(lambda: len(node.cards) == len(VIDEOS))
        yield node


@pytest.fixture
async def player(edge: Edge) -> AsyncIterator[Viewer]:
    async with viewer(edge.url) as one:
        yield one


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["id"] for item in answer["items"]]


async def told_by(player: Viewer, path: str) -> str:
    """Where an answer came from."""
    async with player.http.get(player.url + path) as answer:
        assert answer.status == 200
        return answer.headers["Cache-Status"].partition("detail=")[2]


async def opens(player: Viewer, video: dict[str, Any]) -> bool:
    """Whether its media can be asked for where the answer says that it is."""
    async with player.http.get(f"{player.url}{video['base']}open.mp4") as answer:
        return answer.status == 200


async def test_a_sound_names_its_source_where_its_media_can_be_asked_for(player: Viewer) -> None:
    sound = await player.call("GET", "/v1/sounds/v1")

    assert (sound["id"], sound["n_videos"], sound["is_available"]) == ("v1", 3, True)
    assert await opens(player, sound["video"])


async def test_the_videos_of_a_sound_can_be_asked_for_each(player: Viewer) -> None:
    answer = await player.call("GET", "/v1/sounds/v1/videos?limit=48")

    assert ids(answer) == ["v1", "v4", "v2"]
    assert [await opens(player, video) for video in answer["items"]] == [True] * 3


async def test_the_sounds_used_most_name_where_their_sources_are(player: Viewer) -> None:
    answer = await player.call("GET", "/v1/sounds?n=2")

    assert ids(answer) == ["v1", "v3"]
    assert [await opens(player, sound["video"]) for sound in answer["items"]] == [True] * 2


@pytest.mark.parametrize("path", ["/v1/sounds/v1", "/v1/sounds/v1/videos"])
async def test_while_the_origin_is_away_its_last_answer_is_told(
    player: Viewer, origin: CardOrigin, path: str
) -> None:
    before = await player.call("GET", path)
    await origin.stop()

    assert await told_by(player, path) == "stale"
    assert await player.call("GET", path) == before


async def test_of_what_the_origin_never_answered_the_cards_at_hand_are_told(
    player: Viewer, origin: CardOrigin
) -> None:
    await origin.stop()

    sound = await player.call("GET", "/v1/sounds/v1")
    videos = await player.call("GET", "/v1/sounds/v1/videos")

    assert (sound["n_videos"], sound["creator_id"], sound["is_available"]) == (3, "by-v1", True)
    assert sound["video"]["base"].endswith("/v/v1/")
    assert ids(videos) == ["v1", "v4", "v2"]
    assert all(video["base"].startswith("/s/k1.") for video in videos["items"])
    assert await told_by(player, "/v1/sounds/v1/videos") == "local"
    assert ids(await player.call("GET", "/v1/sounds/v5/videos")) == ["v5"]


@pytest.mark.parametrize(
    "path", ["/v1/sounds", "/v1/sounds/nobody", "/v1/sounds/nobody/videos", "/v1/sounds/v1/videos?before=9"]
)
async def test_what_nobody_here_knows_is_not_available_without_the_origin(
    player: Viewer, origin: CardOrigin, path: str
) -> None:
    await origin.stop()

    assert (await player.refused("GET", path))[0] == 503


async def test_a_source_that_is_withdrawn_is_told_as_gone_even_from_a_stale_answer(
    player: Viewer, edge: Edge, origin: CardOrigin
) -> None:
    for path in ("/v1/sounds/v1", "/v1/sounds/v1/videos"):
        await player.call("GET", path)
    await origin.stop()

    gone = CatalogEvent(id="c9", kind=CatalogKind.WITHDRAWN, video_id="v1", seq=99, at_ms=1)
    await edge.catalogue.hear(gone)

    sound = await player.call("GET", "/v1/sounds/v1")
    assert (sound["is_available"], sound["video"], sound["n_videos"]) == (False, None, 3)
    assert ids(await player.call("GET", "/v1/sounds/v1/videos")) == ["v4", "v2"]


async def test_what_is_asked_wrongly_or_is_not_there_is_said(player: Viewer) -> None:
    async with player.http.get(f"{player.url}/v1/sounds/nobody") as answer:
        assert answer.status == 404
    assert (await player.refused("GET", "/v1/sounds/..%2fx"))[0] in (400, 404)

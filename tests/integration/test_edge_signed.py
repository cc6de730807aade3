"""Signed URLs over real HTTP: the feed gives them, media asks for them, the origin never sees them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDictProxy

from edge.app import Edge
from edge.config import EdgeConfig
from edge.handlers.signed import SignedLimits
from edge.peers.settings import PeerLimits
from shared import config
from tests.card_origin import CardOrigin, card_origin
from tests.edge_nodes import Viewer, make_config, names, running_edge, viewer
from tests.waiting import eventually

KEYS = ("k1:0123456789abcdef",)
REQUIRED = SignedLimits("required", KEYS)
CLIPS = names("clip", 6)


@pytest.fixture
async def origin() -> AsyncIterator[CardOrigin]:
    async with card_origin(CLIPS) as server:
        yield server


@pytest.fixture
async def edge(data_dir: Path, origin: CardOrigin) -> AsyncIterator[Edge]:
    async with running_edge(make_config(data_dir, origin_url=origin.url, signed=REQUIRED)) as node:
        await eventually(lambda: len(node.cards) == len(CLIPS))
        yield node


@pytest.fixture
async def player(edge: Edge) -> AsyncIterator[Viewer]:
    async with viewer(edge.url) as one:
        yield one


async def asked(player: Viewer, path: str, **headers: str) -> tuple[int, CIMultiDictProxy[str], bytes]:
    async with player.http.get(player.url + path, headers=headers) as answer:
        return answer.status, answer.headers, await answer.read()


def media(origin: CardOrigin) -> set[str]:
    return {path for path in origin.requests if path.startswith("/")}


async def test_what_the_feed_names_can_be_asked_for(player: Viewer, origin: CardOrigin) -> None:
    feed = await player.open(n=3)

    for item in feed["items"]:
        assert item["base"].startswith("/s/k1.") and item["base"].endswith(f"/v/{item['video']}/")
        for path in (item["master"], f"{item['base']}240/1.m4s"):
            assert (await asked(player, path))[0] == 200
    for step in feed["plan"]:
        assert (await asked(player, step["url"]))[0] == 200
    assert not [path for path in media(origin) if not path.startswith("/v/clip")]


async def test_the_signature_is_no_part_of_the_key(player: Viewer, edge: Edge, origin: CardOrigin) -> None:
    feed = await player.open(n=1)
    base = feed["items"][0]["base"]
    bare = f"/v/{feed['items'][0]['video']}/240/7.m4s"
    await asked(player, f"{base}240/7.m4s")
    other = edge._gate.for_peer(bare, edge._clock.wall_ms() / 1000)

    again = [await asked(player, path) for path in (f"{base}240/7.m4s?x=1", other)]

    assert ["hit" in headers["Cache-Status"] for _, headers, _ in again] == [True, True]
    assert origin.requests[bare] == 1


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/v/clip1/open.mp4", "missing"),
        ("/s/x/v/clip1/open.mp4", "invalid"),
        ("/s/k1.ffffffff.2." + "A" * 43 + "/v/clip1/open.mp4", "invalid"),
        ("/s/k9.ffffffff.2." + "A" * 43 + "/v/clip1/open.mp4", "invalid"),
    ],
)
@pytest.mark.parametrize("is_cached", [False, True])
async def test_a_wrong_url_is_refused_before_the_cache_is_looked_at(
    player: Viewer, edge: Edge, origin: CardOrigin, path: str, reason: str, is_cached: bool
) -> None:
    if is_cached:
        await edge.delivery.media.warm("/v/clip1/open.mp4")

    status, document = await player.refused("GET", path)

    assert (status, document["reason"], document["title"]) == (403, reason, "forbidden")
    assert "k1" not in str(document)
    assert is_cached or origin.requests["/v/clip1/open.mp4"] == 0


async def test_an_expired_url_is_told_so(player: Viewer, edge: Edge) -> None:
    base = edge._gate.media_base("clip1", 1_000_000_000)

    status, document = await player.refused("GET", f"{base}open.mp4")

    assert (status, document["reason"]) == (403, "expired")


async def test_one_videos_signature_opens_no_other(player: Viewer) -> None:
    feed = await player.open(n=2)
    one, two = (item["base"] for item in feed["items"])

    moved = one[: one.index("/v/")] + two[two.index("/v/") :]

    assert (await player.refused("GET", f"{moved}open.mp4"))[1]["reason"] == "invalid"
    video = feed["items"][1]["video"]
    status = (await asked(player, f"{one}%2e%2e/{video}/open.mp4"))[0]
    assert status in (400, 403)


async def test_a_linked_videos_answer_names_its_signed_folder(player: Viewer) -> None:
    answer = await player.call("GET", "/v1/videos/clip1")

    assert (await asked(player, f"{answer['base']}open.mp4"))[0] == 200


async def test_a_profiles_videos_name_their_signed_folders(player: Viewer) -> None:
    shown = (await player.open(n=1))["items"][0]

    items = (await player.call("GET", f"/v1/users/{shown['card']['creator_id']}/videos"))["items"]

    assert shown["video"] in [item["id"] for item in items]
    for item in items:
        assert (await asked(player, f"{item['base']}open.mp4"))[0] == 200


async def test_ranges_and_validators_work_below_a_signature(player: Viewer) -> None:
    base = (await player.open(n=1))["items"][0]["base"]
    _, headers, body = await asked(player, f"{base}open.mp4")

    part = await asked(player, f"{base}open.mp4", Range="bytes=2-5")
    same = await asked(player, f"{base}open.mp4", **{"If-None-Match": headers["ETag"]})

    assert (part[0], part[2], same[0]) == (206, body[2:6], 304)


async def test_an_edge_asks_its_shield_by_a_signed_url(
    data_dir: Path, tmp_path: Path, edge: Edge, origin: CardOrigin
) -> None:
    peers = PeerLimits(shield_url=edge.url)
    second = make_config(tmp_path, origin_url=origin.url, edge_id="edge-2", signed=REQUIRED, peers=peers)
    async with running_edge(second) as node, viewer(node.url) as one:
        base = node._gate.media_base("clip1", node._clock.wall_ms() / 1000)

        status, headers, _ = await asked(one, f"{base}240/9.m4s")

    assert status == 200 and headers["Cache-Status"].count("headstart-edge") == 2
    assert edge.delivery.media.is_in_memory("/v/clip1/240/9.m4s")


@pytest.mark.parametrize("allowed", [(), ("/s/nothing/v/clip1/open.mp4",)])
async def test_without_keys_no_signed_path_exists(
    data_dir: Path, origin: CardOrigin, allowed: tuple[str, ...]
) -> None:
    async with running_edge(make_config(data_dir, origin_url=origin.url)) as node, viewer(node.url) as one:
        assert (await asked(one, "/v/clip1/open.mp4"))[0] == 200
        for path in allowed:
            assert (await asked(one, path))[0] == 404


def test_keys_are_secret_settings() -> None:
    environ: dict[str, Any] = {"HEADSTART_EDGE_SIGNED_KEYS": "k1:0123456789abcdef,k2:fedcba9876543210"}

    loaded = config.load(EdgeConfig, prefix="edge", file=None, environ=environ)

    assert loaded.signed.keys == ("k1:0123456789abcdef", "k2:fedcba9876543210")
    assert "0123456789abcdef" not in config.render(loaded)

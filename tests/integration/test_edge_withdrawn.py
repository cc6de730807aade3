"""A withdrawn video: 410 on every edge, whatever is stored, on its way, or at the origin; and back again."""

import asyncio
from pathlib import Path

from edge.app import Edge
from shared.messages.catalog import CatalogKind
from tests.edge_builders import make_card
from tests.edge_nodes import DEAD_NATS, DEAD_ORIGIN
from tests.origins import FRESH, Reply, ScriptedOrigin
from tests.region import ONE, TEN, Region
from tests.waiting import eventually

WITHDRAWN, PUBLISHED = CatalogKind.WITHDRAWN, CatalogKind.PUBLISHED


async def gone(region: Region, edge: Edge, path: str = ONE) -> bool:
    return (await region.status(edge, path))[0] == 410


async def test_a_withdrawn_video_is_gone_from_every_edge_and_no_other_is(region: Region) -> None:
    async with region.edge("e1") as one, region.edge("e2") as two:
        await region.fill(one, two)

        await region.tell(WITHDRAWN, "1", 7)

        for edge in (one, two):
            await eventually(lambda edge=edge: gone(region, edge))
            for path in ("/v/1/master.m3u8", "/v/%31/open.mp4", "/v/1/never/asked", "/v1/videos/1"):
                assert await gone(region, edge, path), path
            assert await region.is_hit(edge, TEN)
            disk = edge.delivery.cache.disk
            assert disk is not None
            await eventually(lambda disk=disk: ONE not in disk)


async def test_a_withdrawn_video_is_told_as_a_problem_that_nobody_caches(region: Region) -> None:
    async with region.edge("e1") as one:
        await region.tell(WITHDRAWN, "1", 7)
        await eventually(lambda: gone(region, one))

        async with region.http.get(one.url + ONE, headers={"Range": "bytes=0-1"}) as answer:
            assert answer.headers["Cache-Control"] == "no-store"
            assert (await answer.json(content_type=None))["type"] == "urn:headstart:problem:withdrawn"
        async with region.http.head(one.url + ONE) as answer:
            assert answer.status == 410


async def test_a_withdrawn_video_stays_gone_after_a_restart_without_nats_and_origin(region: Region) -> None:
    async with region.edge("e1") as one:
        await region.fill(one)
        await region.tell(WITHDRAWN, "1", 7)
        await eventually(lambda: gone(region, one))

    region.nats_url, region.origin_url = DEAD_NATS, DEAD_ORIGIN
    async with region.edge("e1") as one:
        assert await gone(region, one)
        assert await region.is_hit(one, TEN)
        assert one.cards.is_withdrawn("1")


async def test_an_edge_that_was_down_hears_of_a_withdrawal_from_nats_before_it_is_ready(
    region: Region,
) -> None:
    async with region.edge("e1") as one:
        await region.fill(one)
    await region.tell(WITHDRAWN, "1", 7)

    async with region.edge("e1") as one:
        assert await region.is_ready(one)
        assert await gone(region, one)
        assert await region.is_hit(one, TEN)


async def test_a_video_that_is_published_again_is_served_again(region: Region) -> None:
    async with region.edge("e1") as one:
        await region.tell(WITHDRAWN, "1", 7)
        await eventually(lambda: gone(region, one))

        await region.tell(PUBLISHED, "1", 6, make_card("1"))
        await region.tell(WITHDRAWN, "10", 8)
        await eventually(lambda: gone(region, one, TEN))
        assert await gone(region, one)

        await region.tell(PUBLISHED, "1", 9, make_card("1"))
        await eventually(lambda: "1" not in one.delivery.cache.tombstones)
        assert (await region.status(one, ONE))[0] == 200
    async with region.edge("e1") as one:
        assert (await region.status(one, ONE))[0] == 200


async def test_an_object_without_tags_leaves_the_hot_path_with_its_video(data_dir: Path, nats: str) -> None:
    async with ScriptedOrigin() as origin:
        origin.replies["*"] = Reply(b"opening", headers=FRESH)
        region = Region(data_dir, origin.url, nats)
        async with region.edge("e1") as one:
            for path in (ONE, TEN) * 3:
                await region.status(one, path)
            await region.tell(WITHDRAWN, "1", 7)

            await eventually(lambda: gone(region, one))
            await eventually(lambda: not one.delivery.media.is_in_memory(ONE))
            assert await region.is_hit(one, TEN)
        await region.http.close()


async def test_a_video_that_is_withdrawn_while_it_is_being_fetched_is_gone(data_dir: Path, nats: str) -> None:
    async with ScriptedOrigin() as origin:
        gate = asyncio.Event()
        origin.replies[ONE] = Reply(b"opening", gate=gate, headers=FRESH | {"Surrogate-Key": "video:1"})
        region = Region(data_dir, origin.url, nats)
        async with region.edge("e1") as one:
            waiting = asyncio.create_task(region.status(one, ONE))
            await eventually(lambda: origin.n_seen(ONE) == 1)
            await region.tell(WITHDRAWN, "1", 7)
            await eventually(lambda: gone(region, one))

            gate.set()

            assert (await waiting)[0] == 410
            assert not one.delivery.media.is_in_memory(ONE)
        await region.http.close()


async def test_a_purge_on_one_edge_wins_over_a_fill_on_another(data_dir: Path, nats: str) -> None:
    async with ScriptedOrigin() as origin:
        gate = asyncio.Event()
        tagged = FRESH | {"Surrogate-Key": "video:1"}
        origin.replies[ONE] = [Reply(b"before", gate=gate, headers=tagged), Reply(b"after", headers=tagged)]
        region = Region(data_dir, origin.url, nats)
        async with region.edge("e1") as one, region.edge("e2") as two:
            early = asyncio.create_task(region.body(two, ONE))
            await eventually(lambda: origin.n_seen(ONE) == 1)
            revision = two.delivery.cache.revision
            await region.purge(one, tag="video:1", wait_s=5)
            await eventually(lambda: two.delivery.cache.revision > revision)

            late = await region.body(two, ONE)
            gate.set()

            assert (await early, late) == (b"before", b"after")
            assert await region.body(two, ONE) == b"after"
            assert await region.is_hit(two, ONE)
        await region.http.close()

"""A region of real edges on real sockets: who asks whom, and what happens when one of them is gone."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from edge.cache.settings import UpstreamLimits
from edge.delivery import Delivery, DeliveryListener, DeliverySettings
from edge.peers.ring import owner
from edge.peers.settings import PeerLimits
from edge.upstream.client import Upstream
from shared.resume import Place
from shared.subjects import PURGE
from tests.edge_nodes import make_config, running_edge
from tests.origins import PLAIN, Answer, Client, Reply, ScriptedOrigin
from tests.waiting import eventually

QUICK = PeerLimits(connect_s=0.3, first_byte_s=0.4, stall_s=0.5, eject_s=0.3, eject_max_s=0.3)
PATIENT = replace(QUICK, eject_s=60.0, eject_max_s=60.0)
PATHS = [f"/v/{n}/open.mp4" for n in range(30)]


class Node:
    """One edge that can be stopped and started again on its port."""

    def __init__(self, origin_url: str, port: int, peers: PeerLimits, *, is_worker: bool = False) -> None:
        self.url = f"http://127.0.0.1:{port}"
        own = replace(peers, own_url=self.url) if peers.siblings else peers
        upstream = UpstreamLimits(connect_s=1.0, first_byte_s=2.0, stall_s=1.0, n_retries=0)
        self._settings = DeliverySettings(
            origin_url, cache=PLAIN, upstream=upstream, peers=own, is_worker=is_worker
        )
        self._listener: DeliveryListener | None = None

    async def start(self) -> None:
        self.delivery = Delivery(self._settings)
        await self.delivery.open()
        self._listener = DeliveryListener(self.delivery)
        await self._listener.open(self.url.removeprefix("http://"))
        self.client = Client(self.url)

    async def stop(self) -> None:
        if self._listener is None:
            return
        listener, self._listener = self._listener, None
        await self.client.close()
        await self.delivery.fills.close()
        await listener.close()
        await self.delivery.close()

    async def ask(self, path: str, **headers: str) -> Answer:
        return await self.client.ask(path, "GET", None, **headers)


def ports(n: int) -> list[int]:
    """Different free ports: all are held before one is let go."""
    with ExitStack() as held:
        servers = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(n)]
        return [int(server.getsockname()[1]) for server in servers]


@asynccontextmanager
async def region(origin: ScriptedOrigin, n: int, limits: PeerLimits = QUICK) -> AsyncIterator[list[Node]]:
    chosen = ports(n)
    peers = replace(limits, siblings=tuple(f"http://127.0.0.1:{port}" for port in chosen))
    async with AsyncExitStack() as stack:
        nodes = [Node(origin.url, port, peers) for port in chosen]
        for node in nodes:
            await node.start()
            stack.push_async_callback(node.stop)
        yield nodes


def owner_of(path: str, nodes: list[Node]) -> Node:
    url = owner(path, dict.fromkeys((node.url for node in nodes), 0), 1.25, 8)
    return next(node for node in nodes if node.url == url)


def path_owned_by(node: Node, nodes: list[Node]) -> str:
    return next(path for path in PATHS if owner_of(path, nodes) is node)


@pytest.fixture
async def origin() -> AsyncIterator[ScriptedOrigin]:
    async with ScriptedOrigin() as started:
        started.replies["*"] = lambda request: Reply(body=request.path_qs.encode() * 1000)
        yield started


async def test_a_region_fetches_an_object_once(origin: ScriptedOrigin) -> None:
    async with region(origin, 3) as nodes:
        for path in PATHS:
            answers = [await node.ask(path) for node in nodes]
            assert {answer.body for answer in answers} == {path.encode() * 1000}

        assert len(origin.seen) == len(PATHS)


async def test_simultaneous_misses_on_every_edge_are_one_request_to_the_origin(
    origin: ScriptedOrigin,
) -> None:
    gate = asyncio.Event()
    origin.replies["/hot"] = Reply(body=b"hot" * 1000, gate=gate)
    async with region(origin, 3, replace(QUICK, first_byte_s=5.0)) as nodes:
        asking = [asyncio.create_task(node.ask("/hot")) for node in nodes for _ in range(20)]
        await eventually(lambda: sum(node.delivery.fills.n_readers for node in nodes) >= 60)
        gate.set()
        answers = await asyncio.gather(*asking)

        assert {answer.body for answer in answers} == {b"hot" * 1000}
        assert origin.n_seen("/hot") == 1


async def test_the_origin_never_sees_how_edges_talk_to_each_other(origin: ScriptedOrigin) -> None:
    async with region(origin, 2) as nodes:
        other, path = nodes[0], path_owned_by(nodes[1], nodes)

        answer = await other.ask(path, Headstart_Hop="", Headstart_Purge_Revision="7")

        assert not [name for name in origin.seen[0].headers if name.lower().startswith("headstart")]
        assert answer.headers["Cache-Status"].count("headstart-edge;") == 2
        assert answer.headers["Via"].count("headstart-edge") == 2


async def test_a_sibling_that_has_not_heard_of_a_purge_is_passed_over(origin: ScriptedOrigin) -> None:
    async with region(origin, 2) as nodes:
        other, asks = nodes[1], nodes[0]
        path = path_owned_by(other, nodes)
        await other.ask(path)
        origin.replies["*"] = Reply(body=b"new")
        asks.delivery.purges.places[PURGE.name] = Place("monday", 7)
        other.delivery.purges.places[PURGE.name] = Place("monday", 6)

        answer = await asks.ask(path)

        assert answer.body == b"new"
        assert asks.delivery.upstream.ejected() == []


async def test_a_dead_sibling_fails_no_request_and_is_left_out(origin: ScriptedOrigin) -> None:
    async with region(origin, 3, PATIENT) as nodes:
        await nodes[2].stop()

        answers = [await nodes[0].ask(path) for path in PATHS]

        assert [answer.status for answer in answers] == [200] * len(PATHS)
        assert nodes[0].delivery.upstream.ejected() == [nodes[2].url]


async def test_while_one_sibling_takes_anothers_place_misses_are_answered(
    origin: ScriptedOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, may_close = Upstream.close, asyncio.Event()

    async def close_when_told(self: Upstream) -> None:
        await may_close.wait()
        await close(self)

    monkeypatch.setattr(Upstream, "close", close_when_told)
    async with ScriptedOrigin() as former, ScriptedOrigin() as new, region(origin, 1) as nodes:
        former.replies["*"] = new.replies["*"] = Reply()
        await nodes[0].delivery.upstream.set_siblings([former.url])
        change = asyncio.create_task(nodes[0].delivery.upstream.set_siblings([new.url]))
        await asyncio.sleep(0)

        answers = [await nodes[0].ask(path) for path in PATHS]

        may_close.set()
        await change
        assert {answer.status for answer in answers} == {200}
        assert new.seen and not former.seen


@pytest.mark.parametrize("status", [400, 403, 414, 431, 500, 503])
async def test_what_a_sibling_refuses_for_itself_the_origin_is_asked(
    origin: ScriptedOrigin, status: int
) -> None:
    async with ScriptedOrigin() as sibling, region(origin, 1) as nodes:
        sibling.replies["*"] = Reply(status=status, headers={})
        await nodes[0].delivery.upstream.set_siblings([sibling.url])

        answers = [await nodes[0].ask(path) for path in PATHS]

        assert {answer.status for answer in answers} == {200}
        assert sibling.seen
        assert nodes[0].delivery.upstream.ejected() == []


async def test_what_the_origin_refuses_is_refused(origin: ScriptedOrigin) -> None:
    origin.replies["*"] = Reply(b"not yours", status=403, headers={})
    async with region(origin, 2) as nodes:
        assert {(await nodes[0].ask(path)).status for path in PATHS} == {403}


async def test_a_sibling_that_comes_back_is_asked_again(origin: ScriptedOrigin) -> None:
    async with region(origin, 2) as nodes:
        path = path_owned_by(nodes[1], nodes)
        await nodes[1].stop()
        await nodes[0].ask(path)
        await nodes[1].start()
        await eventually(lambda: not nodes[0].delivery.upstream.ejected())
        again = next(one for one in PATHS if one != path and owner_of(one, nodes) is nodes[1])

        await nodes[0].ask(again)

        assert nodes[1].delivery.media.is_in_memory(again)


async def test_a_sibling_that_hangs_delays_a_request_by_one_deadline(origin: ScriptedOrigin) -> None:
    async with region(origin, 1, PATIENT) as nodes:
        with socket.create_server(("127.0.0.1", 0)) as never_accepts:
            url = f"http://127.0.0.1:{never_accepts.getsockname()[1]}"
            await nodes[0].delivery.upstream.set_siblings([url])

            answers = [await nodes[0].ask(path) for path in PATHS]

            assert [answer.status for answer in answers] == [200] * len(PATHS)
            assert nodes[0].delivery.upstream.ejected() == [url]


async def test_a_siblings_broken_body_is_an_error_the_viewer_sees(origin: ScriptedOrigin) -> None:
    origin.replies["/cut"] = Reply(body=b"x" * 100_000, aborts_midway=True)
    async with region(origin, 2) as nodes:
        for node in nodes:
            with pytest.raises(Exception, match=r"payload|disconnect|closed"):
                await node.ask("/cut")


async def test_misses_go_through_the_shield(origin: ScriptedOrigin) -> None:
    shield_port, *edge_ports = ports(3)
    shield = Node(origin.url, shield_port, PeerLimits())
    edges = [Node(origin.url, port, replace(QUICK, shield_url=shield.url)) for port in edge_ports]
    async with AsyncExitStack() as stack:
        for node in (shield, *edges):
            await node.start()
            stack.push_async_callback(node.stop)

        for node in edges:
            assert (await node.ask("/v/1/open.mp4")).status == 200

        assert len(origin.seen) == 1
        assert shield.delivery.media.is_in_memory("/v/1/open.mp4")

        await shield.stop()
        assert (await edges[0].ask("/v/2/open.mp4")).status == 200


async def test_a_shield_that_points_at_itself_does_not_loop(origin: ScriptedOrigin) -> None:
    [port] = ports(1)
    node = Node(origin.url, port, replace(QUICK, shield_url=f"http://127.0.0.1:{port}/"))
    await node.start()

    answer = await node.ask("/v/1/open.mp4")

    assert (answer.status, len(origin.seen)) == (200, 1)
    await node.stop()


async def test_a_worker_leaves_to_its_main_process_what_another_edge_may_have(
    origin: ScriptedOrigin,
) -> None:
    main_port, worker_port = ports(2)
    async with ScriptedOrigin() as sibling, AsyncExitStack() as stack:
        peers = replace(QUICK, siblings=(sibling.url,), own_url=f"http://127.0.0.1:{main_port}")
        main = Node(origin.url, main_port, peers)
        worker = Node(main.url, worker_port, PeerLimits(), is_worker=True)
        for node in (main, worker):
            await node.start()
            stack.push_async_callback(node.stop)
        main.delivery.purges.places[PURGE.name] = Place("monday", 7)
        told = {"Headstart_Hop": "sibling"}

        known = [await worker.ask(path, **told, Headstart_Purge_Revision="monday/7") for path in PATHS]
        behind = await worker.ask(PATHS[0], **told, Headstart_Purge_Revision="monday/8")
        unlogged = [await worker.ask(f"{path}?", **told) for path in PATHS]

        assert {answer.status for answer in known + unlogged} == {200}
        assert behind.status == 503
        assert sibling.seen == []  # it sent the request: it is not asked


async def test_an_upload_goes_to_the_origin_itself(origin: ScriptedOrigin) -> None:
    async with region(origin, 2) as nodes:
        for node in nodes:
            await node.client.ask("/v/1", "POST", b"data")

        assert len(origin.seen) == 2
        assert all(request.headers["Via"] == "1.1 headstart-edge" for request in origin.seen)


async def test_edges_of_a_region_find_each_other_by_their_heartbeats(data_dir: Path, nats: str) -> None:
    chosen = ports(3)
    urls = [f"http://127.0.0.1:{port}" for port in chosen]
    async with AsyncExitStack() as stack:
        edges = [
            await stack.enter_async_context(
                running_edge(
                    make_config(
                        data_dir / f"e{number}",
                        edge_id=f"e{number}",
                        nats_url=nats,
                        region="far" if number == 2 else "near",
                        listen=url.removeprefix("http://"),
                        public_url=url,
                        peers=PeerLimits(discovers=True, own_url=url),
                    )
                )
            )
            for number, url in enumerate(urls)
        ]

        await eventually(lambda: edges[0].delivery.upstream.siblings == {urls[1]})
        await eventually(lambda: edges[1].delivery.upstream.siblings == {urls[0]})
        assert edges[2].delivery.upstream.siblings == frozenset()
        async with aiohttp.ClientSession() as http, http.post(f"{urls[0]}/v1/sessions") as answer:
            assert (await answer.json())["session"]["edges"] == [urls[1]]

"""Who owns an object, who is worth asking, and in which order: the pure part of siblings and shield."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.peers.discovery import Neighbours
from edge.peers.health import EjectionLimits, PeerHealth
from edge.peers.ring import capacity, owner, ranked
from edge.peers.route import Asked, Hop, Region, is_behind, route, told
from edge.peers.settings import PeerLimits, base_url
from shared.errors import ConfigError
from shared.messages.nodes import EdgeHeartbeat
from shared.resume import Place

NODES = [f"http://edge-{i}:8080" for i in range(5)]
KEYS = [f"/v/{i}/open.mp4" for i in range(2000)]
NAMES = st.lists(st.sampled_from(NODES), min_size=1, unique=True)


def idle(nodes: list[str]) -> dict[str, int]:
    return dict.fromkeys(nodes, 0)


def test_objects_are_spread_evenly_over_the_nodes() -> None:
    shares = Counter(owner(key, idle(NODES), 1.25, 8) for key in KEYS)

    assert set(shares) == set(NODES)
    assert max(shares.values()) < 1.25 * len(KEYS) / len(NODES)


def test_only_the_objects_of_a_node_that_leaves_move() -> None:
    gone, *left = NODES
    before = {key: owner(key, idle(NODES), 1.25, 8) for key in KEYS}

    moved = [key for key in KEYS if owner(key, idle(left), 1.25, 8) != before[key]]

    assert all(before[key] == gone for key in moved)


@given(st.text(max_size=40), NAMES)
def test_the_order_of_the_nodes_does_not_depend_on_how_they_are_listed(key: str, nodes: list[str]) -> None:
    assert ranked(key, nodes) == ranked(key, list(reversed(nodes)))
    assert sorted(ranked(key, nodes)) == sorted(nodes)


@given(st.text(max_size=20), st.dictionaries(st.sampled_from(NODES), st.integers(0, 200), min_size=1))
def test_a_node_above_its_share_is_passed_over_unless_all_are(key: str, loads: dict[str, int]) -> None:
    room = capacity(sum(loads.values()), len(loads), 1.25, 8)

    chosen = owner(key, loads, 1.25, 8)

    assert loads[chosen] < room or min(loads.values()) >= room


def test_a_hot_objects_owner_gets_no_more_than_its_share() -> None:
    loads = idle(NODES)
    for _ in range(1000):
        loads[owner("/v/hot/open.mp4", loads, 1.25, 8)] += 1

    assert max(loads.values()) <= capacity(1000, len(NODES), 1.25, 8)


LIMITS = EjectionLimits(n_failures=3, first_s=1.0, longest_s=4.0)


def test_a_timeout_ejects_at_once_and_for_twice_as_long_each_time() -> None:
    health, now, lengths = PeerHealth(LIMITS), 0.0, []
    for _ in range(4):
        health.asked("a", now)
        assert health.failed("a", now, is_costly=True)
        began = now
        while not health.is_usable("a", now):
            now += 0.25
        lengths.append(now - began)

    assert lengths == [1.0, 2.0, 4.0, 4.0]


def test_errors_eject_after_a_few_in_a_row() -> None:
    health = PeerHealth(LIMITS)

    assert [health.failed("a", 0.0, is_costly=False) for _ in range(3)] == [False, False, True]
    assert health.ejected(0.5) == ["a"]


def test_a_good_answer_between_errors_forgives_them() -> None:
    health = PeerHealth(LIMITS)
    for _ in range(10):
        assert not health.failed("a", 0.0, is_costly=False)
        health.answered("a")

    assert health.is_usable("a", 0.0)


def test_after_an_ejection_one_request_tries_the_peer() -> None:
    health = PeerHealth(LIMITS)
    health.failed("a", 0.0, is_costly=True)

    assert health.is_usable("a", 1.0)
    health.asked("a", 1.0)
    assert not health.is_usable("a", 1.0)
    health.answered("a")
    assert health.is_usable("a", 1.0)


def test_a_trial_that_its_asker_gives_up_is_free_for_another() -> None:
    health = PeerHealth(LIMITS)
    health.failed("a", 0.0, is_costly=True)
    health.asked("a", 1.0)

    health.let_go("a")

    assert health.is_usable("a", 1.0)


def test_peers_that_are_no_more_are_forgotten() -> None:
    health = PeerHealth(LIMITS)
    health.failed("a", 0.0, is_costly=True)

    health.keep_only(frozenset({"b"}))

    assert health.is_usable("a", 0.1)


def asked(key: str = "/v/1/1.m4s", method: str = "GET", came_over: str = "", **changes: bool) -> Asked:
    facts = {"has_body": False, "is_personal": False} | changes
    return Asked(key, method, facts["has_body"], facts["is_personal"], came_over)


def region(own: str = NODES[0], shield: str = "http://shield", nodes: list[str] = NODES) -> Region:
    return Region(own, idle(nodes), shield, 1.25, 8)


def key_of(node: str) -> str:
    return next(key for key in KEYS if owner(key, idle(NODES), 1.25, 8) == node)


def test_a_miss_asks_the_owner_then_the_shield_then_the_origin() -> None:
    hops = route(asked(key_of(NODES[3])), region())

    assert hops == [(Hop.SIBLING, NODES[3]), (Hop.SHIELD, "http://shield"), (Hop.ORIGIN, "")]


def test_the_owner_itself_asks_no_sibling() -> None:
    hops = route(asked(key_of(NODES[0])), region())

    assert hops == [(Hop.SHIELD, "http://shield"), (Hop.ORIGIN, "")]


def test_a_siblings_request_goes_to_no_other_sibling() -> None:
    hops = route(asked(key_of(NODES[3]), came_over="sibling"), region())

    assert hops == [(Hop.SHIELD, "http://shield"), (Hop.ORIGIN, "")]


def test_at_the_shield_a_request_goes_to_the_origin_only() -> None:
    assert route(asked(came_over="shield"), region()) == [(Hop.ORIGIN, "")]
    assert route(asked(), region("http://shield", nodes=[])) == [(Hop.ORIGIN, "")]


@pytest.mark.parametrize("change", [{"has_body": True}, {"method": "POST"}, {"method": "DELETE"}])
def test_what_changes_something_goes_to_the_origin_only(change: dict[str, object]) -> None:
    assert route(asked(**change), region()) == [(Hop.ORIGIN, "")]  # type: ignore[arg-type]


def test_a_request_with_credentials_asks_no_sibling() -> None:
    hops = route(asked(key_of(NODES[3]), is_personal=True), region())

    assert hops == [(Hop.SHIELD, "http://shield"), (Hop.ORIGIN, "")]


@given(st.sampled_from(KEYS), st.sampled_from(NODES), st.sampled_from(["", "sibling", "shield"]))
def test_no_route_leads_back_and_every_route_ends_at_the_origin(key: str, own: str, over: str) -> None:
    hops = route(asked(key, came_over=over), region(own))

    assert hops[-1] == (Hop.ORIGIN, "")
    assert own not in [url for _, url in hops]
    assert len(set(hops)) == len(hops) <= 3


def beat(url: str, region: str = "eu", *, is_draining: bool = False) -> EdgeHeartbeat:
    return EdgeHeartbeat(edge_id="e", region=region, url=url, at_ms=0, n_sessions=0, is_draining=is_draining)


def test_the_neighbours_are_the_edges_of_the_region_that_were_heard_lately() -> None:
    neighbours = Neighbours("eu", beat_s=5.0)
    neighbours.hear(beat("http://a"), 0.0)
    neighbours.hear(beat("http://far", region="us"), 0.0)
    for now in (5.0, 10.0, 16.0):
        neighbours.hear(beat("http://b"), now)

    assert neighbours.urls() == {"http://b"}


def test_an_edge_that_drains_is_no_neighbour() -> None:
    neighbours = Neighbours("eu", beat_s=5.0)
    neighbours.hear(beat("http://a"), 0.0)

    neighbours.hear(beat("http://a", is_draining=True), 5.0)

    assert neighbours.urls() == frozenset()


def test_while_nobody_is_heard_the_neighbours_stay() -> None:
    neighbours = Neighbours("eu", beat_s=5.0)
    neighbours.hear(beat("http://a"), 0.0)
    neighbours.hear(beat("http://b"), 1.0)

    assert neighbours.urls() == {"http://a", "http://b"}


@pytest.mark.parametrize("url", ["", "edge-1", "http://10.0.0.1:999999", "http://"])
def test_an_edge_whose_url_nothing_can_be_sent_to_is_no_neighbour(url: str) -> None:
    neighbours = Neighbours("eu", beat_s=5.0)

    neighbours.hear(beat(url), 0.0)

    assert neighbours.urls() == frozenset()


def test_a_peer_is_behind_when_it_has_not_applied_what_the_asking_edge_has() -> None:
    asked = told(Place("monday", 7), has_unsent=False)

    assert [is_behind(asked, Place("monday", seq)) for seq in (6, 7, 8)] == [True, False, False]
    assert is_behind(asked, Place("tuesday", 9))
    assert is_behind(asked, None)


def test_no_peer_may_answer_while_purges_are_on_their_way() -> None:
    assert is_behind(told(Place("monday", 7), has_unsent=True), Place("monday", 99))


def test_edges_that_follow_no_log_are_never_behind() -> None:
    assert not is_behind(told(None, has_unsent=False), None)


@given(st.text(max_size=30))
def test_whatever_a_client_writes_there_is_judged(asked: str) -> None:
    assert is_behind(asked, Place("monday", 7)) in (True, False)


def test_siblings_without_an_own_url_are_refused() -> None:
    with pytest.raises(ConfigError, match="own_url"):
        PeerLimits(siblings=("http://a",)).checked()


@pytest.mark.parametrize(
    "url", ["http://origin", "https://origin:8443/base/", "HTTP://[::1]:8081", "unix:/run/origin.sock"]
)
def test_a_url_that_requests_can_be_sent_to_is_taken_as_it_is(url: str) -> None:
    assert base_url("origin_url", url) == url


@pytest.mark.parametrize(
    "url",
    [
        *("", "origin", "localhost:8081", "10.0.0.1:80", "//origin", "ftp://origin", "http://", "http:///v"),
        *("http://origin:port", "http://origin:99999", "http://origin:0", "http://ann:secret@origin"),
        *("http://origin?a=b", "http://origin#a", "unix:", "http://[::1"),
    ],
)
def test_any_other_url_is_refused_by_the_name_of_its_key(url: str) -> None:
    with pytest.raises(ConfigError, match=r"origin_url is .*must be http://HOST") as refused:
        base_url("origin_url", url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("limits", "key"),
    [
        (PeerLimits(siblings=("10.0.0.2:8080",), own_url="http://10.0.0.1:8080"), "siblings"),
        (PeerLimits(siblings=("http://10.0.0.2:8080",), own_url="10.0.0.1:8080"), "own_url"),
        (PeerLimits(shield_url="shield:8080"), "shield_url"),
    ],
)
def test_peers_that_cannot_be_asked_are_refused(limits: PeerLimits, key: str) -> None:
    with pytest.raises(ConfigError, match=f"peers.{key}"):
        limits.checked()

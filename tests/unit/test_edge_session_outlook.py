"""A player's report: what of it is refused, and the plan that answers it."""

from typing import Any

import msgspec
import pytest

from edge.prefetch.hazard import Pace
from edge.prefetch.planner import PlanRules
from edge.prefetch.situation import Link
from edge.session.outlook import Outlook, Sources, link_of, outlook, prior_curve
from edge.session.player import HeldIn, InFlightIn, PlayerIn, check_player
from shared.errors import InvalidId, InvalidRequest
from tests.edge_builders import make_card, make_rung

LADDER = [
    make_rung(
        name, open_bytes=size + 1_000, chunk_bytes=[size] * 9, chunk_ms=[1_000] * 9, bandwidth_bps=size * 8
    )
    for name, size in (("360p", 90_000), ("540p", 150_000))
]
CARDS = {video: make_card(video, rungs=LADDER, duration_ms=9_000) for video in "abcdef"}
FAST = Link(8e6, 0.3, 0.05)


def planned(player: PlayerIn, window: str = "abcd", link: Link = FAST) -> Outlook:
    sources = Sources(CARDS.get, prior_curve, lambda video: f"/s/sig/v/{video}/", PlanRules())
    return outlook(player, [CARDS[video] for video in window], link, Pace(), sources)


def test_the_screen_comes_first_and_every_step_names_its_object() -> None:
    told = planned(PlayerIn(video="a"))

    first = told.plan[0]
    assert (first.video, first.chunk, first.at_s) == ("a", 0, 0.0)
    rung = next(rung for rung in LADDER if rung.name == first.rung)
    assert (first.url, first.bytes) == (f"/s/sig/v/a/{rung.path}/open.mp4", rung.open_bytes)
    later = next(step for step in told.plan if step.chunk == 1)
    assert later.url.endswith("/1.m4s")
    assert later.bytes in (90_000, 150_000)


def test_the_edge_is_told_the_same_objects_without_their_signature() -> None:
    told = planned(PlayerIn(video="a"))

    assert [path for path, *_ in told.told.warm] == [step.url.removeprefix("/s/sig") for step in told.plan]


def test_what_is_held_or_under_way_is_not_planned() -> None:
    held = [HeldIn(video="a", rung="360p", chunks=[(0, 1)]), HeldIn(video="b", rung="540p", chunks=[(0, 0)])]
    flying = [InFlightIn(video="a", rung="360p", chunk=2, got_bytes=10)]

    told = planned(PlayerIn(video="a", held=held, in_flight=flying))

    chunks = {(step.video, step.chunk) for step in told.plan}
    assert chunks.isdisjoint({("a", 0), ("a", 1), ("a", 2), ("b", 0)})
    assert ("c", 0) in chunks


def test_openings_that_the_player_holds_or_fetches_are_told_with_their_rungs() -> None:
    held = [HeldIn(video="b", rung=rung, chunks=[(0, 0)]) for rung in ("360p", "540p")]
    held.append(HeldIn(video="d", rung="360p", chunks=[(1, 4)]))
    flying = [InFlightIn(video="c", rung="540p", chunk=0), InFlightIn(video="d", rung="360p", chunk=5)]

    told = planned(PlayerIn(video="a", held=held, in_flight=flying)).told

    assert told.kept == {"b": ["360p", "540p"], "c": ["540p"]}
    assert told.held == {"b"}


def test_a_fetch_of_a_video_that_left_the_window_is_cancelled_by_its_url() -> None:
    flying = [InFlightIn(video="f", rung="540p", chunk=3), InFlightIn(video="f", rung="9p", chunk=3)]

    told = planned(PlayerIn(video="a", in_flight=flying))

    assert told.cancel == ["/s/sig/v/f/540p-0123456789abcdef/3.m4s"]


def test_an_unknown_video_on_screen_leaves_the_next_ones_to_plan() -> None:
    told = planned(PlayerIn(video="zzz", at_s=7.0), window="bcd")

    assert told.plan[0].video == "b"
    assert told.plan[0].chunk == 0


def test_a_held_rung_that_the_card_does_not_have_counts_as_missing() -> None:
    told = planned(PlayerIn(video="a", held=[HeldIn(video="a", rung="999p", chunks=[(0, 8)])]))

    assert told.plan[0].chunk == 0


def test_a_link_that_is_not_told_stays_as_it_was_known() -> None:
    known = Link(2e6, 0.4, 0.07)

    assert link_of(PlayerIn(video="a"), known) == known
    assert link_of(PlayerIn(video="a", rtt_ms=20), known) == Link(2e6, 0.4, 0.02)
    assert link_of(PlayerIn(video="a", bandwidth_bps=5e6, bandwidth_spread=0.1), known) == Link(
        5e6, 0.1, 0.07
    )


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"at_s": -1.0}, "player.at_s must be 0 to 3600, got -1"),
        ({"at_s": float("inf")}, "player.at_s"),
        ({"bandwidth_bps": 1e12}, "player.bandwidth_bps"),
        ({"bandwidth_spread": 11.0}, "player.bandwidth_spread"),
        ({"rtt_ms": 60_001.0}, "player.rtt_ms"),
        ({"in_flight": [InFlightIn(video="a", rung="r", chunk=0)] * 9}, "at most 8 player.in_flight"),
        ({"next": [f"v{n}" for n in range(9)]}, "at most 8 videos in player.next, got 9"),
        ({"in_flight": [InFlightIn(video="a", rung="r", chunk=-1)]}, "player.in_flight.chunk"),
        ({"held": [HeldIn(video="a", rung="r", chunks=[])] * 65}, "at most 64 player.held"),
        ({"held": [HeldIn(video=f"v{n}", rung="r", chunks=[]) for n in range(17)]}, "at most 16 videos"),
        ({"held": [HeldIn(video="a", rung="r", chunks=[(0, 0)] * 33)]}, "at most 32 ranges"),
        ({"held": [HeldIn(video="a", rung="r", chunks=[(2, 1)])]}, "got [2, 1]"),
        ({"held": [HeldIn(video="a", rung="r" * 33, chunks=[])]}, "a rung's name has 1 to 32"),
    ],
)
def test_a_report_that_breaks_a_limit_is_refused_by_its_name(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_player(msgspec.structs.replace(PlayerIn(video="a"), **changes))

    assert named in caught.value.detail


def test_a_report_with_a_strange_id_is_refused() -> None:
    with pytest.raises(InvalidId):
        check_player(PlayerIn(video="../a"))
    with pytest.raises(InvalidId):
        check_player(PlayerIn(video="a", next=["b", "../c"]))


def test_a_list_of_as_many_videos_as_the_limit_is_taken() -> None:
    check_player(PlayerIn(video="a", next=list("bcdefghi")))

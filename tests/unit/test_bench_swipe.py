"""The simulator of sessions, on cases that are reckoned by hand."""

import random
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from edge.prefetch.planner import PlanRules
from tests.bench.swipe import kinds
from tests.bench.swipe.links import GENERATED, Trace, generated, laid, read
from tests.bench.swipe.pdas import Pdas
from tests.bench.swipe.planned import Planned
from tests.bench.swipe.plot import draw
from tests.bench.swipe.policies import FirstSecond, Floor, NoPrefetch, Undisturbed, Vendor
from tests.bench.swipe.run import POLICIES, measure, table, together
from tests.bench.swipe.session import MAX_SESSION_S, Get, Outcome, Player, Policy, Setup, Wait, run
from tests.bench.swipe.told import Told
from tests.bench.swipe.videos import Video, viewers, watch_s
from tests.bench.swipe.videos import generated as generated_videos
from tests.bench.swipe.worlds import picked, read_watch, worlds

SECOND = 125_000
"""Bytes that 1 Mbit/s brings in a second."""
STEADY = Trace([(0.0, 1.0), (1.0, 1.0)])


def video(n: int = 4, survival: Sequence[float] = ()) -> Video:
    return Video([[SECOND // 2] * n, [SECOND] * n, [2 * SECOND] * n], list(survival) or [1.0] * n + [0.0])


class Script(Undisturbed):
    """Fetches what is written down, then waits."""

    def __init__(self, *gets: Get | Wait, keep: bool = True) -> None:
        self._left = list(gets)
        self._keep = keep

    def next(self, player: Player) -> Get | Wait:
        return self._left.pop(0) if self._left else Wait()

    def keeps(self, player: Player) -> bool:
        return self._keep


def played(gets: Sequence[Get | Wait], watch: Sequence[float], *, keep: bool = True) -> Outcome:
    setup = Setup([video() for _ in watch], watch, STEADY, rtt_s=0.1)
    return run(setup, Script(*gets, keep=keep))


def test_a_trace_brings_its_bits_and_repeats() -> None:
    trace = Trace([(0.0, 1.0), (2.0, 3.0), (4.0, 2.0)])

    assert trace.length_s == 6.0
    assert trace.bits_by(3.0) == pytest.approx(5e6)
    assert trace.bits_by(7.0) == pytest.approx(12e6 + 1e6)
    assert trace.arrival(1.0, 4 * SECOND) == pytest.approx(3.0)
    assert trace.when(trace.bits_by(17.3)) == pytest.approx(17.3)


def test_a_cold_start_waits_for_its_round_trip_and_its_bytes() -> None:
    outcome = played([Get(0, 0, 1)], [0.5])

    assert outcome.startups_s == [pytest.approx(1.1)]
    assert outcome.stall_s == 0.0
    assert outcome.play_s == pytest.approx(0.5)
    assert outcome.score == pytest.approx(1.2 - 1.85 * 1.1 - 0.5)


def test_a_swipe_to_what_is_there_does_not_wait() -> None:
    outcome = played([Get(0, 0, 0), Get(1, 0, 0)], [0.9, 0.5])

    assert outcome.startups_s == [pytest.approx(0.6), 0.0]
    assert outcome.waste == 0.0


def test_a_chunk_that_comes_late_is_a_stall_and_a_new_rung_a_change() -> None:
    outcome = played([Get(0, 0, 0), Get(0, 1, 2)], [1.5])

    assert outcome.stall_s == pytest.approx(1.1)
    assert outcome.changes == pytest.approx(1.85 - 0.75)
    assert outcome.quality == pytest.approx(0.75 + 1.85)


def test_a_session_that_gets_nowhere_ends() -> None:
    outcome = played([Get(0, 0, 0)], [1.5])

    assert outcome.play_s == pytest.approx(1.0)
    assert outcome.stall_s > MAX_SESSION_S - 2


def test_what_is_never_played_is_waste() -> None:
    outcome = played([Get(0, 0, 0), Get(0, 1, 0), Get(1, 0, 0)], [0.2, 0.5], keep=True)

    assert outcome.got_bytes == 3 * SECOND / 2
    assert outcome.waste == pytest.approx(1 / 3)


def test_a_dropped_download_costs_the_bytes_that_came() -> None:
    outcome = played([Get(0, 0, 0), Get(0, 1, 2), Get(1, 0, 0)], [0.6, 0.5], keep=False)

    assert outcome.got_bytes == pytest.approx(2 * SECOND / 2 + 0.5 * SECOND)
    assert outcome.startups_s[1] == pytest.approx(0.6)


def test_a_download_under_way_can_be_kept_over_a_swipe() -> None:
    outcome = played([Get(0, 0, 0), Get(1, 0, 0)], [0.3, 0.5], keep=True)

    assert outcome.startups_s[1] == pytest.approx(0.3)


def test_a_policy_that_is_woken_may_drop_what_is_under_way() -> None:
    class Impatient(Script):
        def wakes_s(self, player: Player) -> float:
            return 0.5 if player.now_s < 0.5 else float("inf")

        def keeps(self, player: Player) -> bool:
            return player.flight is not None and player.flight.what.rung == 0

    setup = Setup([video()], [0.5], STEADY, rtt_s=0.1)

    outcome = run(setup, Impatient(Get(0, 0, 2), Get(0, 0, 0)))

    assert outcome.startups_s == [pytest.approx(0.5 + 0.6)]
    assert outcome.got_bytes == pytest.approx(0.4 * SECOND + SECOND / 2)


def test_waiting_ends_at_the_playhead_that_was_named() -> None:
    outcome = played([Get(0, 0, 0), Wait(0.5, 9.0), Get(1, 0, 0)], [0.9, 0.2])

    assert outcome.startups_s[1] == pytest.approx(0.2)


@pytest.mark.parametrize("policy", [NoPrefetch, FirstSecond, Vendor, Pdas, Floor])
def test_every_policy_ends_on_every_kind_of_link(policy: Callable[[], Policy]) -> None:
    rng = random.Random(5)
    videos = generated_videos(rng, 4)
    for mbps, spread, fades in GENERATED.values():
        trace = generated(rng, mbps, spread, fades)
        for watch in viewers(rng, videos, 2, restless=0.5):
            outcome = run(Setup(videos, watch, trace), policy())
            assert outcome.play_s == pytest.approx(sum(watch), abs=1e-3)
            assert 0 <= outcome.waste < 1
            assert len(outcome.startups_s) == 4


def test_no_prefetch_waits_at_a_swipe_and_the_first_second_does_not() -> None:
    trace = Trace([(0.0, 4.0), (1.0, 4.0)])
    setup = Setup([video(10) for _ in range(3)], [4.0, 4.0, 4.0], trace, rtt_s=0.05)

    assert max(run(setup, FirstSecond()).startups_s[1:]) == 0.0
    assert min(run(setup, NoPrefetch()).startups_s[1:]) > 0.0


def test_pdas_holds_more_of_the_video_on_screen_than_of_a_later_one() -> None:
    trace = Trace([(0.0, 8.0), (1.0, 8.0)])
    asked: list[Get] = []

    class Watched(Pdas):
        def next(self, player: Player) -> Get | Wait:
            action = super().next(player)
            if isinstance(action, Get) and player.playhead_s < 0.5:
                asked.append(action)
            return action

    run(Setup([video(10, [1.0] * 11) for _ in range(5)], [1.0] * 5, trace, rtt_s=0.0), Watched())

    first = [one for one in asked if one.video == 0]
    assert len(first) > sum(one.video == 4 for one in asked) > 0
    assert asked[: len(first)] == first


def test_the_floor_fetches_nothing_that_is_not_watched() -> None:
    outcome = run(Setup([video() for _ in range(3)], [1.5, 0.5, 2.0], STEADY, rtt_s=0.1), Floor())

    assert outcome.waste == 0.0
    assert max(outcome.startups_s[1:]) == 0.0


def test_a_viewer_who_goes_back_plays_what_is_held() -> None:
    setup = Setup(
        [video(), video()], [0.9, 0.5, 0.4, 0.5], Trace([(0.0, 8.0), (1.0, 8.0)]), path=(0, 1, 0, 1)
    )

    outcome = run(setup, Script(Get(0, 0, 0), Get(1, 0, 0)))

    assert outcome.startups_s[1:] == [0.0, 0.0, 0.0]
    assert outcome.play_s == pytest.approx(2.3)
    assert outcome.quality == pytest.approx(4 * 0.75)
    assert outcome.waste == 0.0


def test_the_next_showing_of_a_video_says_how_long_it_is_watched() -> None:
    player = Player(Setup([video(), video()], [1.0, 2.0, 3.0], STEADY, path=(0, 1, 0)))
    assert (player.stays_s(0), player.stays_s(1)) == (1.0, 2.0)

    player.watched.append((0, 1.0))

    assert (player.stays_s(0), player.stays_s(1)) == (3.0, 2.0)


def test_a_viewer_cannot_watch_more_than_there_is() -> None:
    setup = Setup([video(2), video(2)], [9.0, -1.0], STEADY, rtt_s=0.1)

    assert run(setup, NoPrefetch()).play_s == pytest.approx(2.0)


@pytest.mark.parametrize(
    "setup",
    [
        Setup([], [], STEADY),
        Setup([video()], [1.0, 2.0], STEADY),
        Setup([video()], [float("nan")], STEADY),
        Setup([Video([[], []], [1.0])], [1.0], STEADY),
    ],
)
def test_a_session_that_cannot_be_played_is_refused(setup: Setup) -> None:
    with pytest.raises(ValueError, match=r"video|watch"):
        run(setup, NoPrefetch())


@pytest.mark.parametrize("name", kinds.GENERATED | kinds.UNSEEN)
def test_a_session_of_every_kind_is_played_to_its_end(name: str) -> None:
    kind = (kinds.GENERATED | kinds.UNSEEN)[name]
    for setup in kinds.sessions(kind, random.Random(11), 1, 1):
        for policy in (Planned(PlanRules(n_steps=1)), Told(PlanRules()), Floor()):
            outcome = run(setup, policy)

            assert outcome.play_s == pytest.approx(sum(setup.watch_s), abs=1e-3)
            assert len(outcome.startups_s) == len(setup.watch_s)
            assert 0 <= outcome.waste < 1


def test_a_dead_link_is_dead_for_so_long_as_it_says() -> None:
    trace = laid(iter([(1.0, 2.0), (4.0, 0.0), (600.0, 2.0)]))

    assert trace.arrival(0.0, 3 * SECOND) == pytest.approx(5.5, abs=0.01)


def test_links_and_viewers_of_ones_own_are_played(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "1").write_text("0 2.5\n1 0.5\n")
    (tmp_path / "watch").write_text("1 2 3 4 5 6 7\n7 6 5 4 3 2 1\n")
    own = {"links": tmp_path / "mine", "watch": tmp_path / "watch"}

    made = worlds(Namespace(data=tmp_path, seed=1, users=3, traces=2, **own))["mine"]()

    assert [setup.watch_s[0] for setup in made] == [1.0, 7.0]
    assert made[0].trace.mean_mbps() == pytest.approx(1.5)
    with pytest.raises(ValueError, match="viewer 1 has 7 watch times for 3 videos"):
        read_watch(own["watch"], 3)


@pytest.mark.parametrize("text", ["", "0 1 2", "0 fast"])
def test_a_file_that_is_no_trace_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd").write_text(text)

    with pytest.raises(ValueError, match="odd: a trace is lines of two numbers"):
        read(tmp_path / "odd")


def test_kinds_are_picked_by_parts_of_their_names() -> None:
    names = ["challenge low", *kinds.GENERATED, *kinds.UNSEEN]

    assert picked(names, []) == ["challenge low", *kinds.GENERATED]
    assert picked(names, ["low", "steps"]) == ["challenge low", "link: steps"]


def test_a_viewer_stays_as_the_curve_says() -> None:
    curve = video(4, [1.0, 0.5, 0.5, 0.25, 0.0])

    assert watch_s(curve, 0.75) == pytest.approx(0.5)
    assert watch_s(curve, 0.3) == pytest.approx(2.8)
    assert watch_s(curve, 0.1) == 4.0
    early = [watch_s(curve, chance / 100, pace=2.0) for chance in range(1, 100)]
    assert sum(one < 1.0 for one in early) == pytest.approx(75, abs=2)


def test_a_generated_link_has_the_mean_that_was_asked() -> None:
    rng = random.Random(3)
    means = [generated(rng, 4.0, 0.5, 1.0).mean_mbps() for _ in range(20)]

    assert sum(means) / 20 == pytest.approx(4.0, rel=0.25)


def test_plans_over_the_wire_lead_to_the_same_end_as_a_decision_at_each_turn() -> None:
    trace = Trace([(0.0, 3.0), (1.0, 3.0)])
    leaving = [0.85**second for second in range(11)]
    setup = Setup([video(10, leaving) for _ in range(4)], [3.0, 0.5, 6.0, 2.0], trace, rtt_s=0.05)

    near = run(setup, Planned(PlanRules(n_steps=1)))
    told = run(setup, Told(PlanRules()))

    assert max(near.startups_s[1:]) == max(told.startups_s[1:]) == 0.0
    assert told.play_s == near.play_s == pytest.approx(11.5)
    assert told.score == pytest.approx(near.score, abs=4.0)


def test_the_table_and_the_plot_show_every_rule(tmp_path: Path) -> None:
    setup = Setup([video(6) for _ in range(3)], [3.0, 2.0, 1.0], Trace([(0.0, 2.0), (1.0, 2.0)]))

    rows = together(measure({"challenge high": lambda: [setup], "challenge low": lambda: [setup]}))
    draw(rows, tmp_path / "plot.png")

    assert list(rows) == ["challenge high, medium, low", "challenge high", "challenge low"]
    assert all(f"| challenge low | {name} |" in table(rows) for name in POLICIES)
    assert rows["challenge low"]["planner"].score > rows["challenge low"]["no prefetch"].score
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")

"""A player's plan: order, rungs, waiting and cancelling, on situations that can be judged by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge.prefetch.hazard import Pace, at
from edge.prefetch.planner import PlanRules, decide
from edge.prefetch.situation import Clip, Decision, InFlight, Link, Situation
from edge.prefetch.worth import Need, best_rung, pipe_of
from shared.retention import assumed

RATES = (0.75, 1.2, 1.85)
FAST, SLOW = Link(10e6, 0.3, 0.06), Link(1.0e6, 0.4, 0.08)
LEAVING = tuple(0.8**second for second in range(21))
STAYING = (1.0,) * 20 + (0.9,)


def clip(held: Mapping[int, int] | None = None, survival: Sequence[float] = LEAVING, n: int = 20) -> Clip:
    return Clip([[int(rate * 125_000)] * n for rate in RATES], RATES, survival, held or {})


def decided(*clips: Clip, link: Link = FAST, rules: PlanRules | None = None, **changes: Any) -> Decision:
    is_playing = changes.pop("is_playing", True)
    now = Situation(clips, changes.pop("playhead_s", 0.0), is_playing, link, **changes)
    return decide(now, rules or PlanRules())


def full(n: int) -> dict[int, int]:
    return full_at(2, n)


def full_at(rung: int, n: int) -> dict[int, int]:
    return dict.fromkeys(range(n), rung)


def test_what_the_screen_waits_for_comes_first() -> None:
    plan = decided(clip(), clip(), clip())

    assert [(one.clip, one.chunk, one.at_s) for one in plan.fetches[:1]] == [(0, 0, 0.0)]


def test_openings_come_before_more_than_the_screen_needs_soon() -> None:
    plan = decided(clip(full(3)), clip(), clip(), clip())

    assert [(one.clip, one.chunk) for one in plan.fetches[:3]] == [(1, 0), (2, 0), (3, 0)]


def test_the_second_on_screen_comes_before_openings_behind_a_video_that_viewers_stay_with() -> None:
    far = Link(4e6, 0.2, 0.4)
    stayed, left = clip(survival=STAYING), clip(survival=tuple(0.5**second for second in range(21)))

    patient = decided(clip(full(1)), stayed, stayed, stayed, link=far).fetches
    restless = decided(clip(full(1)), left, left, left, link=far).fetches

    assert [(one.clip, one.chunk) for one in patient[:2]] == [(1, 0), (0, 1)]
    assert [(one.clip, one.chunk) for one in restless[:2]] == [(1, 0), (2, 0)]


def test_a_deep_buffer_waits_until_the_playhead_comes_near() -> None:
    ready = [clip({0: 2, 1: 2, 2: 2}) for _ in range(4)]

    plan = decided(clip(full(8)), *ready, rules=PlanRules(n_steps=1))

    step = plan.fetches[0]
    assert (step.clip, step.chunk) == (0, 8)
    assert 4.0 < step.at_s < 8.0


def test_who_leaves_soon_is_waited_for_longer() -> None:
    rules = PlanRules(n_steps=1, n_videos=0)

    restless = decided(clip(full(8), LEAVING), rules=rules).fetches[0]
    patient = decided(clip(full(8), STAYING), rules=rules).fetches[0]

    assert restless.at_s > patient.at_s


def test_a_slow_and_uneven_link_starts_earlier() -> None:
    rules = PlanRules(n_steps=1, n_videos=0)

    steady = decided(clip(full(12)), link=FAST, rules=rules).fetches[0]
    uneven = decided(clip(full(12)), link=FAST._replace(spread=1.0), rules=rules).fetches[0]
    slow = decided(clip(full(12)), link=SLOW, rules=rules).fetches[0]

    assert slow.at_s < uneven.at_s < steady.at_s


def test_heavy_chunks_ahead_are_begun_for_early() -> None:
    light, heavy = [90_000] * 20, [90_000] * 9 + [300_000] * 3 + [90_000] * 8
    rules = PlanRules(n_steps=1, n_videos=0)

    calm = decided(Clip([light], RATES[:1], LEAVING, full_at(0, 8)), link=SLOW, rules=rules).fetches[0]
    early = decided(Clip([heavy], RATES[:1], LEAVING, full_at(0, 8)), link=SLOW, rules=rules).fetches[0]

    assert (calm.chunk, early.chunk) == (8, 8)
    assert early.at_s < calm.at_s - 2.0


def test_a_fast_link_gets_the_highest_rung_and_a_slow_one_the_lowest() -> None:
    fast = decided(clip(full(1)), clip(), link=FAST)
    slow = decided(clip({0: 0}), clip(), link=SLOW)

    assert {one.rung for one in fast.fetches} == {2}
    assert {one.rung for one in slow.fetches} == {0}


def test_a_start_that_would_wait_takes_a_lower_rung() -> None:
    pipe = pipe_of(Link(3e6, 0.3, 0.08))

    calm, _ = best_rung(clip(), 0, None, Need(1.0, float("inf"), 0.0), pipe)
    urgent, _ = best_rung(clip(), 0, None, Need(1.0, float("inf"), 20.0), pipe)

    assert urgent < calm


def test_a_small_gain_does_not_change_the_rung() -> None:
    link = pipe_of(Link(1.45e6, 0.4, 0.08))

    from_low, _ = best_rung(clip(), 5, 0.75, Need(0.9, 6.0, 0.0), link)
    from_middle, _ = best_rung(clip(), 5, 1.2, Need(0.9, 6.0, 0.0), link)

    assert (from_low, from_middle) == (0, 1)


def test_a_fetch_for_a_video_that_is_gone_is_cancelled() -> None:
    flights = [InFlight(-1, 3, 0, 1_000), InFlight(0, 1, 0, 1_000), InFlight(1, 0, 0, 1_000)]

    assert decided(clip(full(4)), clip(), in_flight=flights, playhead_s=2.5).cancels == [0, 1]


def test_a_fetch_in_the_way_of_an_awaited_opening_is_cancelled_unless_it_is_nearly_there() -> None:
    begun, nearly = InFlight(2, 0, 2, 200_000), InFlight(2, 0, 2, 4_000)

    assert decided(clip(), clip(), clip(), in_flight=[begun]).cancels == [0]
    assert decided(clip(), clip(), clip(), in_flight=[nearly]).cancels == []
    assert decided(clip(full(4)), clip(), clip(), in_flight=[begun]).cancels == []


@given(
    st.floats(0.05e6, 20e6),
    st.floats(0.0, 1.5),
    st.floats(0.3, 1.0),
    st.integers(0, 12),
    st.integers(0, 3),
    st.integers(0, 2),
    st.floats(0.01, 1.0),
)
def test_what_is_cancelled_is_not_what_is_begun_next(
    bps: float, spread: float, stays: float, n_held: int, index: int, rung: int, left: float
) -> None:
    curve = tuple(stays**second for second in range(21))
    clips = [clip(full(n_held), curve), *(clip(None, curve) for _ in range(4))]
    what = (0, n_held + 2) if index == 0 else (index, 0)
    flight = InFlight(*what, rung, int(left * clips[0].chunk_bytes[rung][0]))

    plan = decided(
        *clips, link=Link(bps, spread, 0.1), playhead_s=float(n_held), in_flight=[flight], is_playing=False
    )

    assert not (plan.cancels and (plan.fetches[0].clip, plan.fetches[0].chunk) == what)


def test_what_is_under_way_is_not_planned_again() -> None:
    plan = decided(clip(), clip(), in_flight=[InFlight(0, 0, 1, 90_000)])

    assert (0, 0) not in {(one.clip, one.chunk) for one in plan.fetches}


def test_a_video_without_rungs_or_seconds_is_passed_over() -> None:
    nothing, empty = Clip([], [], [], {}), Clip([[], []], RATES[:2], [1.0], {})

    on_screen = decided(nothing, empty, clip(), in_flight=[InFlight(1, 0, 0, 5)])
    later = decided(clip(full(20)), nothing, empty, clip())

    assert (on_screen.fetches[0][:2], on_screen.cancels) == ((2, 0), [0])
    assert {one.clip for one in later.fetches} == {3}


def test_a_second_that_not_every_rung_has_is_neither_planned_nor_kept() -> None:
    ragged = Clip([[90_000] * 3, [150_000] * 4], RATES[:2], STAYING, {0: 0, 1: 0})
    held = ragged._replace(held={0: 0, 1: 0, 2: 0})

    assert [one.chunk for one in decided(ragged).fetches] == [2]
    assert decided(held, clip(), in_flight=[InFlight(0, 3, 1, 9_000)], playhead_s=2.0).cancels == [0]


def test_an_empty_window_plans_nothing_and_drops_everything() -> None:
    assert decided(in_flight=[InFlight(-1, 0, 0, 5)])[:2] == ([], [0])


def test_a_viewer_who_swipes_early_has_a_faster_pace() -> None:
    curve = assumed(30)
    restless, patient = Pace(), Pace()
    for _ in range(10):
        restless, patient = restless.after(1.0, curve), patient.after(30.0, curve)

    assert restless.factor > 2.0
    assert patient.factor < 0.5
    assert Pace().factor == 1.0


def test_a_curve_is_read_between_its_seconds() -> None:
    assert at((1.0, 0.5, 0.25), 0.5) == 0.75
    assert at((1.0, 0.5, 0.25), 9.0) == 0.25
    assert at((), 1.0) == 0.0


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    n_clips = draw(st.integers(1, 6))
    clips = []
    for _ in range(n_clips):
        n = draw(st.integers(1, 12))
        sizes = [[draw(st.integers(1, 400_000))] * n for _ in range(draw(st.integers(1, 3)))]
        held = draw(st.dictionaries(st.integers(0, n - 1), st.integers(0, len(sizes) - 1)))
        curve = draw(st.lists(st.floats(0, 1), max_size=n + 1).map(lambda shares: sorted(shares)[::-1]))
        clips.append(Clip(sizes, [0.4 * (rung + 1) for rung in range(len(sizes))], curve, held))
    link = Link(draw(st.floats(0, 1e9)), draw(st.floats(0, 10)), draw(st.floats(0, 60)))
    return Situation(clips, draw(st.floats(0, 40)), draw(st.booleans()), link)


@given(situations())
def test_a_plan_names_each_missing_chunk_once_in_order_and_never_more_than_its_steps(now: Situation) -> None:
    rules = PlanRules(n_steps=10)

    plan = decide(now, rules)

    assert plan == decide(now, rules)
    assert len(plan.fetches) <= 10
    named = [(one.clip, one.chunk) for one in plan.fetches]
    assert len(set(named)) == len(named)
    assert [one.at_s for one in plan.fetches] == sorted(one.at_s for one in plan.fetches)
    for one in plan.fetches:
        sizes = now.clips[one.clip].chunk_bytes
        assert 0 <= one.rung < len(sizes)
        assert 0 <= one.chunk < len(sizes[0])
        assert one.chunk not in now.clips[one.clip].held
        assert one.clip <= rules.n_videos

"""What to fetch and warm next, over one session and over all."""

from edge.prefetch.backlog import Backlog
from edge.prefetch.warming import PlanLimits, Step, Told, Urgency, openings, steps
from tests.edge_builders import make_card, make_rung

CARDS = [make_card(video) for video in "abcd"]


def step(path: str, urgency: Urgency = Urgency.OPENING, distance: int = 1) -> Step:
    return Step(urgency, 0.0, distance, path, 1)


def taken(backlog: Backlog) -> list[str]:
    found = []
    while (one := backlog.take()) is not None:
        found.append(one.step.path)
    return found


def test_a_plan_looks_three_videos_ahead() -> None:
    assert [one.video for one in openings(CARDS, PlanLimits())] == ["a", "b", "c"]


def test_the_opening_chunks_come_before_everything_else() -> None:
    plan = steps(CARDS, PlanLimits())

    assert [one.urgency for one in plan] == sorted(one.urgency for one in plan)
    assert [one.path for one in plan[:3]] == [f"/v/{v}/360p-0123456789abcdef/open.mp4" for v in "abc"]


def test_playlists_and_posters_of_the_next_are_warmed_too() -> None:
    paths = [one.path for one in steps(CARDS[:1], PlanLimits())]

    assert paths[1:] == [
        "/v/a/360p-0123456789abcdef/index.m3u8",
        "/v/a/master.m3u8",
        "/v/a/poster-0123456789abcdef.webp",
        "/v/a/360p-0123456789abcdef/1.m4s",
    ]


def test_the_rung_that_a_player_opens_with_is_warmed_before_the_lowest() -> None:
    ladder = [make_rung("360p"), make_rung("540p"), make_rung("720p")]
    cards = [make_card(f"v{n}", rungs=ladder) for n in range(20)]

    plan = steps(cards, PlanLimits(n_ahead=2, n_reserve=1), Told(opens_with="720p"))

    first = [one.path.split("/")[2:4] for one in plan if one.urgency is Urgency.OPENING]
    assert first == [[video, "720p-0123456789abcdef"] for video in ("v0", "v1")]
    reserve = [one.path.split("/")[2:4] for one in plan if one.urgency is Urgency.RESERVE]
    assert reserve == [
        [f"v{n}", f"{rung}-0123456789abcdef"] for n, rung in enumerate(("360p", "360p", "720p"))
    ]


def test_what_a_player_was_told_to_fetch_is_warmed_first_and_once() -> None:
    path = "/v/a/360p-0123456789abcdef/open.mp4"

    plan = steps(CARDS, PlanLimits(), Told([("/v/z/360p/4.m4s", 5, 0, 0.0), (path, 7, 2, 0.5)]))

    assert plan[0] == Step(Urgency.PLANNED, 0.5, 2, path, 7)
    assert next(one for one in plan if one.path == "/v/z/360p/4.m4s").urgency is Urgency.CHUNK
    assert plan == sorted(plan)
    assert [one.path for one in plan].count(path) == 1


def test_what_the_player_has_at_hand_makes_room_for_what_it_is_told_next() -> None:
    cards = [make_card(f"v{n}") for n in range(20)]

    plan = steps(cards, PlanLimits(n_ahead=2, n_reserve=1), Told(at_hand=frozenset({"v0", "v1", "v3"})))

    openings = [(one.urgency, one.distance) for one in plan if one.path.endswith("/open.mp4")]
    assert openings == [(Urgency.OPENING, 3), (Urgency.OPENING, 5), (Urgency.RESERVE, 6)]


def test_what_the_player_holds_of_the_next_videos_is_kept_in_its_rung() -> None:
    ladder = [make_rung("360p"), make_rung("540p"), make_rung("720p")]
    cards = [make_card(f"v{n}", rungs=ladder) for n in range(4)]
    kept = {"v0": ["720p"], "v1": ["360p", "540p"], "v2": ["8K"], "gone": ["360p"]}

    plan = steps(cards, PlanLimits(), Told(at_hand=frozenset(kept), kept=kept))

    held = [(one.distance, *one.path.split("/")[2:4]) for one in plan if one.urgency is Urgency.HELD]
    assert held == [
        (1, "v0", "720p-0123456789abcdef"),
        (2, "v1", "360p-0123456789abcdef"),
        (2, "v1", "540p-0123456789abcdef"),
    ]


def test_what_a_player_holds_without_telling_a_rung_is_kept_in_that_of_its_plans() -> None:
    ladder = [make_rung("360p"), make_rung("540p")]
    cards = [make_card(f"v{n}", rungs=ladder) for n in range(8)]
    told = Told(kept={"v5": ["540p"]}).holding(["v5", "v6"])

    held = [
        one.path.split("/")[2:4] for one in steps(cards, PlanLimits(), told) if one.urgency is Urgency.HELD
    ]

    assert held == [["v5", "540p-0123456789abcdef"], ["v6", "360p-0123456789abcdef"]]


def test_the_first_video_of_a_session_is_what_its_viewer_waits_for() -> None:
    plan = steps(CARDS, PlanLimits(), has_screen=False)

    assert plan[0] == Step(Urgency.SCREEN, 0.0, 0, "/v/a/360p-0123456789abcdef/open.mp4", 100_000)
    assert [one.distance for one in plan if one.urgency is Urgency.OPENING] == [2, 3]


def test_a_player_that_follows_plans_has_no_chunk_warmed_that_none_names() -> None:
    plan = steps(CARDS, PlanLimits(), Told([("/v/a/540p/1.m4s", 5, 1, 0.0)], opens_with="540p"))

    assert [one.path for one in plan if one.urgency is Urgency.CHUNK] == ["/v/a/540p/1.m4s"]


def test_a_reserve_of_openings_is_warmed_last() -> None:
    plan = steps([make_card(f"v{n}") for n in range(20)], PlanLimits(n_ahead=3, n_reserve=4))

    reserve = [one for one in plan if one.urgency is Urgency.RESERVE]
    assert plan[-4:] == reserve
    assert [one.path.split("/")[2] for one in reserve] == ["v3", "v4", "v5", "v6"]


def test_what_is_not_urgent_is_left_to_those_who_may_take_it() -> None:
    backlog = Backlog(100)
    backlog.replace("s1", [step("late", Urgency.RESERVE), step("soon", Urgency.OPENING)])

    first, second = backlog.take(Urgency.PLAYLIST), backlog.take(Urgency.PLAYLIST)

    assert first is not None and first.step.path == "soon"
    assert second is None
    assert taken(backlog) == ["late"]


def test_a_video_without_rungs_or_poster_costs_nothing() -> None:
    cards = [make_card("a", rungs=[]), make_card("b", poster="", rungs=[make_rung(chunk_bytes=[5])])]

    assert {one.path.split("/")[2] for one in steps(cards, PlanLimits())} == {"b"}
    assert len(steps(cards, PlanLimits())) == 3


def test_the_most_urgent_step_of_all_sessions_comes_first() -> None:
    backlog = Backlog(100)
    backlog.replace("s1", [step("far", distance=3), step("poster", Urgency.POSTER)])
    backlog.replace("s2", [step("near", distance=1)])

    assert taken(backlog) == ["near", "far", "poster"]


def test_a_new_plan_drops_the_rest_of_the_former_one() -> None:
    backlog = Backlog(100)
    backlog.replace("s1", [step("a"), step("b", distance=2)])
    backlog.take()

    assert backlog.replace("s1", [step("c")]) == 1

    assert taken(backlog) == ["c"]


def test_an_empty_plan_forgets_the_session() -> None:
    backlog = Backlog(100)
    backlog.replace("s1", [step("a")])
    backlog.replace("s1", [])

    assert backlog.take() is None
    assert len(backlog) == 0


def test_a_full_backlog_takes_no_more_steps() -> None:
    backlog = Backlog(3)
    backlog.replace("s1", [step("a"), step("b")])
    backlog.replace("s2", [step("c"), step("d")])
    backlog.replace("s3", [step("e")])

    assert taken(backlog) == ["a", "b", "c"]


def test_stale_entries_do_not_pile_up() -> None:
    backlog = Backlog(1_000)
    for n in range(5_000):
        backlog.replace("s1", [step(f"p{n}"), step(f"q{n}")])

    assert len(backlog) == 2
    assert backlog.n_entries <= 200
    assert taken(backlog) == ["p4999", "q4999"]


def test_a_viewer_who_outruns_the_player_finds_the_next_video_in_the_rung_that_starts_soonest() -> None:
    cards = [make_card(f"v{n}", rungs=[make_rung("360p"), make_rung("720p")]) for n in range(3)]
    told = Told(starts_with="360p", opens_with="720p", at_hand=frozenset({"v0"}))

    first = steps(cards, PlanLimits(n_ahead=1), told)[:2]
    assert [one.path.split("/")[2:4] for one in first] == [
        ["v0", "360p-0123456789abcdef"],
        ["v1", "720p-0123456789abcdef"],
    ]
    held = steps(cards, PlanLimits(n_ahead=1), told._replace(held=frozenset({"v0"})))
    assert not [one for one in held if one.path.startswith("/v/v0/360p") and one.urgency < Urgency.PLAYLIST]

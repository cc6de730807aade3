"""Re-ranking: the brain's order as the base, the delta's pull, spacing, the held head."""

from array import array
from collections.abc import Callable

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.session import rerank
from edge.session.arrange import Ranking, View, arrange
from edge.session.candidates import F32, base, code, standard
from edge.session.signals import Signal
from edge.session.state import Session
from edge.session.vectors import ItemVectors
from shared.messages.catalog import VideoCard
from shared.messages.queues import Candidate
from tests.edge_builders import make_card, make_session, make_table

FREE = rerank.Spacing(creator_gap=0, category_run=1_000)
DANCE, FOOD = [1.0, 0.0], [0.0, 1.0]


def f32(*values: float) -> F32:
    return np.array(values, np.float32)


def by(group: Callable[[int], tuple[int, int]]) -> rerank.GroupsOf:
    def of(places: rerank.U16) -> rerank.Groups:
        groups = [group(place) for place in places.tolist()]
        return [one[0] for one in groups], [one[1] for one in groups]

    return of


apart = by(lambda _: (0, 0))


def no_card(video: str) -> VideoCard | None:
    return None


def view(vectors: ItemVectors, card_of: Callable[[str], VideoCard | None] = no_card, *ready: str) -> View:
    return View(vectors, card_of, lambda video: video in ready)


def vectors_of(**rows: list[float]) -> ItemVectors:
    vectors = ItemVectors(100)
    vectors.add(make_table(dict(rows)))
    return vectors


def shown(session: Session) -> list[str]:
    return [item.video_id for item in session.shown()]


def test_the_base_keeps_an_exploration_slot_in_its_place() -> None:
    scores = base(f32(0.9, 0.1, 0.8, 0.7))

    assert np.allclose(scores, [0.9, 0.8, 0.8, 0.7])
    assert rerank.order(scores, None, apart, FREE).tolist() == [0, 1, 2, 3]


def test_without_a_delta_the_affinity_weighs_nothing() -> None:
    scores = rerank.blend(standard(f32(3, 2, 1)), f32(1, 2, 3), 0.0, 0.8)

    assert rerank.order(scores, None, apart, FREE).tolist() == [0, 1, 2]


def test_a_strong_delta_turns_the_order() -> None:
    scores = rerank.blend(standard(f32(3, 2, 1)), f32(1, 2, 3), 4.0, 0.9)

    assert rerank.order(scores, None, apart, FREE).tolist() == [2, 1, 0]


def test_a_candidate_without_a_vector_is_neither_pulled_nor_pushed() -> None:
    values = rerank.affinity(f32(1.0, 0.0, 3.0), np.array([True, False, True]))

    assert values.tolist() == [1.0, 2.0, 3.0]


def test_equal_scores_keep_the_brains_order() -> None:
    assert rerank.order(f32(1, 1, 1, 1), None, apart, FREE).tolist() == [0, 1, 2, 3]


def test_the_held_head_is_first_whatever_its_score() -> None:
    assert rerank.order(f32(3, 2, 1), 2, apart, FREE).tolist() == [2, 0, 1]


def test_one_creators_videos_are_kept_apart() -> None:
    creators = ["x", "x", "x", "y", "z"]

    placed = rerank.order(
        f32(5, 4, 3, 2, 1), None, by(lambda i: (code(creators[i]), 0)), rerank.Spacing(creator_gap=2)
    )

    assert [creators[i] for i in placed] == ["x", "y", "z", "x", "x"]


def test_a_category_runs_no_longer_than_allowed() -> None:
    categories = ["d", "d", "d", "d", "f"]
    spacing = rerank.Spacing(category_run=2)

    placed = rerank.order(f32(5, 4, 3, 2, 1), None, by(lambda i: (0, code(categories[i]))), spacing)

    assert [categories[i] for i in placed] == ["d", "d", "f", "d", "d"]


def test_spacing_gives_way_when_everything_is_alike() -> None:
    placed = rerank.order(f32(3, 2, 1), None, by(lambda i: (1, 2)), rerank.Spacing(category_run=1))

    assert placed.tolist() == [0, 1, 2]


@given(st.lists(st.tuples(st.floats(-1, 1, width=16), st.integers(0, 3)), min_size=1, max_size=60), st.data())
def test_an_order_is_always_a_permutation(items: list[tuple[float, int]], data: st.DataObject) -> None:
    head = data.draw(st.one_of(st.none(), st.integers(0, len(items) - 1)))
    scores = f32(*(score for score, _ in items))

    placed = rerank.order(scores, head, by(lambda i: (items[i][1], items[i][1])), rerank.Spacing())

    assert sorted(placed) == list(range(len(items)))
    assert head is None or placed[0] == head


def test_finishing_and_liking_a_clip_brings_its_like_forward() -> None:
    session = make_session("f1", "f2", "d1")
    vectors = vectors_of(f1=FOOD, f2=FOOD, d1=DANCE, done=DANCE)
    session.note(Signal("done", 1.0, "dance", True))
    session.note(Signal("done", 1.5, "dance"))

    arrange(session, view(vectors, no_card), Ranking())

    assert shown(session)[0] == "d1"
    assert session.is_reranked


def test_skipping_a_clip_sends_its_like_back() -> None:
    session = make_session("f1", "d1", "f2", "d2")
    vectors = vectors_of(f1=FOOD, f2=FOOD, d1=DANCE, d2=DANCE)
    session.note(Signal("f1", -1.0))
    session.see(["f1"])

    arrange(session, view(vectors, no_card), Ranking())

    assert shown(session) == ["d1", "d2", "f2"]


def test_without_signals_the_brains_order_stands() -> None:
    session = make_session("a", "b", "c", order=array("H", [2, 1, 0]), is_reranked=True)

    arrange(session, view(vectors_of(a=FOOD, b=DANCE), no_card), Ranking())

    assert shown(session) == ["a", "b", "c"]
    assert not session.is_reranked


def test_vectors_of_another_model_do_not_rerank() -> None:
    session = make_session("f1", "d1", model="m2")
    session.note(Signal("d1", 1.0))

    arrange(session, view(vectors_of(f1=FOOD, d1=DANCE), no_card), Ranking())

    assert shown(session) == ["f1", "d1"]


def test_rerank_uses_the_cards_for_spacing() -> None:
    cards = {v: make_card(v, creator_id="same" if v in ("a", "b") else v) for v in "abcd"}
    session = make_session("a", "b", "c", "d")
    session.note(Signal("a", 1.0))

    arrange(session, view(vectors_of(a=DANCE, b=DANCE, c=FOOD, d=FOOD), cards.get), Ranking())

    assert shown(session) == ["a", "c", "d", "b"]


def test_reranking_twice_changes_nothing() -> None:
    session = make_session("f1", "f2", "d1")
    session.note(Signal("d1", 1.0))
    vectors = vectors_of(f1=FOOD, f2=FOOD, d1=DANCE)
    arrange(session, view(vectors, no_card), Ranking())
    version = session.version

    arrange(session, view(vectors, no_card), Ranking())

    assert session.version == version


def test_what_is_ready_leads_and_the_better_one_is_next() -> None:
    assert rerank.lead(array("H", [3, 1, 2, 0]), lambda index: index == 2, 4).tolist() == [2, 3, 1, 0]


def test_nothing_leads_from_too_far_behind_or_when_nothing_is_ready() -> None:
    assert rerank.lead(array("H", [3, 1, 2, 0]), lambda index: index == 0, 3).tolist() == [3, 1, 2, 0]
    assert rerank.lead(array("H", [3, 1]), lambda index: False, 9).tolist() == [3, 1]


def test_a_session_begins_with_what_is_ready_where_it_is_nearly_as_good() -> None:
    items = [
        Candidate(video, score, "vectors") for video, score in zip("abcdef", (9, 8, 7, 1, 1, 1), strict=True)
    ]
    spread = float(np.std([one.score for one in items]))

    begun = rerank.begin(items, lambda video: video in "cef", 5, 2.1 / spread)

    assert [one.video_id for one in begun] == ["c", "a", "b", "e", "d", "f"]


def test_nothing_that_is_ready_overtakes_what_is_better_when_nothing_may_be_lost() -> None:
    items = [Candidate(video, score, "vectors") for video, score in zip("abc", (3, 2, 2), strict=True)]

    begun = rerank.begin(items, lambda video: video == "c", 8, 0.0)

    assert [one.video_id for one in begun] == ["a", "c", "b"]
    assert rerank.begin([], lambda video: True, 8, 0.25) == []


def test_a_warm_video_leads_after_the_first_event_and_not_before() -> None:
    session = make_session("a", "b", "c")
    warm_b = view(vectors_of(a=FOOD), no_card, "b")

    arrange(session, warm_b, Ranking())
    assert shown(session) == ["a", "b", "c"]

    session.n_events = 1
    arrange(session, warm_b, Ranking())
    assert shown(session) == ["b", "a", "c"]


def test_a_held_video_leads_before_a_warm_one() -> None:
    session = make_session("a", "b", "c", n_events=1, held="c")

    arrange(session, view(vectors_of(a=FOOD), no_card, "b"), Ranking())

    assert shown(session) == ["c", "a", "b"]


@given(
    st.lists(st.floats(-1024, 1024, width=32) | st.sampled_from([0.0, -0.0, 1.0]), min_size=1, max_size=80)
)
def test_falling_scores_are_those_of_a_stable_sort(scores: list[float]) -> None:
    placed = rerank.order(f32(*scores), None, apart, rerank.Spacing(n_places=0))

    told = np.trunc(f32(*scores).astype(float) * 2**30)
    assert placed.tolist() == np.argsort(-told, kind="stable").tolist()

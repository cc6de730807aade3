import numpy as np
import pytest

from brain.items import Item
from brain.space import VectorSpace, best
from brain.training.content import DIM, ContentModel
from brain.training.factors import FactorModel, Factors
from brain.training.foldin import MAX_NORMS, fold_in
from tests.brain_builders import catalogue, table_of


def item(video: str, category: str = "space", creator: str = "c1", tags: tuple[str, ...] = ("a",)) -> Item:
    return Item(video, category, creator, tags, 0.0, 10.0)


def factors() -> Factors:
    return Factors(
        revision="lightfm-test",
        trained_at_ms=1,
        features=("video:v1", "category:space", "creator:c1"),
        feature_vectors=np.asarray([[3, 0], [0, 3], [3, 3]], np.float32),
        feature_biases=np.asarray([3, 0, 0], np.float32),
        users=("u1", "u2"),
        user_vectors=np.asarray([[1, 0], [0, 3]], np.float32),
    )


def test_content_vectors_are_unit_and_the_same_everywhere() -> None:
    one, other = ContentModel().vectors([item("v1")]), ContentModel().vectors([item("v1")])

    assert np.array_equal(one, other)
    assert np.linalg.norm(one[0]) == pytest.approx(1.0, abs=1e-5)
    assert one.shape == (1, DIM + 1)


def test_content_vectors_are_nearer_the_more_they_share() -> None:
    table = ContentModel().vectors(
        [item("v1"), item("v2"), item("v3", creator="c2", tags=("b",)), item("v4", "cats", "c3", ("c",))]
    )

    same, category, nothing = table[1:] @ table[0]
    assert same > category > nothing


def test_a_trained_model_gives_a_new_video_the_mean_of_what_it_knows() -> None:
    vectors = FactorModel(factors()).vectors([item("v1", tags=()), item("new", tags=("unknown",))])

    assert vectors[0].tolist() == [2, 2, 1]
    assert vectors[1].tolist() == [1.5, 3, 0]


def test_a_video_of_which_nothing_is_known_has_a_vector_too() -> None:
    assert FactorModel(factors()).vectors([item("x", "y", "z")]).tolist() == [[0, 0, 0]]


def test_a_trained_model_knows_its_users_and_a_mean_one() -> None:
    model = FactorModel(factors())

    assert model.user("u2") is not None
    assert model.user("stranger") is None
    assert model.default_user().tolist() == [0.5, 1.5]


@pytest.mark.parametrize("faiss_above", [10_000, 100], ids=["numpy", "faiss"])
def test_the_nearest_are_those_of_a_naive_search(faiss_above: int) -> None:
    table = table_of(catalogue(400))
    space = VectorSpace(ContentModel(), faiss_above)
    space.extend(table.items[:300])
    space.extend(table.items)
    user = space.vectors(np.asarray([17]))[0]
    may_show = np.ones(400, np.bool_)
    may_show[17] = False

    rows, scores = space.nearest(user, 10, may_show)

    naive = space.scores(user, np.arange(400))
    naive[17] = -np.inf
    assert scores == pytest.approx(np.sort(naive)[::-1][:10], abs=2e-3)
    assert 17 not in rows


def test_an_approximate_index_finds_most_of_the_nearest() -> None:
    table = table_of(catalogue(4000))
    exact, approximate = VectorSpace(ContentModel()), VectorSpace(ContentModel(), 100, 200)
    for space in (exact, approximate):
        space.extend(table.items)
    user = exact.vectors(np.asarray([17]))[0]
    may_show = np.ones(4000, np.bool_)

    found = set(approximate.nearest(user, 50, may_show)[0].tolist())

    assert len(found & set(exact.nearest(user, 50, may_show)[0].tolist())) >= 25


def test_the_best_are_ordered_and_ties_go_by_row() -> None:
    rows, scores = best(np.asarray([5, 6, 7, 8]), np.asarray([1, 3, 3, 0], np.float32), 3)

    assert rows.tolist() == [6, 7, 5]
    assert scores.tolist() == [3, 3, 1]


def test_folding_in_moves_towards_what_was_liked_and_away_from_what_was_not() -> None:
    base = np.zeros(2, np.float32)
    axes = np.eye(2, dtype=np.float32)

    moved = fold_in(base, 1.0, axes, [1.0, -1.0])

    assert moved[0] > 0 > moved[1]
    assert abs(moved[1]) > abs(moved[0])


def test_folding_in_a_long_history_is_bounded() -> None:
    moved = fold_in(
        np.zeros(2, np.float32), 1.0, np.tile([[1.0, 0.0]], (500, 1)).astype(np.float32), [5.0] * 500
    )

    assert np.linalg.norm(moved) == pytest.approx(MAX_NORMS, rel=1e-4)


def test_folding_in_nothing_changes_nothing() -> None:
    base = np.asarray([1, 2], np.float32)

    assert fold_in(base, 1.0, np.zeros((0, 2), np.float32), []) is base

import numpy as np
import pytest

from brain.features.schema import COLUMN_HELP, Column
from brain.items import FloatArray
from brain.ranking.objective import value
from brain.ranking.scorer import HEADS, Tastes, by_code, features, probabilities, standardised
from brain.retrieval.retriever import Query, RegionTrends
from tests.brain_builders import world_of

NO_TASTE = Tastes({}, {}, {})


def matrix(**columns: float) -> FloatArray:
    row = np.zeros((1, len(Column)), np.float32)
    for name, number in columns.items():
        row[0, Column[name]] = number
    return row


def query() -> Query:
    world = world_of(16)
    return Query(
        world.table,
        world.space,
        world.space.vectors(np.asarray([1]))[0],
        np.ones(16, np.bool_),
        0.0,
        np.ones(16, np.float32),
        trends=RegionTrends(now={"v3": 1.0}, lasting={"v4": 0.5}),
        followed=frozenset({"creator1"}),
    )


@pytest.mark.parametrize(
    "column",
    ["AFFINITY", "INTEREST", "WATCH_RATE", "CREATOR", "FOLLOWED", "FRESH", "TREND_NOW", "TREND_LASTING"],
)
def test_a_video_is_worth_more_the_more_speaks_for_it(column: str) -> None:
    assert value(probabilities(matrix(**{column: 1.0}))) > value(probabilities(matrix()))


def test_probabilities_are_between_0_and_1() -> None:
    extreme = probabilities(np.repeat(np.asarray([[100], [-100]], np.float32), len(Column), axis=1))

    assert extreme.shape == (2, len(HEADS))
    assert ((extreme >= 0) & (extreme <= 1)).all()


def test_every_column_has_its_help() -> None:
    assert set(COLUMN_HELP) == set(Column)


def test_features_are_in_their_columns() -> None:
    tastes = Tastes({"space": 0.5}, {"space": -0.25}, {"creator0": 1.0})

    table = features(query(), np.asarray([1, 3, 4, 9]), tastes)

    assert table[0, Column.INTEREST] == 0.5
    assert table[0, Column.WATCH_RATE] == -0.25
    assert table[:, Column.CREATOR].tolist() == [1, 1, 1, 0]
    assert table[:, Column.FOLLOWED].tolist() == [0, 0, 0, 1]
    assert table[:, Column.TREND_NOW].tolist() == [0, 1, 0, 0]
    assert table[:, Column.TREND_LASTING].tolist() == [0, 0, 0.5, 0]
    assert table[0, Column.AFFINITY] == table[:, Column.AFFINITY].max()


def test_no_candidates_have_no_features() -> None:
    assert features(query(), np.zeros(0, np.int64), NO_TASTE).shape == (0, len(Column))


def test_what_is_all_the_same_is_standardised_to_nothing() -> None:
    assert standardised(np.full(5, 7, np.float32)).tolist() == [0] * 5


def test_an_outlier_is_clipped() -> None:
    assert standardised(np.asarray([0] * 99 + [1000], np.float32)).max() == 3


def test_a_taste_for_what_the_catalogue_does_not_have_is_ignored() -> None:
    assert by_code({"unknown": 1.0, "b": 2.0}, {"a": 0, "b": 1}).tolist() == [0, 2]

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain.config import RerankLimits
from brain.rerank.diversity import Field, Placed, arrange
from brain.rerank.explore import Explorer
from brain.rerank.rules import again, may_show
from tests.brain_builders import catalogue, table_of

NO_RULES = RerankLimits(diversity=0.0, author_gap=0, category_window=1, explore_every=0)


def explorer(every: int = 0, pool: int = 8, seed: int = 0) -> Explorer:
    return Explorer(every, pool, np.random.default_rng(seed))


def field_of(
    values: list[float], creators: list[int] | None = None, categories: list[int] | None = None
) -> Field:
    n = len(values)
    rng = np.random.default_rng(1)
    return Field(
        np.asarray(values, np.float32),
        rng.normal(size=(n, 4)).astype(np.float32),
        np.asarray(creators or range(n), np.int64),
        np.asarray(categories or range(n), np.int64),
    )


def rows(placed: list[Placed]) -> list[int]:
    return [one.row for one in placed]


def test_without_rules_the_order_is_by_value() -> None:
    assert rows(arrange(field_of([1, 3, 2]), 3, NO_RULES, explorer())) == [1, 2, 0]


def test_a_near_copy_of_what_is_placed_gives_way() -> None:
    vectors = np.asarray([[1, 0], [1, 0.01], [0, 1]], np.float32)
    field = Field(np.asarray([1.0, 0.95, 0.8], np.float32), vectors, np.arange(3), np.arange(3))

    assert rows(arrange(field, 3, RerankLimits(diversity=0.5, explore_every=0), explorer())) == [0, 2, 1]


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.integers(0, 2)), max_size=40), st.integers(0, 9)
)
def test_every_candidate_is_placed_once_and_the_queue_is_never_shorter_for_the_rules(
    candidates: list[tuple[float, int, int]], every: int
) -> None:
    values, creators, categories = ([one[part] for one in candidates] for part in range(3))
    field = field_of(values, creators, categories)  # type: ignore[arg-type]

    placed = arrange(field, 25, RerankLimits(explore_every=every), explorer(every))

    assert len(placed) == min(25, len(values)) == len(set(rows(placed)))
    assert all(0 < one.propensity <= 1 for one in placed)


def test_a_creator_comes_again_after_the_gap_only() -> None:
    creators = [number % 10 for number in range(60)]
    placed = arrange(field_of([1.0] * 60, creators), 30, RerankLimits(author_gap=3), explorer(8))

    order = [creators[row] for row in rows(placed)]
    assert all(one not in order[max(0, place - 3) : place] for place, one in enumerate(order))


def test_a_category_keeps_to_its_cap() -> None:
    categories = [0] * 40 + [1] * 40
    values = [1.0] * 40 + [0.1] * 40
    placed = arrange(field_of(values, None, categories), 30, RerankLimits(explore_every=0), explorer())

    order = [categories[row] for row in rows(placed)]
    assert all(order[place : place + 3].count(0) <= 2 for place in range(28))
    assert order[:10].count(0) >= 6


def test_the_category_rule_gives_way_before_the_creators() -> None:
    creators = [number % 10 for number in range(40)]
    placed = arrange(field_of([1.0] * 40, creators, [0] * 40), 20, RerankLimits(author_gap=3), explorer())

    order = [creators[row] for row in rows(placed)]
    assert all(one not in order[max(0, place - 3) : place] for place, one in enumerate(order))


def test_every_eighth_place_is_explored_with_its_propensity() -> None:
    placed = arrange(
        field_of([1 - number / 100 for number in range(100)]), 32, RerankLimits(), explorer(8, 16)
    )

    assert [place for place, one in enumerate(placed) if one.is_explored] == [7, 15, 23, 31]
    assert {one.propensity for one in placed if one.is_explored} == {1 / 16}
    assert {one.propensity for one in placed if not one.is_explored} == {1.0}


def test_draws_are_as_often_as_their_propensity_says() -> None:
    values, free = np.arange(4, dtype=np.float32), np.ones(4, np.bool_)
    drawn = [explorer(8, 4, seed).draw(values, free, np.arange(4), []) for seed in range(2000)]

    counts = np.bincount([one.row for one in drawn if one])
    assert counts / 2000 == pytest.approx([0.25] * 4, abs=0.04)


def test_an_exploration_is_of_a_category_that_was_not_there_lately() -> None:
    free = np.ones(6, np.bool_)
    draw = explorer(8).draw(np.zeros(6, np.float32), free, np.asarray([0, 0, 0, 1, 2, 2]), [0, 2])

    assert draw is None or draw.row == 3


def test_there_is_no_draw_from_less_than_two() -> None:
    free = np.asarray([True, False])

    assert explorer(8).draw(np.zeros(2, np.float32), free, np.zeros(2, np.int64), []) is None


def test_the_hidden_and_the_dead_may_not_be_shown() -> None:
    table = table_of(catalogue(3))
    table.column("is_alive")[2] = False

    assert may_show(table, 3, {"v0", "unknown"}).tolist() == [False, True, False]


def test_the_video_seen_longest_ago_comes_back_first() -> None:
    table = table_of(catalogue(4))

    rows_back = again(table, 4, {"v0": 30, "v1": 10, "v2": 20, "gone": 1, "v3": 5}, {"v3"})

    assert [table.items[row].id for row in rows_back] == ["v1", "v2", "v0"]

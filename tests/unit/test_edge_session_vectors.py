"""The bounded table of item vectors of one model revision."""

import numpy as np
import pytest

from edge.session.vectors import ItemVectors, user_vector
from shared.errors import DecodeError
from tests.edge_builders import make_table


def filled(max_rows: int, *names: str) -> ItemVectors:
    vectors = ItemVectors(max_rows)
    for place, name in enumerate(names):
        vectors.add(make_table({name: [float(place), 1.0]}))
    return vectors


def test_rows_come_back_in_the_order_asked_with_gaps_marked() -> None:
    rows, is_known = filled(10, "a", "b").rows(["b", "x", "a"])

    assert rows.tolist() == [[1.0, 1.0], [0.0, 0.0], [0.0, 1.0]]
    assert is_known.tolist() == [True, False, True]


def test_an_empty_table_knows_nothing() -> None:
    rows, is_known = ItemVectors(10).rows(["a", "b"])

    assert rows.shape == (2, 0)
    assert not is_known.any()


def test_what_is_missing_is_what_to_ask_for() -> None:
    assert filled(10, "a").missing(["b", "a", "c"]) == ["b", "c"]


def test_the_least_recently_used_row_leaves_first() -> None:
    vectors = filled(2, "a", "b")
    vectors.touch(["a"])

    vectors.add(make_table({"c": [9.0, 9.0]}))

    assert vectors.missing(["a", "b", "c"]) == ["b"]
    assert vectors.rows(["c"])[0].tolist() == [[9.0, 9.0]]


def test_the_table_grows_up_to_its_bound() -> None:
    vectors = ItemVectors(1_500)

    vectors.add(make_table({f"v{n}": [float(n), 0.0] for n in range(2_000)}))

    assert len(vectors) == 1_500
    assert vectors.rows(["v1999", "v700"])[0].tolist() == [[1999.0, 0.0], [700.0, 0.0]]


def test_another_model_replaces_everything() -> None:
    vectors = filled(10, "a")

    vectors.add(make_table({"b": [1.0, 2.0, 3.0]}, model="m2"))

    assert (vectors.model, vectors.dim, len(vectors)) == ("m2", 3, 1)
    assert vectors.missing(["a"]) == ["a"]


@pytest.mark.parametrize(
    "changes", [{"dim": 3}, {"dim": 0}, {"mean": b"x"}, {"vectors": b""}, {"dim": 99_999}]
)
def test_a_table_whose_sizes_do_not_fit_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(DecodeError):
        ItemVectors(10).add(make_table({"a": [1.0, 2.0]}, **changes))


def test_a_user_vector_of_another_size_counts_as_unknown() -> None:
    vector = np.array([0.5, -1.0], "<f2").tobytes()

    assert user_vector(vector, 2).tolist() == [0.5, -1.0]
    assert user_vector(vector, 3).tolist() == [0.0, 0.0, 0.0]
    assert user_vector(b"", 2).tolist() == [0.0, 0.0]

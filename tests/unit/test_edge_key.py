"""What makes two requests the same object."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.key import primary_key, primary_of, storage_key, vary_names, vary_values
from tests.edge_cache_builders import headers


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("/v/one/open.mp4", "/v/one/open.mp4"),
        ("/a?b=1&c=%2F", "/a?b=1&c=%2F"),
        ("http://edge.example:80/a?b=1", "/a?b=1"),
        ("https://edge.example", "/"),
        ("http://edge.example?q=1", "/?q=1"),
        ("/a#part", "/a"),
        ("*", "/*"),
        ("//other.example/a", "//other.example/a"),
    ],
)
def test_the_primary_key_is_path_and_query_as_written(target: str, key: str) -> None:
    assert primary_key(target) == key


def test_different_query_order_is_a_different_object() -> None:
    assert primary_key("/a?b=1&c=2") != primary_key("/a?c=2&b=1")


def test_nominated_fields_are_sorted_lower_case_and_unique() -> None:
    response = headers(("Vary", "Accept-Encoding, Origin"), ("Vary", "origin,, "))

    assert vary_names(response) == ("accept-encoding", "origin")


def test_white_space_around_list_commas_makes_no_new_variant() -> None:
    names = ("accept-encoding",)
    tight = vary_values(names, headers(Accept_Encoding="gzip,br"))
    loose = vary_values(names, headers(("Accept-Encoding", " gzip "), ("Accept-Encoding", "br")))

    assert tight == loose


def test_an_absent_field_is_not_an_empty_one() -> None:
    names = ("accept-encoding",)

    assert vary_values(names, headers()) != vary_values(names, headers(Accept_Encoding=""))


def test_without_vary_the_storage_key_is_the_primary_key() -> None:
    assert storage_key(primary_key("/a"), ()) == "/a"


@given(st.text("ab,", max_size=4), st.text("ab,", max_size=4))
def test_variants_share_a_key_exactly_when_their_values_are_equal(one: str, other: str) -> None:
    primary = primary_key("/a")
    values = [vary_values(("x",), headers(X=value)) for value in (one, other)]

    keys = [storage_key(primary, value) for value in values]

    assert (keys[0] == keys[1]) == (values[0] == values[1])
    assert primary_of(keys[0]) == primary


def test_a_hostile_field_value_cannot_collide_with_two_fields() -> None:
    primary = primary_key("/a")
    one = storage_key(primary, (("x", "1'), ('y', '2"),))
    two = storage_key(primary, (("x", "1"), ("y", "2")))

    assert one != two

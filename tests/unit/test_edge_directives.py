"""Reading Cache-Control, dates and Age: lenient in what is read, safe in what is concluded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.directives import MAX_SECONDS, age_s, cache_control, http_date_s, parse, seconds
from tests.edge_cache_builders import headers


@pytest.mark.parametrize(
    ("line", "directives"),
    [
        ("max-age=60, public", {"max-age": "60", "public": None}),
        ("MAX-AGE=60", {"max-age": "60"}),
        ('max-age="60"', {"max-age": "60"}),
        ("max-age = 60", {"max-age": "60"}),
        ('private="set-cookie, x", no-cache', {"private": "set-cookie, x", "no-cache": None}),
        (" , ,public,", {"public": None}),
        ('ext="a\\"b", max-age=1', {"ext": 'a\\"b', "max-age": "1"}),
        ("", {}),
    ],
)
def test_directives_are_read(line: str, directives: dict[str, str | None]) -> None:
    assert parse([line]) == directives


def test_several_lines_are_one_list() -> None:
    assert parse(["public", "max-age=5"]) == {"public": None, "max-age": "5"}


def test_a_repeated_number_counts_as_its_smallest() -> None:
    assert seconds(parse(["max-age=60, max-age=5"]), "max-age") == 5


def test_a_contradicting_repetition_counts_as_stale() -> None:
    assert seconds(parse(["max-age=60, max-age"]), "max-age") == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [("60", 60), ("0", 0), ("-1", 0), ("1.5", 0), ("x", 0), ("", 0), ("9" * 11, MAX_SECONDS), ("٣", 0)],
)
def test_seconds_that_are_no_number_are_none_at_all(value: str, expected: int) -> None:
    assert seconds({"max-age": value}, "max-age") == expected


def test_an_absent_directive_is_not_zero() -> None:
    assert seconds({}, "max-age") is None


@given(st.lists(st.text(max_size=60), max_size=4))
def test_no_text_breaks_the_parser(lines: list[str]) -> None:
    found = parse(lines)

    assert all(name == name.lower() and name for name in found)


def test_pragma_counts_only_without_cache_control() -> None:
    assert "no-cache" in cache_control(headers(Pragma="no-cache"))
    assert "no-cache" not in cache_control(headers(Pragma="no-cache", Cache_Control="max-age=1"))


@pytest.mark.parametrize(
    "value",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_all_three_forms_of_a_date_are_read(value: str) -> None:
    assert http_date_s(value) == 784111777


@pytest.mark.parametrize("value", [None, "", "0", "-1", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT"])
def test_what_is_no_date_is_none(value: str | None) -> None:
    assert http_date_s(value) is None


@pytest.mark.parametrize(("value", "age"), [("7", 7), ("7, 9", 7), ("-7", 0), ("x", 0), ("", 0)])
def test_age_is_its_first_member(value: str, age: int) -> None:
    assert age_s(headers(Age=value)) == age

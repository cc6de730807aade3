"""Words, and names by how they begin."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.search.names import MAX_TAIL, Names
from brain.search.words import MAX_QUERY_WORDS, MAX_WORD_CHARS, Query, parse, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Café, GRÖSSE & Straße!", ["cafe", "grosse", "strasse"]),
        ("snake_case don't 4k60", ["snake", "case", "don", "t", "4k60"]),
        ("東京タワー at night", ["東京", "京タ", "タワ", "ワー", "at", "night"]),
        ("猫", ["猫"]),
        ("iphone15手机", ["iphone15", "手机"]),
        ("x" * 99, ["x" * MAX_WORD_CHARS]),
        ("… 🎉 —", []),
    ],
)
def test_words_are_folded_and_cut(text: str, found: list[str]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("night li", Query(["night", "li"], [], True)),
        ("night ", Query(["night"], [], False)),
        ("lights #NeonCity", Query(["lights"], ["neoncity"], False)),
        ("#neon lig", Query(["lig"], ["neon"], True)),
        ("# !", Query([], [], False)),
        ("", Query([], [], False)),
        ("a b c d e f g h i j", Query(list("abcdefgh"), [], False)),
    ],
)
def test_a_query_names_words_and_tags(text: str, query: Query) -> None:
    assert parse(text) == query


@given(st.text(max_size=400))
def test_any_query_is_bounded_and_finds_words_that_the_index_holds(text: str) -> None:
    query = parse(text)
    assert len(query.words) <= MAX_QUERY_WORDS and len(query.tags) <= MAX_QUERY_WORDS
    assert all(words(word) == [word] for word in query.words)


def test_names_come_by_frequency_and_leave_with_their_last_video() -> None:
    names = Names()
    for name, n in (("neon", 2), ("neonlights", 5), ("night", 9), ("neo", 1)):
        names.add(name, n)
    assert names.starting("neo", 2) == [("neonlights", 5), ("neon", 2)]
    names.add("neonlights", -5)
    assert names.starting("neo", 9) == [("neon", 2), ("neo", 1)]
    assert names.starting("zebra", 9) == []


CHANGES = st.lists(st.tuples(st.text("ab", max_size=3), st.sampled_from([1, -1])), max_size=60)


@given(CHANGES, st.text("ab", min_size=1, max_size=2))
def test_names_agree_with_a_plain_count(changes: list[tuple[str, int]], prefix: str) -> None:
    names, plain = Names(), Counter[str]()
    for number in range(MAX_TAIL):
        names.add(f"z{number}", 1)
    for name, n in changes:
        if plain[name] + n < 0:
            continue  # nothing leaves that never came
        names.add(name, n)
        plain[name] += n
        names.starting("a", 1)
    found = {name: n for name, n in plain.items() if n > 0 and name.startswith(prefix)}
    assert dict(names.starting(prefix, 100)) == found

"""Structured dictionaries: what is well-formed is read, anything else is refused as a whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.structured import Malformed, Token, dictionary


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("", {}),
        ("max-age=60", {"max-age": 60}),
        ("a, b=?0;x=1;y", {"a": True, "b": False}),
        ('a="q\\"x", b=tok/en, c=1.5, d=:aGk=:', {"a": 'q"x', "b": "tok/en", "c": 1.5, "d": b"aGk="}),
        ("a=(1 2;p   3);q=1, b", {"a": (1, 2, 3), "b": True}),
        ("a=1, a=2", {"a": 2}),
        ("a=@1659578233", {"a": 1659578233}),
    ],
)
def test_a_dictionary_is_read(text: str, members: dict[str, object]) -> None:
    assert dictionary([text]) == members


def test_lines_are_one_dictionary() -> None:
    assert dictionary(["a=1", "b=2"]) == {"a": 1, "b": 2}


def test_a_token_is_not_a_string() -> None:
    read = dictionary(['a=x, b="x"'])

    assert isinstance(read["a"], Token) and not isinstance(read["b"], Token)


@pytest.mark.parametrize(
    "text",
    [
        "a,",
        ",a",
        "A=1",
        "a =1",
        "a= 1",
        "a=1 b",
        "&&&",
        "a=1, &&",
        'a="x',
        "a=1234567890123456",
        "a=(1",
        "a=--1",
    ],
)
def test_what_is_not_a_dictionary_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        dictionary([text])


@given(st.lists(st.text(max_size=40), max_size=3))
def test_no_text_raises_anything_else(lines: list[str]) -> None:
    try:
        read = dictionary(lines)
    except Malformed:
        return
    assert all(name == name.lower() for name in read)

"""Identifiers: what is accepted, and how new ones sort."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidId
from shared.ids import (
    MAX_ID_CHARS,
    check_id,
    edge_id,
    event_id,
    made_ms,
    new_id,
    session_id,
    user_id,
    video_id,
)

GOOD = st.text("abcXYZ019_-", min_size=1, max_size=MAX_ID_CHARS)


@given(GOOD)
def test_an_id_of_allowed_characters_comes_back_unchanged(value: str) -> None:
    assert check_id(value, "id") == value


@pytest.mark.parametrize("value", ["", "a" * 65, "a.b", "a*", "a b", "ä", "a\n", "../x", ">"])
def test_an_id_that_could_widen_a_subject_or_a_path_is_refused(value: str) -> None:
    for check in (video_id, user_id, session_id, edge_id, event_id):
        with pytest.raises(InvalidId):
            check(value)


@given(st.integers(0, 2**48), st.integers(0, 2**48), st.binary(min_size=10, max_size=10))
def test_new_ids_are_ids_and_sort_by_time(one_ms: int, other_ms: int, entropy: bytes) -> None:
    one, other = new_id(one_ms, entropy), new_id(other_ms, entropy)

    assert len(check_id(one, "id")) == 26
    assert (one < other) == (one_ms < other_ms)


def test_entropy_makes_ids_of_one_millisecond_differ() -> None:
    assert new_id(1, b"0123456789") != new_id(1, b"0123456780")


def test_an_id_tells_when_it_was_made() -> None:
    assert made_ms(new_id(1_800_000_000_123, b"\xff" * 10)) == 1_800_000_000_123


@pytest.mark.parametrize("other", ["", "s1", "x" * 25, "i" * 26, "A" * 26])
def test_another_id_tells_no_time(other: str) -> None:
    assert made_ms(other) == 0

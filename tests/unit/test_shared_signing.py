"""Tokens: only ours, unchanged and in time are accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import http_status
from shared.signing import MAX_TOKEN_CHARS, Unauthorized, sign, verify

KEY = b"0123456789abcdef"
PAYLOADS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


@given(PAYLOADS, st.integers(1, 2**40))
def test_a_token_gives_its_payload_back_until_it_expires(payload: str, expires_s: int) -> None:
    token = sign(KEY, payload, expires_s)

    assert verify(KEY, token, expires_s - 1) == payload
    with pytest.raises(Unauthorized, match="expired"):
        verify(KEY, token, expires_s)


@given(PAYLOADS, st.data())
def test_a_changed_token_is_refused(payload: str, draw: st.DataObject) -> None:
    token = sign(KEY, payload, 1000)
    place = draw.draw(st.integers(0, len(token) - 1))
    other = draw.draw(st.characters().filter(lambda c: c != token[place]))

    with pytest.raises(Unauthorized):
        verify(KEY, token[:place] + other + token[place + 1 :], 0)


@given(st.text(max_size=300))
def test_any_text_is_refused_with_the_same_error(token: str) -> None:
    with pytest.raises(Unauthorized):
        verify(KEY, token, 0)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "x" * (MAX_TOKEN_CHARS + 1), "1.YQ.€"])
def test_malformed_tokens_are_refused(token: str) -> None:
    with pytest.raises(Unauthorized) as told:
        verify(KEY, token, 0)

    assert http_status(told.value) == 401


def test_another_keys_token_is_refused() -> None:
    with pytest.raises(Unauthorized):
        verify(KEY, sign(b"another-key-0123", "s1", 1000), 0)


def test_a_short_key_is_a_bug_of_ours() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        sign(b"short", "s1", 1000)


@given(PAYLOADS)
def test_a_token_stands_in_a_url_as_it_is(payload: str) -> None:
    assert set(sign(KEY, payload, 1000)) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
    )

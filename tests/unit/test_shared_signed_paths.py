"""Signed paths: one signature for all objects of a video, keys that change hands, and one kind of "no"."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ConfigError
from shared.signing import Flaw, Keyring, PathKey, Signed, path_keys

OLD = PathKey("old", b"0" * 16, 0, 2000)
NEW = PathKey("new", b"1" * 16, 1000)
RING = Keyring((NEW, OLD))
SEGMENT = st.text(st.sampled_from("abc-_0"), min_size=1, max_size=5)


def test_one_signature_covers_what_is_below_the_prefix_and_nothing_else() -> None:
    signature = RING.sign_path("/v/one/", 2, 500, now_s=100)

    assert RING.check_path(signature, "/v/one/240/1.m4s", 100) == Signed(500)
    assert RING.check_path(signature, "/v/one/", 100) == Signed(500)
    for path in ("/v/one", "/v/two/240/1.m4s", "/v/one2/a", "/w/one/a", "/v//one/a", "", "/"):
        assert RING.check_path(signature, path, 100) is Flaw.INVALID


def test_depth_zero_covers_one_path() -> None:
    signature = RING.sign_path("/v/one/open.mp4", 0, 500, now_s=100)

    assert RING.check_path(signature, "/v/one/open.mp4", 100) == Signed(500)
    assert RING.check_path(signature, "/v/one/open.mp4/", 100) is Flaw.INVALID


@given(st.lists(SEGMENT, min_size=2, max_size=5), st.integers(1, 3), st.lists(SEGMENT, min_size=1))
def test_a_prefix_is_whole_segments(parts: list[str], depth: int, other: list[str]) -> None:
    path = "/" + "/".join(parts) + "/x"
    depth = min(depth, len(parts))
    signature = RING.sign_path(path, depth, 500, now_s=100)
    shown = "/" + "/".join(other)

    good = isinstance(RING.check_path(signature, shown, 100), Signed)

    assert good == (other[:depth] == parts[:depth] and len(other) > depth)


def test_it_expires() -> None:
    signature = RING.sign_path("/v/one/", 2, 500, now_s=100)

    assert RING.check_path(signature, "/v/one/a", 499.9) == Signed(500)
    assert RING.check_path(signature, "/v/one/a", 500) is Flaw.EXPIRED


def test_keys_overlap_while_they_change() -> None:
    before = RING.sign_path("/v/one/", 2, 1900, now_s=900)
    after = RING.sign_path("/v/one/", 2, 9000, now_s=1100)

    assert (before.split(".")[0], after.split(".")[0]) == ("old", "new")
    assert RING.check_path(before, "/v/one/a", 1500) == Signed(1900)
    assert RING.check_path(after, "/v/one/a", 1500) == Signed(9000)


def test_a_signature_does_not_outlive_its_key() -> None:
    signature = Keyring((OLD,)).sign_path("/v/one/", 2, 9000, now_s=900)

    assert RING.check_path(signature, "/v/one/a", 1999) == Signed(2000)
    assert RING.check_path(signature, "/v/one/a", 2000) is Flaw.EXPIRED


def test_a_key_is_not_accepted_long_before_it_may_sign() -> None:
    signature = RING.sign_path("/v/one/", 2, 9000, now_s=1100)

    assert RING.check_path(signature, "/v/one/a", 950) == Signed(9000)
    assert RING.check_path(signature, "/v/one/a", 900) is Flaw.INVALID


def test_no_active_key_no_signature() -> None:
    with pytest.raises(ConfigError):
        Keyring((OLD,)).sign_path("/v/one/", 2, 9000, now_s=2000)
    assert not Keyring((OLD,)).may_sign(2000) and RING.may_sign(2000)


def test_an_unknown_key_is_refused_like_a_wrong_signature() -> None:
    signature = RING.sign_path("/v/one/", 2, 500, now_s=100)

    assert RING.check_path(signature.replace("old", "who"), "/v/one/a", 100) is Flaw.INVALID
    assert RING.check_path(signature.replace("old", "new"), "/v/one/a", 100) is Flaw.INVALID


@given(st.data())
def test_a_changed_signature_is_refused(draw: st.DataObject) -> None:
    signature = RING.sign_path("/v/one/", 2, 500, now_s=100)
    place = draw.draw(st.integers(0, len(signature) - 1))
    other = draw.draw(st.characters().filter(lambda letter: letter != signature[place]))

    changed = signature[:place] + other + signature[place + 1 :]

    # The last letter of 32 bytes in base 64 carries two bits that are not theirs.
    assert place == len(signature) - 1 or RING.check_path(changed, "/v/one/a", 100) is Flaw.INVALID


@given(st.text(max_size=100), st.text(max_size=20))
def test_any_text_is_refused(signature: str, path: str) -> None:
    assert RING.check_path(signature, path, 100) is Flaw.INVALID


def test_keys_are_read_from_text() -> None:
    keys = path_keys(["a:0123456789abcdef", "b:0123456789abcdef:10", "c:0123456789abcdef::20"])

    assert [(key.id, key.not_before_s, key.not_after_s) for key in keys] == [
        ("a", 0, float("inf")),
        ("b", 10, float("inf")),
        ("c", 0, 20),
    ]


@pytest.mark.parametrize(
    "texts",
    [
        *([text] for text in ("", "a", "a:short", "a b:0123456789abcdef", "a:0123456789abcdef:x")),
        *([text] for text in ("a:0123456789abcdef:nan", "a:0123456789abcdef:1:2:3")),
        ["a:0123456789abcdef", "a:fedcba9876543210"],
    ],
)
def test_a_wrong_key_is_refused_without_telling_it(texts: list[str]) -> None:
    with pytest.raises(ConfigError) as refused:
        path_keys(texts)
    assert "0123456789abcdef" not in refused.value.detail

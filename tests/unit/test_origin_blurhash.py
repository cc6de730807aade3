"""Blurhash against facts of the published algorithm."""

import pytest

from origin.packaging.blurhash import encode
from shared.errors import InvalidRequest

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"


def number(text: str) -> int:
    value = 0
    for char in text:
        value = value * 83 + ALPHABET.index(char)
    return value


def test_the_first_character_tells_the_number_of_components() -> None:
    assert number(encode(bytes(3 * 64), 8, 4, 5)[0]) == 3 + 4 * 9


def test_the_mean_colour_is_the_pictures() -> None:
    red = encode(bytes([255, 0, 0]) * 64, 8)
    assert number(red[2:6]) == 0xFF0000


def test_the_length_follows_the_components() -> None:
    assert len(encode(bytes(3 * 64), 8, 4, 5)) == 4 + 2 * 4 * 5
    assert len(encode(bytes(3 * 64), 8, 1, 1)) == 6


def test_black_is_the_published_hash_of_black() -> None:
    assert encode(bytes(3 * 64), 8, 4, 3) == "L00000fQfQfQfQfQfQfQfQfQfQfQ"


def test_light_on_the_left_has_a_positive_first_component() -> None:
    row = bytes([255] * 12 + [0] * 12)
    code = encode(row * 8, 8, 2, 1)
    assert number(code[6:8]) > number(encode(bytes(reversed(row)) * 8, 8, 2, 1)[6:8])


@pytest.mark.parametrize(("n_bytes", "side", "n_x"), [(10, 8, 4), (192, 8, 0), (192, 8, 10)])
def test_wrong_sizes_are_refused(n_bytes: int, side: int, n_x: int) -> None:
    with pytest.raises(InvalidRequest):
        encode(bytes(n_bytes), side, n_x, 4)

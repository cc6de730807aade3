"""An object's bytes on disk: what is written is read, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.frame import PREFIX_BYTES, framed, read_file, read_head, read_prefix
from tests.edge_cache_builders import TO_THE_LETTER, headers, make_entry


def written(tag: str = "") -> bytes:
    return b"".join(framed(make_entry(Surrogate_Key=tag)))


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_written_is_read(body: bytes, value: str) -> None:
    entry = make_entry(body=body, X_Any=value, Surrogate_Key="video:1", Vary="X", request=headers(X="1"))

    read = read_file(b"".join(framed(entry)), TO_THE_LETTER)

    assert read == entry
    assert list(read.headers.items()) == list(entry.headers.items())


def test_every_flipped_byte_is_noticed() -> None:
    data = written()

    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 0x40
        with pytest.raises(ValueError, match=r"."):
            read_file(bytes(flipped), TO_THE_LETTER)


def test_every_torn_file_is_noticed() -> None:
    data = written()

    for length in range(len(data)):
        with pytest.raises(ValueError, match=r"."):
            read_file(data[:length], TO_THE_LETTER)


def test_a_file_with_something_after_its_end_is_refused() -> None:
    with pytest.raises(ValueError, match="digest"):
        read_file(written() + b"x", TO_THE_LETTER)


@given(st.binary(max_size=300))
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_file(data, TO_THE_LETTER)


def test_the_head_is_enough_for_the_index() -> None:
    data = written(tag="video:1")
    prefix = read_prefix(data[:PREFIX_BYTES])

    meta = read_head(prefix, data[PREFIX_BYTES : PREFIX_BYTES + prefix.head_bytes], TO_THE_LETTER)

    assert meta.tags == ("video:1",) and meta.size_bytes == 7


def test_a_head_over_its_limit_is_not_written() -> None:
    with pytest.raises(ValueError, match="over"):
        framed(make_entry(X_Huge="x" * 300_000))

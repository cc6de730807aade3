"""An object's bytes on disk: what is written is read, and nothing else is."""

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cache.entry import Entry, complete
from edge.cache.frame import FORMER, N_FIELDS, WRITTEN, check_body, framed, read_head, read_prefix
from edge.cache.freshness import StorageRules
from tests.edge_cache_builders import TO_THE_LETTER, headers, make_entry


def read_file(data: bytes, number: int, storage: StorageRules) -> Entry:
    """The entry in the bytes of the whole file `number`, every digest verified. Raises ValueError."""
    prefix = read_prefix(data)
    meta = read_head(prefix, prefix.head_of(data), number, storage)
    body = data[prefix.body_at :]
    if len(body) != meta.size_bytes:
        raise ValueError(f"the body has {len(body)} bytes and not {meta.size_bytes}: no digest can match")
    check_body(prefix, body)
    return complete(meta, body)


def formerly_written(tag: str = "") -> bytes:
    """The same object in the layout before."""
    data = written(tag)
    prefix, body = read_prefix(data), make_entry().body
    head = prefix.head_of(data)
    digests = FORMER.hashed(head).digest(), FORMER.hashed(body).digest()
    return FORMER.prefix.pack(FORMER.magic, len(head), *digests) + head + bytes(body)


def written(tag: str = "") -> bytes:
    return b"".join(framed(make_entry(Surrogate_Key=tag), 7))


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_is_written_is_read(body: bytes, value: str) -> None:
    entry = make_entry(body=body, X_Any=value, Surrogate_Key="video:1", Vary="X", request=headers(X="1"))

    read = read_file(b"".join(framed(entry, 7)), 7, TO_THE_LETTER)

    assert read == entry
    assert list(read.headers.items()) == list(entry.headers.items())


def test_the_former_layout_is_read() -> None:
    assert read_file(formerly_written("video:1"), 7, TO_THE_LETTER) == make_entry(Surrogate_Key="video:1")


@pytest.mark.parametrize("data", [written(), formerly_written()])
def test_every_flipped_byte_is_noticed(data: bytes) -> None:
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 0x40
        with pytest.raises(ValueError, match=r"."):
            read_file(bytes(flipped), 7, TO_THE_LETTER)


@pytest.mark.parametrize("data", [written(), formerly_written()])
def test_every_torn_file_is_noticed(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(ValueError, match=r"."):
            read_file(data[:length], 7, TO_THE_LETTER)


def test_a_file_with_something_after_its_end_is_refused() -> None:
    with pytest.raises(ValueError, match="digest"):
        read_file(written() + b"x", 7, TO_THE_LETTER)


@given(st.binary(max_size=300))
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_file(data, 7, TO_THE_LETTER)


def test_the_head_is_enough_for_the_index() -> None:
    data = written(tag="video:1")
    prefix = read_prefix(data[: WRITTEN.prefix.size])

    meta = read_head(prefix, prefix.head_of(data), 7, TO_THE_LETTER)

    assert meta.tags == ("video:1",) and meta.size_bytes == 7


def test_a_file_that_was_written_as_another_is_refused() -> None:
    with pytest.raises(ValueError, match="another file"):
        read_file(written(), 8, TO_THE_LETTER)


def test_a_head_without_the_number_of_its_file_is_read() -> None:
    data = written()
    prefix, body = read_prefix(data), make_entry().body
    head = msgpack.packb(msgpack.unpackb(prefix.head_of(data))[:N_FIELDS])
    digests = WRITTEN.hashed(head).digest(), WRITTEN.hashed(body).digest()
    former = WRITTEN.prefix.pack(WRITTEN.magic, len(head), *digests) + head + bytes(body)

    assert read_file(former, 8, TO_THE_LETTER) == make_entry(Surrogate_Key="")


def test_a_head_over_its_limit_is_not_written() -> None:
    with pytest.raises(ValueError, match="over"):
        framed(make_entry(X_Huge="x" * 300_000), 7)

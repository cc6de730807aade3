"""The spool's record format, torn anywhere."""

from hypothesis import given
from hypothesis import strategies as st

from edge import records

payloads = st.lists(st.binary(min_size=1, max_size=60), max_size=8)


@given(payloads)
def test_records_come_back_as_they_went(parts: list[bytes]) -> None:
    data = b"".join(records.frame(part) for part in parts)

    assert records.read(data, 100) == (parts, len(data))


@given(payloads, st.data())
def test_a_torn_tail_loses_only_the_torn_record(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(records.frame(part) for part in parts)
    cut = data.draw(st.integers(0, len(whole)))

    found, length = records.read(whole[:cut], 100)

    assert found == parts[: len(found)]
    assert length <= cut
    assert len(found) == len(parts) or cut - length < records.HEAD_BYTES + len(parts[len(found)])


@given(payloads, st.binary(min_size=1, max_size=30))
def test_garbage_after_whole_records_is_not_read(parts: list[bytes], tail: bytes) -> None:
    whole = b"".join(records.frame(part) for part in parts)

    assert records.read(whole + tail, 100)[0][: len(parts)] == parts


def test_a_flipped_bit_ends_the_reading() -> None:
    data = bytearray(records.frame(b"first") + records.frame(b"second"))
    data[-1] ^= 1

    assert records.read(bytes(data), 100)[0] == [b"first"]


def test_a_tail_of_zeros_is_no_record() -> None:
    assert records.read(records.frame(b"one") + bytes(64), 100)[0] == [b"one"]


def test_reading_stops_at_its_limit() -> None:
    data = records.frame(b"a") + records.frame(b"b")

    assert records.read(data, 1) == ([b"a"], len(records.frame(b"a")))

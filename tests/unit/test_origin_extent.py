"""Files that end before their headers say so."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.transcode.errors import BrokenMedia
from origin.transcode.extent import check_extent
from origin.transcode.sniff import Container
from tests.media_builders import box

WHOLE = box(b"ftyp", b"isom") + box(b"moov", b"m" * 40) + box(b"mdat", b"d" * 100)
HEADER = b"\x1a\x45\xdf\xa3\x82ab"
SEGMENT = b"\x18\x53\x80\x67"


def check(container: Container, data: bytes) -> None:
    check_extent(container, len(data), lambda offset, n_bytes: data[offset : offset + n_bytes])


def reason(container: Container, data: bytes) -> BrokenMedia:
    with pytest.raises(BrokenMedia) as broken:
        check(container, data)
    return broken.value


def test_a_whole_file_passes() -> None:
    check(Container.MOV, WHOLE)
    check(Container.MOV, box(b"mdat", b"d") + box(b"moov", b"m"))


def test_a_cut_mdat_is_named_with_what_it_claims() -> None:
    broken = reason(Container.MOV, WHOLE[:-60])
    assert broken.facts == {"claimed_bytes": 108, "actual_bytes": 48}
    assert "truncated: the mdat box" in broken.detail


def test_four_gigabytes_claimed_in_a_hundred_bytes_are_truncated() -> None:
    big = struct.pack(">I4sQ", 1, b"mdat", 4 * 1024**3) + bytes(80)
    assert reason(Container.MOV, box(b"ftyp", b"isom") + big).facts["claimed_bytes"] == 4 * 1024**3


def test_a_missing_moov_is_truncated() -> None:
    assert "moov" in reason(Container.MOV, WHOLE[:12] + box(b"mdat", b"d")).detail


def test_a_moov_without_frames_is_truncated() -> None:
    assert "mdat" in reason(Container.MOV, box(b"ftyp", b"isom") + box(b"moov", b"m")).detail


def test_an_mdat_of_size_zero_reaches_to_the_end() -> None:
    check(Container.MOV, box(b"moov", b"m") + struct.pack(">I4s", 0, b"mdat") + bytes(50))


def test_padding_behind_the_last_box_is_no_fault() -> None:
    check(Container.MOV, WHOLE + bytes(7) + b"\xff" * 30)


def test_a_segment_of_known_size_must_be_there() -> None:
    assert "truncated" in reason(Container.MATROSKA, HEADER + SEGMENT + b"\x84abc").detail
    check(Container.MATROSKA, HEADER + SEGMENT + b"\x84abcd")


def test_a_live_segment_of_unknown_size_passes() -> None:
    check(Container.MATROSKA, HEADER + SEGMENT + b"\x01" + b"\xff" * 7)


def test_a_header_without_segment_is_truncated() -> None:
    assert "Segment" in reason(Container.MATROSKA, HEADER).detail


@given(st.sampled_from(Container), st.binary(max_size=300), st.booleans())
def test_any_bytes_pass_or_are_broken(container: Container, noise: bytes, in_a_box: bool) -> None:
    data = WHOLE + noise if in_a_box else noise
    try:
        check(container, data)
    except BrokenMedia as broken:
        assert broken.detail

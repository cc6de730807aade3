"""Ranges and validators of immutable objects."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.errors import RangeNotSatisfiable
from origin.handlers import headers as http

ETAG = '"abc"'
SIZE = 100


def chosen(**headers: str) -> tuple[int, int, int]:
    found = http.select({name.replace("_", "-"): value for name, value in headers.items()}, ETAG, SIZE)
    return found.status, found.start, found.stop


def test_without_conditions_the_whole_object_is_sent() -> None:
    assert chosen() == (200, 0, 100)


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-9", (206, 0, 10)),
        ("bytes=90-", (206, 90, 100)),
        ("bytes=-5", (206, 95, 100)),
        ("bytes=-500", (206, 0, 100)),
        ("bytes=50-5000", (206, 50, 100)),
    ],
)
def test_a_range_selects_its_bytes(header: str, part: tuple[int, int, int]) -> None:
    assert chosen(Range=header) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_a_range_beyond_the_end_is_not_satisfiable(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        chosen(Range=header)


@pytest.mark.parametrize("header", ["bytes=9-0", "bytes=-", "bytes=0-1,5-6", "items=0-1", "bytes=x-1", "0-1"])
def test_a_range_that_we_do_not_understand_is_ignored(header: str) -> None:
    assert chosen(Range=header) == (200, 0, 100)


@pytest.mark.parametrize("header", [ETAG, f'"x", {ETAG}', f"W/{ETAG}", "*"])
def test_a_known_validator_is_answered_with_304(header: str) -> None:
    assert chosen(If_None_Match=header, Range="bytes=0-1")[0] == 304


def test_a_range_of_another_version_gets_the_whole_object() -> None:
    assert chosen(Range="bytes=0-9", If_Range='"old"') == (200, 0, 100)
    assert chosen(Range="bytes=0-9", If_Range=ETAG) == (206, 0, 10)


@given(st.text(max_size=40))
def test_any_range_header_selects_bytes_inside_or_is_refused(header: str) -> None:
    try:
        status, start, stop = chosen(Range=header)
    except RangeNotSatisfiable:
        return
    assert status in (200, 206)
    assert 0 <= start < stop <= SIZE


def test_digest_and_validator_name_the_same_content() -> None:
    sha256 = "00" * 31 + "ff"
    assert http.etag_of(sha256) == f'"{"00" * 16}"'
    assert http.repr_digest(sha256) == "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8=:"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a/open.mp4", "video/mp4"),
        ("a/1.m4s", "video/iso.segment"),
        ("p.webp", "image/webp"),
        ("x", "application/octet-stream"),
    ],
)
def test_the_ending_names_the_media_type(path: str, kind: str) -> None:
    assert http.content_type(path) == kind

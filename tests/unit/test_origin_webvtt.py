"""Captions as uploaded."""

import pytest

from origin.packaging.webvtt import MAX_CUES, checked
from shared.errors import InvalidRequest

CUE = "00:01.000 --> 00:02.500\nHello\n"


def test_captions_keep_their_text_and_get_plain_line_ends() -> None:
    timing = "00:01.000 --> 01:00:02.500 line:0"
    sent = f"\ufeffWEBVTT - a title\r\n\r\nNOTE a remark\r\n\r\none\r\n{timing}\r\nHé\r\n"
    assert checked(sent.encode()) == f"WEBVTT - a title\n\nNOTE a remark\n\none\n{timing}\nHé\n"


def test_cues_may_overlap_and_begin_together() -> None:
    text = f"WEBVTT\n\n{CUE}\n{CUE}\n00:02.000 --> 00:03.000\nTogether\n"
    assert checked(text.encode()) == text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "WEBVTT"),
        (b"1\n00:00:01,000 --> 00:00:02,000\nSubRip\n", "WEBVTT"),
        (b"WEBVTTX\n\n" + CUE.encode(), "WEBVTT"),
        (b"WEBVTT\n\n\xff" + CUE.encode(), "UTF-8; byte 8"),
        (b"WEBVTT\n\n\0" + CUE.encode(), "NUL"),
        (b"WEBVTT\n", "cues, got 0"),
        (b"WEBVTT\n\n00:01.000-->00:02.000\nx\n", "line 3"),
        (b"WEBVTT\n\n00:61.000 --> 00:62.000\nx\n", "line 3"),
        (b"WEBVTT\n\n00:02.000 --> 00:02.000\nx\n", "line 3"),
        (b"WEBVTT\n\n00:02.000 --> 00:03.000\nx\n\n00:01.000 --> 00:03.000\ny\n", "line 6"),
        (b"WEBVTT\n\n" + (CUE + "\n").encode() * (MAX_CUES + 1), f"1 to {MAX_CUES} cues"),
    ],
)
def test_what_is_wrong_is_named(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason):
        checked(body)

"""Magic bytes: what we take, and what the refusal calls the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.transcode.errors import UnsupportedMedia
from origin.transcode.sniff import Container, sniff
from shared.errors import http_status

EBML = b"\x1a\x45\xdf\xa3"


@pytest.mark.parametrize("box", [b"ftypisom", b"ftypqt  ", b"moov....", b"mdat....", b"wide...."])
def test_iso_media_is_taken_by_its_first_box(box: bytes) -> None:
    assert sniff(b"\0\0\0\x18" + box) is Container.MOV


def test_matroska_and_webm_are_taken() -> None:
    assert sniff(EBML + b"\x9f\x42\x86") is Container.MATROSKA


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"", "an empty file"),
        (b"\0" * 100, "nothing but zero bytes"),
        (b"<!DOCTYPE HTML>\n<p>Not found", "an HTML page"),
        (b"\xef\xbb\xbf  <html>", "an HTML page"),
        (b"<svg xmlns=''>", "an SVG image"),
        (b"<?xml version='1.0'?><a/>", "an XML document"),
        (b"\x89PNG\r\n\x1a\n....", "a PNG image"),
        (b"\xff\xd8\xff\xe0", "a JPEG image"),
        (b"\0\0\0\x18ftypheic", "an image in an ISO container"),
        (b"\0\0\0\x18ftypM4A ", "an audio file"),
        (b"RIFF....WEBP", "a WebP image"),
        (b"PK\x03\x04....", "a ZIP archive or an office document"),
        (b"#EXTM3U\nfile:///etc/passwd", "an HLS playlist"),
        (b"ffconcat version 1.0", "an ffmpeg script"),
        (b"v=0\r\no=- 0 0 IN IP4", "plain text"),
        (("ä" * 3000).encode()[:4095], "plain text"),
        ((b"G" + bytes(187)) * 3, "an MPEG transport stream"),
        (bytes(range(1, 200)), "of no form that we know"),
    ],
)
def test_everything_else_is_refused_by_its_name(head: bytes, name: str) -> None:
    with pytest.raises(UnsupportedMedia) as refused:
        sniff(head)
    assert refused.value.facts["looks_like"] == name
    assert http_status(refused.value) == 415


@given(st.binary(max_size=600))
def test_any_bytes_are_a_container_or_a_refusal(head: bytes) -> None:
    try:
        assert sniff(head) in Container
    except UnsupportedMedia as refused:
        assert refused.detail

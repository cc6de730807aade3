"""Which container the first bytes of an upload are, by magic number.

Pure. Only two families are ours: ISO base media (ISO/IEC 14496-12 §4.3) and Matroska (RFC 9559 §4).
Everything else is named, so that the uploader reads what was sent. A playlist or SDP named `.mp4` ends here
too: those make ffmpeg open other files.
"""

from enum import StrEnum

from origin.transcode.errors import UnsupportedMedia

HEAD_BYTES = 4096
"""How much of an upload `sniff` wants to see."""


class Container(StrEnum):
    """The value is the name of the demuxer that we force."""

    MOV = "mov"
    MATROSKA = "matroska"


_ISO_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"}
_IMAGE_BRANDS = {b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"crx ", b"jxl "}
_AUDIO_BRANDS = {b"M4A ", b"M4B ", b"M4P "}
_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "gzip data"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"FLV\x01", "a Flash video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
    (b"OggS", "an Ogg file"),
    (b"ID3", "an MP3 file"),
    (b"fLaC", "a FLAC file"),
    (b"\x00\x00\x01\xba", "an MPEG program stream"),
    (b"#EXTM3U", "an HLS playlist"),
    (b"ffconcat", "an ffmpeg script"),
)
_RIFF = {b"AVI ": "an AVI file", b"WAVE": "a WAV file", b"WEBP": "a WebP image"}
_MARKUP = ((b"<!doctype html", "an HTML page"), (b"<html", "an HTML page"), (b"<svg", "an SVG image"))


def sniff(head: bytes) -> Container:
    """The container that `head`, the first HEAD_BYTES of a file, begins. Raises UnsupportedMedia."""
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return Container.MATROSKA
    if head[4:8] in _ISO_FIRST_BOXES and head[8:12] not in _IMAGE_BRANDS | _AUDIO_BRANDS:
        return Container.MOV
    looks = _looks_like(head)
    raise UnsupportedMedia(f"this is {looks}; we take MP4, MOV, WebM and MKV video", looks_like=looks)


def _looks_like(head: bytes) -> str:
    if head[4:8] == b"ftyp":
        return "an image in an ISO container" if head[8:12] in _IMAGE_BRANDS else "an audio file"
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "a RIFF file")
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "an MPEG transport stream"
    if not head.strip(b"\0"):
        return "nothing but zero bytes" if head else "an empty file"
    return _looks_like_text(head)


def _looks_like_text(head: bytes) -> str:
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        # A character cut in two by the end of the head is still text.
        if error.start < len(head) - 4:
            return "of no form that we know"
        text = head[: error.start].decode()
    text = text.removeprefix("\ufeff")
    if not all(char.isprintable() or char in "\r\n\t\f" for char in text):
        return "of no form that we know"
    start = text.lstrip().lower().encode()
    for mark, name in _MARKUP:
        if start.startswith(mark):
            return name
    return "an XML document" if start.startswith(b"<?xml") else "plain text"

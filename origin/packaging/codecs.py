"""Codec names of RFC 6381 from a track's sample description.

Pure. `avc1.PPCCLL` from avcC (ISO/IEC 14496-15 §5.3), `mp4a.40.N` from esds (ISO/IEC 14496-1 §7.2.6).
"""

from origin.packaging.boxes import Box, Data, NotCmaf, boxes, find, uint

_VISUAL_ENTRY_BYTES = 78
_AUDIO_ENTRY_BYTES = 28
_ES, _DECODER_CONFIG, _DECODER_SPECIFIC = 3, 4, 5
_MPEG4_AUDIO = 0x40
_ESCAPED_OBJECT_TYPE = 31


def codec(data: Data, stsd: Box) -> str:
    """The name of the first sample entry in `stsd`."""
    entry = next(boxes(data, stsd.body + 8, stsd.end), None)
    if entry is None:
        raise NotCmaf("stsd has no sample entry")
    name = entry.kind.decode("latin-1")
    if name == "avc1":
        config = find(data, entry._replace(body=entry.body + _VISUAL_ENTRY_BYTES), b"avcC")
        if config:
            return f"avc1.{uint(data, config.body + 1, 3, config.end):06x}"
    if name == "mp4a":
        config = find(data, entry._replace(body=entry.body + _AUDIO_ENTRY_BYTES), b"esds")
        if config:
            return f"mp4a.40.{_object_type(data, config)}"
    raise NotCmaf(f"sample entry {name!r} has no configuration that we know")


def _descriptor(data: Data, offset: int, end: int, tag: int) -> tuple[int, int]:
    """Body and end of the descriptor at `offset`, which must have this tag."""
    if uint(data, offset, 1, end) != tag:
        raise NotCmaf(f"esds has no descriptor {tag} at {offset}")
    size = 0
    for at in range(offset + 1, offset + 5):
        byte = uint(data, at, 1, end)
        size = size << 7 | byte & 0x7F
        if not byte & 0x80:
            return at + 1, min(at + 1 + size, end)
    raise NotCmaf("a descriptor's length does not end")


def _object_type(data: Data, esds: Box) -> int:
    body, end = _descriptor(data, esds.body + 4, esds.end, _ES)
    flags = uint(data, body + 2, 1, end)
    if flags & 0xE0:
        raise NotCmaf("an esds that depends on another stream")
    body, end = _descriptor(data, body + 3, end, _DECODER_CONFIG)
    if uint(data, body, 1, end) != _MPEG4_AUDIO:
        raise NotCmaf("the audio is not MPEG-4 audio")
    body, end = _descriptor(data, body + 13, end, _DECODER_SPECIFIC)
    bits = uint(data, body, 2, end)
    kind = bits >> 11
    return kind if kind != _ESCAPED_OBJECT_TYPE else 32 + (bits >> 5 & 0x3F)

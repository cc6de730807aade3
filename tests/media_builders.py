"""Dull facts, probes and hand-made fragmented MP4 files for the origin's unit tests."""

import struct
from typing import Any

from origin.transcode.admission import Facts, ProbeResult
from origin.transcode.sniff import Container

NON_SYNC = 0x00010000


def make_facts(**changes: Any) -> Facts:
    """What demux.py says of a sound three-second portrait clip."""
    plain: dict[str, Any] = {
        "n_streams": 2,
        "video_index": 0,
        "audio_index": 1,
        "video_codec": "h264",
        "audio_codec": "aac",
        "width": 360,
        "height": 640,
        "pixel_format": "yuv420p",
        "declared_s": 3.0,
        "found_s": 3.0,
        "end_s": 3.0,
        "fps": 30.0,
        "has_picture": True,
        "has_sound": True,
    }
    return Facts(**plain | changes)


def make_probe(**changes: Any) -> ProbeResult:
    """A sound three-second portrait clip, accepted."""
    plain: dict[str, Any] = {
        "container": Container.MOV,
        "duration_ms": 3000,
        "width": 720,
        "height": 1280,
        "rotation": 0,
        "fps": 30.0,
        "is_vfr": False,
        "video_codec": "h264",
        "audio_codec": "aac",
        "pixel_format": "yuv420p",
        "transfer": 1,
        "primaries": 1,
        "is_interlaced": False,
        "video_index": 0,
        "audio_index": 1,
    }
    return ProbeResult(**plain | changes)


def box(kind: bytes, *body: bytes) -> bytes:
    """An ISO box."""
    content = b"".join(body)
    return struct.pack(">I", 8 + len(content)) + kind + content


def numbers(*values: int) -> bytes:
    """32-bit big-endian numbers."""
    return struct.pack(f">{len(values)}I", *values)


AVC1 = box(b"avc1", bytes(78), box(b"avcC", b"\x01\x64\x00\x1e\xff"))
_CONFIG = b"\x05\x02\x11\x90"
_DECODER = b"\x04\x11\x40\x15" + bytes(11) + _CONFIG
MP4A = box(b"mp4a", bytes(28), box(b"esds", bytes(4), b"\x03\x16\x00\x01\x00" + _DECODER))


def make_track(number: int, kind: bytes, entry: bytes, timescale: int, edit_start: int = 0) -> bytes:
    """A trak box with all that cmaf.py reads."""
    size = numbers(360 << 16, 640 << 16) if kind == b"vide" else numbers(0, 0)
    return box(
        b"trak",
        box(b"tkhd", numbers(0, 0, 0, number), bytes(60), size),
        box(b"edts", box(b"elst", numbers(0, 1, 0, edit_start), bytes(4))) if edit_start else b"",
        box(
            b"mdia",
            box(b"mdhd", numbers(0, 0, 0, timescale, 0, 0)),
            box(b"hdlr", numbers(0, 0), kind, bytes(13)),
            box(b"minf", box(b"stbl", box(b"stsd", numbers(0, 1), entry))),
        ),
    )


def make_init(edit_start: int = 512) -> bytes:
    """ftyp and moov of a video track 1 (15360 ticks a second) and an audio track 2 (48000)."""
    trex = [box(b"trex", numbers(0, number, 1, 0, 0, 0)) for number in (1, 2)]
    tracks = make_track(1, b"vide", AVC1, 15360, edit_start), make_track(2, b"soun", MP4A, 48000)
    return box(b"ftyp", b"iso5", bytes(4)) + box(b"moov", *tracks, box(b"mvex", *trex))


def make_fragment(second: int, n_frames: int = 30, first_flags: int = 0, media: bytes = b"frames") -> bytes:
    """One moof + mdat that starts at `second`: frames of 512 ticks, the first shown 512 ticks late."""
    samples = b"".join(numbers(512, 100, first_flags if n == 0 else NON_SYNC, 512) for n in range(n_frames))
    picture = box(
        b"traf",
        box(b"tfhd", numbers(0x020000, 1)),
        box(b"tfdt", numbers(0x01000000), struct.pack(">Q", second * 15360)),
        box(b"trun", numbers(0xF01, n_frames, 0), samples),
    )
    sound = box(b"traf", box(b"tfhd", numbers(0x020000, 2)), box(b"tfdt", numbers(0, second * 48000)))
    return box(b"moof", picture, sound) + box(b"mdat", media)

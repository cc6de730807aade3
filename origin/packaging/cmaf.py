"""Splits a fragmented MP4 into its init segment and its fragments, and measures them (ISO/IEC 23000-19).

Pure. Gives places in the data, not copies. A fragment is moof + mdat; styp, sidx and mfra are left out, since
the playlist tells what they tell. A video track must be there, and time must be told by tfdt.
"""

from dataclasses import dataclass
from itertools import pairwise

from origin.packaging.boxes import Box, Data, NotCmaf, boxes, child, find, uint
from origin.packaging.codecs import codec

MAX_FRAGMENTS = 3_600
_NON_SYNC = 0x00010000
_TFHD_FIELDS = ((0x1, 8), (0x2, 4), (0x8, 4), (0x10, 4), (0x20, 4))
_DURATION, _SIZE, _FLAGS, _OFFSET = 0x100, 0x200, 0x400, 0x800


@dataclass(frozen=True)
class Track:
    """One track of the init segment."""

    id: int
    kind: str
    """`vide` or `soun`."""
    timescale: int
    """Ticks a second."""
    codec: str
    """RFC 6381."""
    width: int
    height: int
    edit_start: int
    """Ticks of media that the edit list leaves out at the start: the encoder's delay."""
    default_duration: int
    default_flags: int


@dataclass(frozen=True)
class Fragment:
    """One moof + mdat."""

    offset: int
    size_bytes: int
    start_ms: float
    """Presentation time of its first picture."""
    duration_ms: float
    """Of its pictures."""
    starts_with_key: bool


@dataclass(frozen=True)
class Presentation:
    """A fragmented MP4, measured."""

    init_bytes: int
    """The init segment is the head of the data."""
    video: Track
    audio: Track | None
    fragments: tuple[Fragment, ...]

    @property
    def codecs(self) -> str:
        """Both codecs, as CODECS and MSE want them."""
        return ",".join(track.codec for track in (self.video, self.audio) if track)


def measure(data: Data) -> Presentation:
    """The presentation in `data`; raises NotCmaf, and nothing else, on any bytes."""
    top = list(boxes(data, 0, len(data)))
    moov = next((box for box in top if box.kind == b"moov"), None)
    if moov is None:
        raise NotCmaf("no moov box")
    tracks = _tracks(data, moov)
    video = next((track for track in tracks if track.kind == "vide"), None)
    if video is None:
        raise NotCmaf("no video track")
    audio = next((track for track in tracks if track.kind == "soun"), None)
    fragments: list[Fragment] = []
    for moof, mdat in pairwise(top):
        if moof.kind == b"moof":
            if mdat.kind != b"mdat" or moof.start < moov.end or len(fragments) >= MAX_FRAGMENTS:
                raise NotCmaf(f"the moof at {moof.start} has no mdat, is too early, or one too many")
            fragments.append(_fragment(data, moof, mdat, video))
    if not fragments:
        raise NotCmaf("no fragment")
    return Presentation(moov.end, video, audio, tuple(fragments))


def _tracks(data: Data, moov: Box) -> list[Track]:
    mvex = child(data, moov, b"mvex")
    defaults = {
        uint(data, box.body + 4, 4, box.end): box
        for box in boxes(data, mvex.body, mvex.end)
        if box.kind == b"trex"
    }
    return [_track(data, box, defaults) for box in boxes(data, moov.body, moov.end) if box.kind == b"trak"]


def _track(data: Data, trak: Box, defaults: dict[int, Box]) -> Track:
    tkhd = child(data, trak, b"tkhd")
    mdhd = child(data, trak, b"mdia", b"mdhd")
    hdlr = child(data, trak, b"mdia", b"hdlr")
    stsd = child(data, trak, b"mdia", b"minf", b"stbl", b"stsd")
    wide = uint(data, tkhd.body, 1, tkhd.end) == 1
    number = uint(data, tkhd.body + (20 if wide else 12), 4, tkhd.end)
    timescale = uint(data, mdhd.body + (20 if uint(data, mdhd.body, 1, mdhd.end) == 1 else 12), 4, mdhd.end)
    trex = defaults.get(number)
    if not timescale or trex is None:
        raise NotCmaf(f"track {number} has no timescale or no trex")
    size_at = tkhd.body + (88 if wide else 76)
    return Track(
        id=number,
        kind=f"{uint(data, hdlr.body + 8, 4, hdlr.end).to_bytes(4, 'big').decode('latin-1')}",
        timescale=timescale,
        codec=codec(data, stsd),
        width=uint(data, size_at, 4, tkhd.end) >> 16,
        height=uint(data, size_at + 4, 4, tkhd.end) >> 16,
        edit_start=_edit_start(data, trak),
        default_duration=uint(data, trex.body + 12, 4, trex.end),
        default_flags=uint(data, trex.body + 20, 4, trex.end),
    )


def _edit_start(data: Data, trak: Box) -> int:
    elst = find(data, trak, b"edts", b"elst")
    if elst is None or uint(data, elst.body + 4, 4, elst.end) == 0:
        return 0
    if uint(data, elst.body, 1, elst.end) == 1:
        return uint(data, elst.body + 16, 8, elst.end)
    return uint(data, elst.body + 12, 4, elst.end)


def _fragment(data: Data, moof: Box, mdat: Box, video: Track) -> Fragment:
    trafs = [box for box in boxes(data, moof.body, moof.end) if box.kind == b"traf"]
    traf = next((t for t in trafs if _track_of(data, t) == video.id), None)
    if traf is None:
        raise NotCmaf(f"the fragment at {moof.start} has no picture")
    tfdt = child(data, traf, b"tfdt")
    wide = uint(data, tfdt.body, 1, tfdt.end) == 1
    decode_start = uint(data, tfdt.body + 4, 8 if wide else 4, tfdt.end)
    runs = [
        _run(data, b, _defaults(data, traf, video))
        for b in boxes(data, traf.body, traf.end)
        if b.kind == b"trun"
    ]
    if not runs:
        raise NotCmaf(f"the fragment at {moof.start} has no picture")
    start = decode_start + runs[0].first_offset - video.edit_start
    return Fragment(
        offset=moof.start,
        size_bytes=mdat.end - moof.start,
        start_ms=start * 1000 / video.timescale,
        duration_ms=sum(run.duration for run in runs) * 1000 / video.timescale,
        starts_with_key=not runs[0].first_flags & _NON_SYNC,
    )


def _track_of(data: Data, traf: Box) -> int:
    tfhd = child(data, traf, b"tfhd")
    return uint(data, tfhd.body + 4, 4, tfhd.end)


def _defaults(data: Data, traf: Box, track: Track) -> tuple[int, int]:
    """Duration and flags of a sample that does not say its own: tfhd's, else trex's."""
    tfhd = child(data, traf, b"tfhd")
    flags, at = uint(data, tfhd.body, 4, tfhd.end), tfhd.body + 8
    values = {0x8: track.default_duration, 0x20: track.default_flags}
    for bit, n_bytes in _TFHD_FIELDS:
        if flags & bit:
            values[bit] = uint(data, at, n_bytes, tfhd.end)
            at += n_bytes
    return values[0x8], values[0x20]


@dataclass(frozen=True)
class _Run:
    duration: int
    first_flags: int
    first_offset: int


def _run(data: Data, trun: Box, defaults: tuple[int, int]) -> _Run:
    flags, n_samples = uint(data, trun.body, 4, trun.end), uint(data, trun.body + 4, 4, trun.end)
    duration, first_flags = defaults
    at = trun.body + 8 + (4 if flags & 0x1 else 0)
    if flags & 0x4:
        first_flags, at = uint(data, at, 4, trun.end), at + 4
    fields = [bit for bit in (_DURATION, _SIZE, _FLAGS, _OFFSET) if flags & bit]
    stride = 4 * len(fields)
    if not n_samples or at + stride * n_samples > trun.end:
        raise NotCmaf(f"the run at {trun.start} has no samples, or more than its size")
    first_offset = 0
    if flags & _FLAGS and not flags & 0x4:
        first_flags = uint(data, at + 4 * fields.index(_FLAGS), 4, trun.end)
    if flags & _OFFSET:
        first_offset = _signed(uint(data, at + 4 * fields.index(_OFFSET), 4, trun.end))
    total = duration * n_samples
    if flags & _DURATION:
        total = sum(uint(data, at + stride * n, 4, trun.end) for n in range(n_samples))
    return _Run(total, first_flags, first_offset)


def _signed(value: int) -> int:
    return value - (1 << 32) if value >= 1 << 31 else value

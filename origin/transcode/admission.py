"""Is this upload a video that we take? Facts of the demuxer and limits in, a ProbeResult or a reason out.

Pure. The facts were read inside the jail (demux.py) from hostile bytes: nothing here trusts more than their
types.
"""

from dataclasses import dataclass
from fractions import Fraction

import msgspec

from origin.transcode.errors import BrokenMedia, MediaLimit, UnsupportedMedia
from origin.transcode.sniff import Container

VIDEO_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores"})
AUDIO_CODECS = frozenset({"aac", "mp3", "opus", "vorbis", "flac", "alac", "ac3", "eac3", "amr_nb", "amr_wb"})
"""And every `pcm_…`."""
_HDR_TRANSFERS = {16, 18}
_WIDE_PRIMARIES = 9
_TRUNCATION_SLACK_S = 1.0
_TRUNCATION_SLACK_RATIO = 0.1


@dataclass(frozen=True)
class ProbeLimits:
    """What an upload may be; each limit is told to the uploader who breaks it."""

    min_duration_s: float = 0.5
    max_duration_s: float = 180.0
    min_side_px: int = 16
    max_side_px: int = 4096
    max_fps: float = 240.0
    max_streams: int = 8
    wall_s: float = 20.0
    """Time that the demuxer gets for the whole file."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What demux.py saw. `error` is set when it could not go on."""

    error: str = ""
    n_streams: int = 0
    video_index: int = -1
    audio_index: int = -1
    video_codec: str = ""
    audio_codec: str = ""
    width: int = 0
    height: int = 0
    sar: tuple[int, int] = (1, 1)
    rotation: int = 0
    pixel_format: str = ""
    transfer: int = 2
    primaries: int = 2
    is_interlaced: bool = False
    declared_s: float = 0.0
    """Duration that the headers promise; 0 when they do not say."""
    found_s: float = 0.0
    """How much of it the packets fill."""
    start_s: float = 0.0
    end_s: float = 0.0
    """First and last instant of the packets that are really there; the end is the video's."""
    fps: float = 0.0
    is_vfr: bool = False
    is_cut_short: bool = False
    """Demuxing stopped at the duration limit."""
    has_picture: bool = False
    """The first frame decodes."""
    has_sound: bool = False
    """The first audio frame decodes."""


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted upload, as a viewer will see it: upright, square pixels."""

    container: Container
    duration_ms: int
    width: int
    """After rotation and sample aspect ratio, as `height`."""
    height: int
    rotation: int
    """Degrees counter-clockwise that the display matrix asks for."""
    fps: float
    """Mean frames a second."""
    is_vfr: bool
    video_codec: str
    audio_codec: str
    """Empty: no audio."""
    pixel_format: str
    transfer: int
    """ISO/IEC 23091-2 code point, as `primaries`; 2 is unspecified."""
    primaries: int
    is_interlaced: bool
    video_index: int
    audio_index: int
    """-1: no audio."""

    @property
    def has_audio(self) -> bool:
        return self.audio_index >= 0

    @property
    def is_hdr(self) -> bool:
        return self.transfer in _HDR_TRANSFERS

    @property
    def is_wide_gamut(self) -> bool:
        return self.primaries == _WIDE_PRIMARIES


def admit(container: Container, facts: Facts, limits: ProbeLimits) -> ProbeResult:
    """The accepted video, or UnsupportedMedia, BrokenMedia or MediaLimit with the reason."""
    _check_streams(facts, limits)
    _check_whole(facts, limits)
    duration_s = facts.end_s - facts.start_s
    _within("duration_s", limits.min_duration_s, duration_s, limits.max_duration_s)
    width, height = display_size(facts)
    _within("side_px", limits.min_side_px, min(width, height, facts.width, facts.height), None)
    _within("side_px", None, max(width, height, facts.width, facts.height), limits.max_side_px)
    _within("fps", None, facts.fps, limits.max_fps)
    return ProbeResult(
        container=container,
        duration_ms=round(duration_s * 1000),
        width=width,
        height=height,
        rotation=facts.rotation,
        fps=round(facts.fps, 3),
        is_vfr=facts.is_vfr,
        video_codec=facts.video_codec,
        audio_codec=facts.audio_codec,
        pixel_format=facts.pixel_format,
        transfer=facts.transfer,
        primaries=facts.primaries,
        is_interlaced=facts.is_interlaced,
        video_index=facts.video_index,
        audio_index=facts.audio_index,
    )


def display_size(facts: Facts) -> tuple[int, int]:
    """Width and height as shown: pixels made square, quarter turns applied."""
    sar = Fraction(*facts.sar) if min(facts.sar) > 0 else Fraction(1)
    width, height = round(facts.width * sar), facts.height
    return (height, width) if facts.rotation % 180 == 90 else (width, height)


def _within(what: str, low: float | None, actual: float, high: float | None) -> None:
    actual = round(actual, 3)
    if low is not None and actual < low:
        raise MediaLimit(
            f"{what} is {actual:g}, at least {low:g} is needed", what=what, limit=low, actual=actual
        )
    if high is not None and actual > high:
        raise MediaLimit(f"{what} is {actual:g}, the limit is {high:g}", what=what, limit=high, actual=actual)


def _check_streams(facts: Facts, limits: ProbeLimits) -> None:
    _within("streams", None, facts.n_streams, limits.max_streams)
    if facts.error and not facts.n_streams:
        raise BrokenMedia(f"broken: {facts.error}")
    if facts.video_index < 0:
        raise UnsupportedMedia("there is no video in this file", looks_like="an audio file")
    if facts.video_codec not in VIDEO_CODECS:
        raise UnsupportedMedia(f"video codec {facts.video_codec[:40]!r} is not one that we take")
    is_pcm = facts.audio_codec.startswith("pcm_")
    if facts.audio_codec and not is_pcm and facts.audio_codec not in AUDIO_CODECS:
        raise UnsupportedMedia(f"audio codec {facts.audio_codec[:40]!r} is not one that we take")


def _check_whole(facts: Facts, limits: ProbeLimits) -> None:
    if facts.error:
        raise BrokenMedia(f"broken: {facts.error}")
    if facts.is_cut_short:
        actual = max(facts.declared_s, facts.end_s - facts.start_s)
        _within("duration_s", None, actual, limits.max_duration_s)
    if not facts.has_picture:
        raise BrokenMedia("broken: the first picture cannot be decoded")
    if facts.audio_index >= 0 and not facts.has_sound:
        raise BrokenMedia("broken: the sound cannot be decoded")
    slack_s = max(_TRUNCATION_SLACK_S, facts.declared_s * _TRUNCATION_SLACK_RATIO)
    if facts.declared_s - facts.found_s > slack_s:
        raise BrokenMedia(
            f"truncated: {facts.declared_s:.1f} s are declared, {facts.found_s:.1f} s are there",
            declared_s=round(facts.declared_s, 1),
            actual_s=round(facts.found_s, 1),
        )

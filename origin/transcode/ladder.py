"""Which renditions a video gets: 360/540/720/1080 by the short edge, never upscaled (DESIGN.md §2).

Pure. The first rung always exists and is named `360p`, also when the source is smaller: it is the one that
makes a video playable.
"""

from dataclasses import dataclass

from origin.transcode.admission import ProbeResult

FIRST_RUNG = "360p"
DEFAULT_RUNGS = ("360p", "540p", "720p")
_FRAME_RATES = (30, 25, 24)
_RATE_SLACK = 0.01


@dataclass(frozen=True)
class _Quality:
    short_edge: int
    max_bps: int
    crf: int
    profile: str


_QUALITIES = {
    "360p": _Quality(360, 800_000, 25, "main"),
    "540p": _Quality(540, 1_500_000, 24, "main"),
    "720p": _Quality(720, 2_600_000, 24, "high"),
    "1080p": _Quality(1080, 5_000_000, 24, "high"),
}
RUNGS = tuple(_QUALITIES)
"""Every rung that a configuration may ask for."""


@dataclass(frozen=True)
class Rendition:
    """One rung to encode; width and height are even."""

    name: str
    width: int
    height: int
    fps: int
    """Constant; a whole number, so that a second is a whole number of frames."""
    max_bps: int
    """Cap of the video's bit rate over one second."""
    crf: int
    profile: str


def ladder(probe: ProbeResult, rungs: tuple[str, ...] = DEFAULT_RUNGS) -> tuple[Rendition, ...]:
    """The renditions of `rungs` that the source is large enough for, lowest first; at least the first."""
    short = min(probe.width, probe.height)
    fitting = [q for name, q in _QUALITIES.items() if name in rungs and q.short_edge <= short]
    first = _QUALITIES[FIRST_RUNG]
    if first not in fitting:
        fitting.insert(0, first)
    fps = frame_rate(probe)
    return tuple(_rendition(quality, probe, fps) for quality in fitting)


def frame_rate(probe: ProbeResult) -> int:
    """24, 25 or 30: the one that the source's rate is nearly a multiple or a fraction of; otherwise 30."""
    if probe.is_vfr or probe.fps <= 0:
        return _FRAME_RATES[0]
    for rate in _FRAME_RATES:
        ratio = max(probe.fps / rate, rate / probe.fps)
        if abs(ratio - round(ratio)) <= _RATE_SLACK * ratio:
            return rate
    return _FRAME_RATES[0]


def _even(size: float) -> int:
    return max(2, 2 * round(size / 2))


def _rendition(quality: _Quality, probe: ProbeResult, fps: int) -> Rendition:
    short = min(probe.width, probe.height)
    scale = min(1.0, quality.short_edge / short)
    return Rendition(
        name=f"{quality.short_edge}p",
        width=_even(probe.width * scale),
        height=_even(probe.height * scale),
        fps=fps,
        max_bps=quality.max_bps,
        crf=quality.crf,
        profile=quality.profile,
    )

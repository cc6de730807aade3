"""Brings every video to the same loudness: EBU R128, measured once, then one constant gain and a limiter.

Pure. ffmpeg's one-pass `loudnorm` was tried: it lifts the faint noise of a silent two-second clip to -8 LUFS,
makes NaN of true silence, and costs 0.2 s for 10 s of sound in every rung, where the measurement costs 0.05 s
once.
"""

import re

MEASURE = "ebur128=framelog=quiet"
TARGET_LUFS = -16.0
"""As on other feeds of phones; broadcast's -23 would be too quiet there."""
SILENT_LUFS = -55.0
"""What is quieter is room noise and stays as it is."""
MAX_GAIN_DB = 15.0
MIN_GAIN_DB = -30.0
_PEAK = 0.84
"""-1.5 dBFS, where the limiter begins."""
_INTEGRATED = re.compile(r"Integrated loudness:\s+I:\s+(-?\d+(?:\.\d+)?) LUFS")


def gain_db(summary: str) -> float:
    """The gain that reaches TARGET_LUFS, from ebur128's summary; 0 for silence, or when nothing was
    measured."""
    found = _INTEGRATED.findall(summary)
    if not found or float(found[-1]) < SILENT_LUFS:
        return 0.0
    return min(MAX_GAIN_DB, max(MIN_GAIN_DB, TARGET_LUFS - float(found[-1])))


def normalise(gain: float) -> str:
    """The filters that apply a gain without clipping."""
    return f"volume={gain:.1f}dB,alimiter=limit={_PEAK}:level=0:latency=1"

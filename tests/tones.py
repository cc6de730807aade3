"""How loud a tone is in a rendition, measured on what decodes."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48_000


def sound_of(path: Path) -> NDArray[np.float64]:
    """The sound of a file, mono, at RATE."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    pieces = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            pieces += [part.to_ndarray().ravel() for part in resampler.resample(frame)]
    return np.concatenate(pieces).astype(np.float64)


def tone_db(sound: NDArray[np.float64], hertz: float) -> float:
    """The level of a sine of `hertz` in `sound`, dBFS."""
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(sound)) / RATE)
    window = np.hanning(len(sound))
    return float(20 * np.log10(2 * abs(np.sum(sound * window * wave)) / window.sum() + 1e-9))

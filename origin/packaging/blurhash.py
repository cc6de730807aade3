"""Blurhash: a picture's few lowest cosine components as 20 to 30 characters (github.com/woltapp/blurhash,
Algorithm.md).

Pure. `encode` takes the small RGB picture that ffmpeg scaled down inside the jail.
"""

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidRequest

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~"
_MAX_COMPONENTS = 9

Floats = NDArray[np.float64]


def encode(rgb: bytes, side_px: int, n_x: int = 4, n_y: int = 5) -> str:
    """The hash of a square picture of RGB24 rows. Raises InvalidRequest on other sizes."""
    if len(rgb) != 3 * side_px * side_px or not (1 <= n_x <= _MAX_COMPONENTS and 1 <= n_y <= _MAX_COMPONENTS):
        raise InvalidRequest(
            f"{len(rgb)} bytes are not {side_px}² RGB pixels, or {n_x}x{n_y} components are too many"
        )
    factors = _components(np.frombuffer(rgb, np.uint8).reshape(side_px, side_px, 3) / 255.0, n_x, n_y)
    parts = [_base83(n_x - 1 + (n_y - 1) * 9, 1)]
    details = factors[1:]
    largest, scale = 0, 1.0
    if details.size:
        largest = int(np.clip(np.floor(np.abs(details).max() * 166 - 0.5), 0, 82))
        scale = (largest + 1) / 166
    parts += [_base83(largest, 1), _base83(_mean_colour(factors[0]), 4)]
    parts += [_base83(_detail(component / scale), 2) for component in details]
    return "".join(parts)


def _components(srgb: Floats, n_x: int, n_y: int) -> Floats:
    """Cosine components `(n_y * n_x, 3)` of the linear light, the mean first."""
    side = srgb.shape[0]
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    steps = np.pi * np.arange(side) / side
    across, down = np.cos(np.outer(np.arange(n_x), steps)), np.cos(np.outer(np.arange(n_y), steps))
    factors: Floats = np.einsum("xw,yh,hwc->yxc", across, down, linear).reshape(-1, 3) / side**2
    factors[1:] *= 2
    return factors


def _mean_colour(linear: Floats) -> int:
    clipped = np.clip(linear, 0, 1)
    srgb = np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)
    red, green, blue = (int(value) for value in np.floor(srgb * 255 + 0.5))
    return (red << 16) + (green << 8) + blue


def _detail(scaled: Floats) -> int:
    red, green, blue = (
        int(value) for value in np.clip(np.floor(np.sign(scaled) * np.abs(scaled) ** 0.5 * 9 + 9.5), 0, 18)
    )
    return red * 19 * 19 + green * 19 + blue


def _base83(number: int, length: int) -> str:
    return "".join(_ALPHABET[number // 83**place % 83] for place in reversed(range(length)))

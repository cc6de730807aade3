"""What one event says about one video, as a session remembers it.

Pure.
"""

import msgspec

MAX_SIGNALS = 48
"""Signals kept: at a decay of 0.9 the 49th weighs less than a hundredth."""


class Signal(msgspec.Struct, frozen=True, array_like=True):
    """The sign and size of the viewer's interest."""

    video_id: str
    weight: float
    category: str = ""
    is_finish: bool = False

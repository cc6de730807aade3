"""How long viewers stay: a prior for videos without a curve, and how this viewer differs from the others.

Pure. A viewer's hazard is the video's times one factor, their pace: 2 swipes twice as often as the curve
says. With a gamma prior of mean 1 over the pace, what was seen of a viewer is two sums: swipes, and the
cumulative hazard of the curves that they sat through.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

MEMORY = 0.9
"""What is left of a watch after the next one."""
TRUST = 3.0
"""The prior weighs as much as so many watches."""
MIN_SHARE = 0.02
"""Share below which a curve says nothing more about hazard."""


class Pace(NamedTuple):
    """What a viewer's last watches say about their hazard, decayed."""

    n_swipes: float = 0.0
    exposure: float = 0.0
    """Cumulative hazard of the curves over what was watched."""

    @property
    def factor(self) -> float:
        """The viewer's hazard over the curve's; 1 while nothing is known."""
        return (TRUST + self.n_swipes) / (TRUST + self.exposure)

    def after(self, watched_s: float, survival: Sequence[float]) -> "Pace":
        """The pace with one more watch; a video watched to its end, or looped, is no swipe."""
        is_swipe = watched_s < len(survival) - 1
        share = max(MIN_SHARE, at(survival, watched_s))
        return Pace(
            MEMORY * self.n_swipes + (1.0 if is_swipe else 0.0), MEMORY * self.exposure - math.log(share)
        )


def at(survival: Sequence[float], second: float) -> float:
    """Share still watching at a moment, between the seconds linearly."""
    whole = int(second)
    if whole + 1 >= len(survival):
        return survival[-1] if survival else 0.0
    return survival[whole] + (survival[whole + 1] - survival[whole]) * (second - whole)

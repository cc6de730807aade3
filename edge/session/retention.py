"""How long viewers stay with each video: the brain's curves, bounded, the oldest out first.

Pure. A video that nobody was told of has its category's curve, else everybody's, else the assumed one.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shared.messages.retention import Curve, Retention
from shared.retention import assumed, n_seconds, unpack

MAX_PRIORS = 256


class _Known(NamedTuple):
    at_ms: int
    era: int
    curve: Curve | None
    """None: the brain was asked and knows nothing yet."""


class RetentionTable:
    """Curves by video. Invariant: at most `max_videos`; what is told later wins."""

    def __init__(self, max_videos: int) -> None:
        self._max_videos = max_videos
        self._videos: OrderedDict[str, _Known] = OrderedDict()
        self._priors: dict[str, tuple[float, ...]] = {}
        self._priors_at_ms = 0
        self._era = 0

    def __len__(self) -> int:
        return len(self._videos)

    def take(self, told: Retention, asked: Iterable[str] = ()) -> None:
        """Take what the brain tells; those of `asked` that it left out need not be asked for again."""
        for video in asked:
            if video not in told.curves:
                self._put(video, _Known(told.at_ms, self._era, None))
        for video, curve in told.curves.items():
            known = self._videos.get(video)
            if known is None or told.at_ms >= known.at_ms:
                self._put(video, _Known(told.at_ms, self._era, curve))
        if told.at_ms >= self._priors_at_ms:
            self._priors_at_ms = told.at_ms
            for name, curve in told.priors.items():
                if name in self._priors or len(self._priors) < MAX_PRIORS:
                    self._priors[name] = unpack(curve.shares)

    def missing(self, video_ids: Iterable[str]) -> list[str]:
        """Those that were never told nor asked for since `doubt`."""
        known, era = self._videos, self._era
        return [video for video in video_ids if video not in known or known[video].era != era]

    def doubt(self) -> None:
        """Changes may have been missed: what is known serves on, but is asked for again."""
        self._era += 1

    def curve(self, video_id: str, duration_ms: int, category: str = "") -> Sequence[float]:
        """Share of viewers still watching after 0, 1, … seconds: from 1, never rising.

        It has a point for each second of the video, at most 600, and one more; past what is known they leave
        as they did on average before.
        """
        n = n_seconds(duration_ms)
        known = self._videos.get(video_id)
        if known is not None and known.curve is not None:
            shares = unpack(known.curve.shares)
        else:
            shares = self._priors.get(category) or self._priors.get("") or assumed(n)
        return shares[: n + 1] if len(shares) > n else _longer(shares, n)

    def weight(self, video_id: str) -> float:
        """Viewers behind the video's own curve; 0 when it has none."""
        known = self._videos.get(video_id)
        return known.curve.weight if known is not None and known.curve is not None else 0.0

    def _put(self, video_id: str, known: _Known) -> None:
        self._videos[video_id] = known
        self._videos.move_to_end(video_id)
        if len(self._videos) > self._max_videos:
            self._videos.popitem(last=False)


def _longer(shares: tuple[float, ...], n: int) -> tuple[float, ...]:
    stays = shares[-1] ** (1 / max(1, len(shares) - 1))
    return shares + tuple(shares[-1] * stays**second for second in range(1, n + 2 - len(shares)))

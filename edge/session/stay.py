"""Whether the video that the player holds next gives way to a better one: gain against preloaded bytes.

Pure. Without a cause it stays, whatever a re-rank or a new queue says: a swipe may come at once, and its
bytes would be thrown away. A like, share, follow or not-interested is a cause; then the better one must be
better by so much that it is worth the bytes.
"""

from dataclasses import dataclass

import numpy as np

from edge.session.candidates import F32
from edge.session.player import PlayerIn
from shared.config import setting
from shared.messages.catalog import VideoCard


@dataclass(frozen=True)
class Stay:
    """What moves a video that is preloaded next."""

    cause: float = setting(
        1.5, "least weight of a signal that may move it: finish 1, like 1.5, not interested 2", low=0, high=10
    )
    gain: float = setting(
        0.5, "least gain, in standard deviations of the candidates' scores", unit="sd", low=0, high=100
    )
    gain_per_mb: float = setting(
        1.0, "more gain wanted for each megabyte that would be thrown away", unit="sd", low=0, high=100
    )


def gives_way(scores: F32, head: int, held_bytes: int, cause: float, rules: Stay) -> bool:
    """Whether another of the candidates, of these scores (n,), comes before the one at `head`."""
    if cause < rules.cause:
        return False
    spread = float(scores.std())
    gain = (float(scores.max()) - float(scores[head])) / spread if spread > 0 else 0.0
    return gain > rules.gain + rules.gain_per_mb * held_bytes / 1e6


def held_bytes(card: VideoCard | None, player: PlayerIn | None) -> int:
    """What the player holds of a video; without its word, the opening of the lowest rung."""
    if card is None or not card.rungs:
        return 0
    if player is None:
        return card.rungs[0].open_bytes
    rungs = {rung.name: rung for rung in card.rungs}
    total = 0
    for one in player.held:
        rung = rungs.get(one.rung) if one.video == card.id else None
        if rung is not None:
            sizes = np.array([rung.open_bytes, *rung.chunk_bytes[1:]])
            total += sum(int(sizes[first : last + 1].sum()) for first, last in one.chunks)
    return total

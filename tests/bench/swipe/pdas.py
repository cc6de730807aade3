"""PDAS as far as its description is public: a maximum buffer a video, in the order of the queue.

Pure. After "PDAS: Probability-Driven Adaptive Streaming for Short Video" (ACM Multimedia 2022, winner of the
challenge). The paper was not at hand: the ideas are from a public summary, the buffer's constants from a
port, github.com/nguyenhonglich111-1001/Short-Video-Streaming-Challenge. The rung is a robust MPC of our own,
in which a chunk counts as surely as it is watched.
"""

from itertools import product
from math import exp

from tests.bench.swipe.policies import Undisturbed
from tests.bench.swipe.session import Get, Player, Wait

N_SPEEDS = 5
HORIZON = 5
"""Chunks that the choice of a rung looks ahead."""
FLOOR_S, BY_LINK, BY_PLACE = 3.5, 0.3, 0.15
"""Least buffer, how it shrinks with the link's megabytes a second, and with the place in the queue."""
NAP_S = 0.05
STALL_PRICE, BYTE_PRICE = 1.85, 0.5 * 8e-6


class Pdas(Undisturbed):
    """The first video of the queue whose buffer is below its maximum."""

    def __init__(self) -> None:
        self._guess = 0.0
        self._errors: list[float] = []
        self._n_seen = 0

    def keeps(self, player: Player) -> bool:
        """Drop what belongs to a video that is gone, as every rule here."""
        return player.flight is not None and player.flight.what.video >= player.video

    def next(self, player: Player) -> Get | Wait:
        speed = self._speed(player)
        if not speed:
            return Get(player.video, 0, 0)
        for place, video in enumerate(player.window()):
            chunk = player.missing(video)
            if chunk is None:
                continue
            start_s = player.playhead_s if place == 0 else 0.0
            share = _share(player, video, int(start_s), chunk)
            heaviest = max(player.setup.videos[video].chunk_bytes[-1][chunk : chunk + HORIZON])
            least_s = FLOOR_S * exp(-BY_LINK * speed / 1e6 - BY_PLACE * place)
            if chunk - start_s <= max(share * heaviest / speed, least_s):
                return Get(video, chunk, _rung(player, video, chunk, speed))
        return Wait(for_s=NAP_S)

    def _speed(self, player: Player) -> float:
        """Bytes a second: the harmonic mean of the latest downloads, less the largest error of late."""
        recent = [bits / seconds / 8 for bits, seconds in player.speeds[-N_SPEEDS:]]
        if not recent:
            return 0.0
        if len(player.speeds) > self._n_seen:
            self._n_seen = len(player.speeds)
            self._errors.append(abs(self._guess - recent[-1]) / recent[-1] if self._guess else 0.0)
            self._guess = len(recent) / sum(1 / speed for speed in recent)
        return self._guess / (1 + max(self._errors[-N_SPEEDS:], default=0.0))


def _share(player: Player, video: int, start: int, chunk: int) -> float:
    """Of those who watch second `start`, who get to the chunk."""
    curve = player.setup.videos[video].survival
    return curve[min(chunk, len(curve) - 1)] / max(1e-6, curve[min(start, len(curve) - 1)])


def _rung(player: Player, video: int, chunk: int, speed: float) -> int:
    """The first rung of the best sequence, by expected quality, changes, stalls and bytes."""
    sizes, rates = player.setup.videos[video].chunk_bytes, player.setup.videos[video].rates
    at_s = player.playhead_s if video == player.video else 0.0
    chunks = range(chunk, min(chunk + HORIZON, len(sizes[0])))
    shares = [_share(player, video, int(at_s), one) for one in chunks]
    best, found = float("-inf"), 0
    for rungs in product(range(len(sizes)), repeat=len(shares)):
        buffer_s, last, worth = max(0.0, chunk - at_s), player.held[video].get(chunk - 1), 0.0
        for one, rung, share in zip(chunks, rungs, shares, strict=True):
            took_s = player.setup.rtt_s + sizes[rung][one] / speed
            change = abs(rates[rung] - rates[last]) if last is not None else 0.0
            worth += share * (rates[rung] - change - STALL_PRICE * max(0.0, took_s - buffer_s))
            worth -= BYTE_PRICE * sizes[rung][one]
            buffer_s, last = max(0.0, buffer_s - took_s) + 1.0, rung
        if worth > best:
            best, found = worth, rungs[0]
    return found

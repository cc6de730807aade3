"""What others do: no prefetch, the first second of the next three, a vendor's rule.

Pure. All adapt the rung by the throughput of their latest downloads, and drop what a swipe left behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean, pstdev

from tests.bench.swipe.session import Get, Player, Wait

N_SPEEDS = 8
FIRST_GUESS_BPS = 0.0


def estimate(speeds: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Bandwidth of the latest downloads (bits over seconds) and its relative deviation; 0: unknown."""
    recent = speeds[-N_SPEEDS:]
    if not recent:
        return FIRST_GUESS_BPS, 0.0
    mean_bps = sum(bits for bits, _ in recent) / sum(seconds for _, seconds in recent)
    rates = [bits / seconds for bits, seconds in recent]
    return mean_bps, pstdev(rates) / fmean(rates) if len(rates) > 2 else 0.5


def by_rate(player: Player, video: int) -> int:
    """The highest rung of a video below the estimated bandwidth."""
    mbps = estimate(player.speeds)[0] / 1e6
    rates = player.setup.videos[video].rates
    return max((rung for rung, rate in enumerate(rates) if rate <= mbps), default=0)


class Undisturbed:
    """Does not look up while a download is under way."""

    def wakes_s(self, player: Player) -> float:
        del player
        return inf


class _Droppy(Undisturbed):
    def keeps(self, player: Player) -> bool:
        """Drop what belongs to a video that is gone."""
        return player.flight is not None and player.flight.what.video >= player.video


class NoPrefetch(_Droppy):
    """The whole of the video on screen; the next one when that is there."""

    def next(self, player: Player) -> Get | Wait:
        for video in player.window():
            chunk = player.missing(video)
            if chunk is not None:
                return Get(video, chunk, by_rate(player, video))
        return Wait()


@dataclass
class FirstSecond(_Droppy):
    """The first second of the next three as soon as the screen has `urgent_s`, then the video on screen."""

    urgent_s: float = 2.0
    ahead_s: float = 8.0

    def next(self, player: Player) -> Get | Wait:
        chunk = player.missing(player.video)
        if chunk is not None and player.buffer_s < self.urgent_s:
            return Get(player.video, chunk, by_rate(player, player.video))
        for video in player.window()[1:4]:
            if 0 not in player.held[video]:
                return Get(video, 0, by_rate(player, video))
        if chunk is not None and player.buffer_s < self.ahead_s:
            return Get(player.video, chunk, by_rate(player, player.video))
        return Wait(for_s=0.25)


@dataclass
class Vendor(_Droppy):
    """20 s of the video on screen, then 800 kB of each of the next three, one after another."""

    ahead_s: float = 20.0
    n_next: int = 3
    next_bytes: int = 800_000

    def next(self, player: Player) -> Get | Wait:
        chunk = player.missing(player.video)
        if chunk is not None and player.buffer_s < self.ahead_s:
            return Get(player.video, chunk, by_rate(player, player.video))
        for video in player.window()[1 : 1 + self.n_next]:
            sizes = player.setup.videos[video].chunk_bytes
            held = sum(sizes[rung][n] for n, rung in player.held[video].items())
            ahead = player.missing(video)
            if ahead is not None and held < self.next_bytes:
                return Get(video, ahead, by_rate(player, video))
        return Wait(for_s=0.25)


class Floor(Undisturbed):
    """Not a rule: the lowest rung of just what will be watched, in its order. None waits less in all."""

    def keeps(self, player: Player) -> bool:
        del player
        return True

    def next(self, player: Player) -> Get | Wait:
        for video in player.window():
            chunk = player.missing(video)
            if chunk is not None and chunk < player.stays_s(video):
                return Get(video, chunk, 0)
        return Wait()

"""One viewer's session in simulated time: a player with one download at a time, a link, an edge.

Pure. A chunk costs a round trip, then its bytes at the link's rate; it can be played when it is there whole.
A swipe shows the next video at once if its first chunk is there, else the viewer waits for it. The rules of
the ACM MM 2022 challenge, and beyond them: a download may be cancelled, its bytes so far are paid for.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import NamedTuple, Protocol

from tests.bench.swipe.links import Trace
from tests.bench.swipe.videos import Video

WINDOW = 5
"""Videos that a player knows: the one on screen and four more."""
TICK = 1e-9
MIN_NAP_S = 1e-3
"""A policy that is never content still lets time pass."""
MAX_SESSION_S = 3_600.0
"""A session that gets nowhere ends here, with all that it has stalled."""


class Setup(NamedTuple):
    """What happens to a session from outside."""

    videos: Sequence[Video]
    watch_s: Sequence[float]
    """Of each showing; at most the video's length counts."""
    trace: Trace
    start_s: float = 0.0
    rtt_s: float = 0.08
    is_pipelined: bool = False
    """A request leaves before the one before it has ended: a busy link has no round trips between."""
    path: Sequence[int] = ()
    """The video of each showing, for viewers who go back; empty: one after another."""


class Get(NamedTuple):
    """Fetch this now."""

    video: int
    chunk: int
    rung: int


class Wait(NamedTuple):
    """Fetch nothing until the playhead or the clock has come so far, or a swipe."""

    playhead_s: float = math.inf
    for_s: float = 0.5


class Flight(NamedTuple):
    """A download under way."""

    what: Get
    n_bytes: int
    asked_s: float
    done_s: float


@dataclass
class Player:
    """What a player knows of itself."""

    setup: Setup
    now_s: float = 0.0
    video: int = 0
    playhead_s: float = 0.0
    held: list[dict[int, int]] = field(default_factory=list)
    """By video: chunk to rung."""
    flight: Flight | None = None
    arrived_s: float = -math.inf
    """When the latest download ended."""
    speeds: list[tuple[float, float]] = field(default_factory=list)
    """Bits and seconds of the latest downloads, round trips left out."""
    watched: list[tuple[int, float]] = field(default_factory=list)
    """Videos that were swiped away, and after how long."""
    is_over: bool = False

    def stays_s(self, video: int) -> float:
        """How long the viewer will watch a video when it is shown next: what only an oracle knows."""
        path, n_seen = self.setup.path or range(len(self.setup.videos)), len(self.watched)
        to_come = zip(path[n_seen:], self.setup.watch_s[n_seen:], strict=True)
        return next((watch_s for one, watch_s in to_come if one == video), 0.0)

    @property
    def buffer_s(self) -> float:
        """Seconds that can be played without another byte."""
        chunk, held = int(self.playhead_s), self.held[self.video]
        n = self.setup.videos[self.video].n_chunks
        while chunk < n and chunk in held:
            chunk += 1
        return max(0.0, chunk - self.playhead_s)

    def missing(self, video: int) -> int | None:
        """The first chunk of a video, from the playhead on, that is neither held nor under way."""
        first = int(self.playhead_s) if video == self.video else 0
        for chunk in range(first, self.setup.videos[video].n_chunks):
            if chunk not in self.held[video]:
                return chunk
        return None

    def window(self) -> range:
        """The videos that the player knows now."""
        return range(self.video, min(len(self.setup.videos), self.video + WINDOW))


class Policy(Protocol):
    """Decides what a player does next."""

    def next(self, player: Player) -> Get | Wait:
        """Asked when nothing is under way: after a download, a wait, or a swipe."""
        ...

    def keeps(self, player: Player) -> bool:
        """Whether the download under way goes on: asked after a swipe, and when the policy was woken."""
        ...

    def wakes_s(self, player: Player) -> float:
        """The moment at which the policy wants to be asked again, though a download is under way."""
        ...


@dataclass
class Outcome:
    """What became of a session."""

    startups_s: list[float] = field(default_factory=list)
    """Of each video; the first is no swipe."""
    stall_s: float = 0.0
    """In mid-play."""
    play_s: float = 0.0
    got_bytes: float = 0.0
    played: list[tuple[int, int, int]] = field(default_factory=list)
    """Video, chunk, rung of each chunk that began to play."""
    played_bytes: int = 0
    quality: float = 0.0
    """Of the played chunks, Mbit/s."""
    changes: float = 0.0
    """Sum of the differences of quality from chunk to chunk."""

    @property
    def score(self) -> float:
        """The challenge's: quality less stalls and changes, less half a point a megabit."""
        waits_s = self.stall_s + sum(self.startups_s)
        return self.quality - 1.85 * waits_s - self.changes - 0.5 * 8e-6 * self.got_bytes

    @property
    def waste(self) -> float:
        """Share of the bytes that were never played."""
        return 1 - self.played_bytes / self.got_bytes if self.got_bytes else 0.0


def run(setup: Setup, policy: Policy) -> Outcome:
    """Play a session to its end; raises ValueError for one that cannot be played."""
    setup = _checked(setup)
    player = Player(setup, now_s=setup.start_s, held=[{} for _ in setup.videos])
    outcome = Outcome(startups_s=[0.0])
    while not player.is_over and player.now_s - setup.start_s < MAX_SESSION_S:
        if player.flight is None:
            action = policy.next(player)
            if isinstance(action, Wait):
                _wait(player, outcome, action)
                continue
            player.flight = _flight(player, action)
        until_s = min(player.flight.done_s, max(policy.wakes_s(player), player.now_s + MIN_NAP_S))
        is_arrived = not _advance(player, outcome, until_s) and until_s == player.flight.done_s
        if is_arrived:
            _arrive(player, outcome)
        elif player.is_over or not policy.keeps(player):
            _cancel(player, outcome)
    _judge(outcome, setup)
    return outcome


def _checked(setup: Setup) -> Setup:
    path = setup.path or range(len(setup.videos))
    if not setup.videos or len(path) != len(setup.watch_s):
        raise ValueError(
            f"{len(setup.videos)} videos, {len(path)} showings, {len(setup.watch_s)} watch times"
        )
    if not all(one.n_chunks for one in setup.videos):
        raise ValueError("a video has at least one second")
    if any(math.isnan(watch_s) for watch_s in setup.watch_s):
        raise ValueError("a watch time is a number")
    stays = [
        min(max(0.0, watch_s), setup.videos[video].n_chunks)
        for video, watch_s in zip(path, setup.watch_s, strict=True)
    ]
    return setup._replace(watch_s=stays)


def _flight(player: Player, what: Get) -> Flight:
    n_bytes = player.setup.videos[what.video].chunk_bytes[what.rung][what.chunk]
    rtt_s = player.setup.rtt_s
    is_behind = player.setup.is_pipelined and player.now_s - player.arrived_s < TICK
    asked_s = player.now_s - rtt_s if is_behind else player.now_s
    return Flight(what, n_bytes, asked_s, player.setup.trace.arrival(asked_s + rtt_s, n_bytes))


def _arrive(player: Player, outcome: Outcome) -> None:
    flight = player.flight
    assert flight is not None
    what = flight.what
    player.held[what.video][what.chunk] = max(what.rung, player.held[what.video].get(what.chunk, 0))
    outcome.got_bytes += flight.n_bytes
    taken_s = max(1e-3, flight.done_s - flight.asked_s - player.setup.rtt_s)
    player.speeds.append((8.0 * flight.n_bytes, taken_s))
    player.arrived_s = player.now_s
    player.flight = None


def _cancel(player: Player, outcome: Outcome) -> None:
    flight, trace = player.flight, player.setup.trace
    if flight is not None:
        began_s = flight.asked_s + player.setup.rtt_s
        got_bits = trace.bits_by(max(began_s, player.now_s)) - trace.bits_by(began_s)
        outcome.got_bytes += min(flight.n_bytes, max(0.0, got_bits / 8))
        player.flight = None


def _wait(player: Player, outcome: Outcome, wait: Wait) -> None:
    left_s = max(wait.playhead_s - player.playhead_s, 1e-3) if player.buffer_s > TICK else 0.1
    _advance(player, outcome, player.now_s + min(wait.for_s, left_s))


def _advance(player: Player, outcome: Outcome, until_s: float) -> bool:
    """Let time pass until then; True when a swipe (or the end) came first."""
    while until_s - player.now_s > TICK:
        watch_s = player.setup.watch_s[len(player.watched)]
        chunk = int(player.playhead_s + TICK)
        rung = player.held[player.video].get(chunk)
        left_s = until_s - player.now_s
        if rung is None:
            if chunk == 0:
                outcome.startups_s[-1] += left_s
            else:
                outcome.stall_s += left_s
            player.now_s = until_s
            return False
        if player.playhead_s - chunk <= TICK:
            outcome.played.append((player.video, chunk, rung))
        step_s = min(left_s, chunk + 1 - player.playhead_s, watch_s - player.playhead_s)
        player.now_s += step_s
        player.playhead_s += step_s
        outcome.play_s += step_s
        if watch_s - player.playhead_s <= TICK:
            return _swipe(player, outcome)
    return False


def _swipe(player: Player, outcome: Outcome) -> bool:
    player.watched.append((player.video, player.playhead_s))
    player.playhead_s = 0.0
    showing = len(player.watched)
    if showing == len(player.setup.watch_s):
        player.is_over = True
    else:
        player.video = player.setup.path[showing] if player.setup.path else showing
        outcome.startups_s.append(0.0)
    return True


def _judge(outcome: Outcome, setup: Setup) -> None:
    outcome.played = [one for one, _ in groupby(outcome.played)]
    rates = [setup.videos[video].rates[rung] for video, _, rung in outcome.played]
    outcome.quality = sum(rates)
    outcome.changes = sum(abs(a - b) for a, b in pairwise(rates))
    outcome.played_bytes = sum(setup.videos[v].chunk_bytes[r][c] for v, c, r in set(outcome.played))

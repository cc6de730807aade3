"""A player's plan: which chunk of which video at which rung, in which order, when to wait, what to cancel.

Pure. For each video of the window its first missing chunk is a candidate. What fetching it now rather than
one download later is worth: the price of a stall, times the delay, times the chance that the viewer gets
there before it would be there then. What it costs: the price of its bytes, times the chance that the viewer
leaves before it is played. The best balance for each second of the link is fetched; where none is above 0
the player waits, until the playhead is so near to the next chunk that the balance turns.
"""

from dataclasses import dataclass
from math import exp, inf, log
from typing import NamedTuple

from edge.prefetch.hazard import at
from edge.prefetch.situation import Decision, Fetch, InFlight, Situation
from edge.prefetch.worth import BYTE_PRICE, STALL_PRICE, Need, Pipe, best_rung, pipe_of
from shared.config import setting

SWIPE_WEIGHT = 20.0
"""A wait after a swipe weighs so much more than the same stall in mid-play."""
NOTHING_ON_SCREEN = 1_000.0
"""Weight of the opening that the viewer waits for: before everything."""
STANDS_STILL = 4.0
"""Weight of a chunk for which the screen stands still."""
FARTHER = 0.35
"""Urgency of a video against that of the one before it, at most; less where viewers stay with that one."""
LEAST_FARTHER = 0.1
LEAVES = 0.02
"""Chance at each swipe that the videos planned are not those that come."""
MIN_HAZARD = 0.02
"""Chance of leaving within one download that is always reckoned with."""
MIN_URGENCY = 0.01
LOOKAHEAD = 6
"""Chunks, itself the first, whose sizes say how early one must be there."""


@dataclass(frozen=True)
class PlanRules:
    """How far a player's plan reaches."""

    n_videos: int = setting(4, "videos after the one on screen that a player may fetch", low=0, high=10)
    n_steps: int = setting(6, "steps of one plan", low=1, high=64)
    refresh_s: float = setting(1.0, "a player asks again after so long", unit="s", low=0.2, high=60)


class _Offer(NamedTuple):
    """A candidate: what it is, how long it takes, what it is worth now or later."""

    clip: int
    chunk: int
    rung: int
    took_s: float
    gain: float
    """Of fetching it now rather than one download later; of a later video: once this one is left."""
    loss: float
    soon_s: float = 0.0
    """By when a chunk of a later video would surely be there that is fetched one download later."""


def decide(now: Situation, rules: PlanRules) -> Decision:
    """The plan for this moment. Cost: O(steps x videos x rungs)."""
    if not now.clips:
        return Decision([], list(range(len(now.in_flight))), rules.refresh_s)
    planner = _Planner(now, rules)
    cancels = planner.take_flights()
    return Decision(planner.fetches(rules.n_steps), cancels, rules.refresh_s)


class _Planner:
    """One decision under way: what is held or chosen so far, and the clock when that will be there."""

    def __init__(self, now: Situation, rules: PlanRules) -> None:
        self._now = now
        self._clips = now.clips[: rules.n_videos + 1]
        self._n_chunks = [min(map(len, clip.chunk_bytes), default=0) for clip in self._clips]
        self._pipe: Pipe = pipe_of(now.link)
        self._first = int(now.playhead_s + 1e-6)
        self._held = [dict(clip.held) for clip in self._clips]
        self._clock_s = 0.0
        self._later: dict[tuple[int, int], _Offer] = {}
        self._rooms: dict[tuple[int, int], float] = {}
        self._moment()

    def take_flights(self) -> list[int]:
        """Count what is under way as held; returns the indexes of what is not worth its bytes."""
        cancels = []
        for index, one in enumerate(self._now.in_flight):
            is_known = 0 <= one.clip < len(self._clips) and one.chunk < self._n_chunks[one.clip]
            if not is_known or (one.clip == 0 and one.chunk < self._first) or self._is_in_the_way(one):
                cancels.append(index)
            else:
                self._held[one.clip].setdefault(one.chunk, one.rung)
                self._clock_s += one.left_bytes * self._pipe.s_per_byte
        return cancels

    def fetches(self, n_steps: int) -> list[Fetch]:
        """The next steps, in order."""
        missing = [self._missing(clip, 0 if clip else self._first) for clip in range(len(self._clips))]
        found: list[Fetch] = []
        at_s = 0.0
        while len(found) < n_steps:
            self._moment(missing[0])
            best, best_worth = None, 0.0
            for clip, chunk in enumerate(missing):
                if chunk is None:
                    continue
                offer = self._next_video(clip, chunk) if clip else self._on_screen(chunk)
                worth = self._balance(offer)
                if worth > best_worth:
                    best, best_worth = offer, worth
            if best is None:
                if missing[0] is None:
                    break
                best = self._on_screen(missing[0])
                at_s = max(at_s, self._turns_at(best))
                self._clock_s = max(self._clock_s, at_s - self._now.playhead_s)
            found.append(Fetch(best.clip, best.chunk, best.rung, at_s))
            self._clock_s += best.took_s
            self._held[best.clip][best.chunk] = best.rung
            missing[best.clip] = self._missing(best.clip, best.chunk)
        return found

    def _moment(self, missing: int | None = None) -> None:
        """Where the playhead is by now, if the viewer is still there, and how surely they are."""
        playhead_s = self._now.playhead_s
        self._at_s = playhead_s + self._clock_s
        if missing is not None and self._at_s > missing:
            self._at_s = max(playhead_s, float(missing))
        self._alive = max(1e-6, at(self._clips[0].survival, self._at_s))

    def _gone(self, within_s: float) -> float:
        """Chance that the viewer swipes within so long."""
        return max(0.0, 1 - at(self._clips[0].survival, self._at_s + within_s) / self._alive)

    def _on_screen(self, chunk: int) -> _Offer:
        clip = self._clips[0]
        ahead_s = max(0.0, self._room(0, chunk) - self._at_s)
        reach = min(1.0, at(clip.survival, max(self._at_s, float(chunk))) / self._alive)
        rung, took_s = best_rung(clip, chunk, self._before(0, chunk), Need(reach, ahead_s, 0.0), self._pipe)
        late = _late(ahead_s - 2 * took_s, self._pipe.tail * took_s)
        hazard = max(MIN_HAZARD, self._gone(took_s))
        loss = BYTE_PRICE * clip.chunk_bytes[rung][chunk] * hazard
        weight = 1.0 if chunk > self._at_s else NOTHING_ON_SCREEN if chunk == 0 else STANDS_STILL
        return _Offer(0, chunk, rung, took_s, STALL_PRICE * weight * took_s * reach * late, loss)

    def _turns_at(self, offer: _Offer) -> float:
        """The playhead at which fetching what is on screen begins to be worth it."""
        took_s = offer.took_s
        ratio = max(1.0, STALL_PRICE * took_s / max(1e-9, offer.loss))
        return max(0.0, self._room(0, offer.chunk) - 2 * took_s - self._pipe.tail * took_s * log(ratio))

    def _room(self, index: int, chunk: int) -> float:
        """The playhead by which a chunk must be there, lest those after it come late at the lowest rung."""
        room_s = self._rooms.get((index, chunk))
        if room_s is None:
            sizes, pipe = self._clips[index].chunk_bytes[0], self._pipe
            room_s, after_s = float(chunk), 0.0
            for later in range(chunk + 1, min(chunk + LOOKAHEAD, len(sizes))):
                after_s += pipe.rtt_s + sizes[later] * pipe.s_per_byte
                room_s = min(room_s, later - after_s)
            self._rooms[index, chunk] = room_s
        return room_s

    def _next_video(self, index: int, chunk: int) -> _Offer:
        """A chunk of a later video; reckoned once a decision, but for how soon this one is left."""
        known = self._later.get((index, chunk))
        if known is not None:
            return known
        clip = self._clips[index]
        share = clip.survival[chunk] if chunk < len(clip.survival) else 0.0
        reach = share * (1 - LEAVES) ** index
        hurry = 0.0 if chunk else STALL_PRICE * self._gone(1.0) * FARTHER ** (index - 1)
        rung, took_s = best_rung(clip, chunk, self._before(index, chunk), Need(reach, inf, hurry), self._pipe)
        if chunk == 0:
            gain, loss = STALL_PRICE * SWIPE_WEIGHT * took_s, 0.0
        else:
            slack_s = self._room(index, chunk) - 2 * took_s
            gain = STALL_PRICE * took_s * reach * _late(slack_s, self._pipe.tail * took_s)
            loss = BYTE_PRICE * clip.chunk_bytes[rung][chunk] * (1 - reach)
        soon_s = (2 + self._pipe.tail) * took_s
        through = self._through(index, soon_s)
        offer = _Offer(index, chunk, rung, took_s, gain * through, loss * through, soon_s)
        self._later[index, chunk] = offer
        return offer

    def _balance(self, offer: _Offer) -> float:
        """Worth of each second of the link. Waiting tells nothing about a later video: only when counts."""
        worth = offer.gain - offer.loss
        if offer.clip and worth > 0:
            worth *= max(MIN_URGENCY, self._gone(offer.soon_s))
        return worth / offer.took_s if offer.took_s else worth

    def _through(self, index: int, within_s: float) -> float:
        """Chance that the videos between the one on screen and this one are left at once, too."""
        chance = 1.0
        for clip in self._clips[1:index]:
            chance *= min(FARTHER, max(LEAST_FARTHER, 1 - at(clip.survival, within_s)))
        return chance

    def _before(self, index: int, chunk: int) -> float | None:
        held = self._held[index].get(chunk - 1) if chunk else self._held[0].get(int(self._at_s))
        rates = self._clips[index].rates
        return rates[held] if held is not None and held < len(rates) else None

    def _missing(self, index: int, first: int) -> int | None:
        n, held = self._n_chunks[index], self._held[index]
        while first < n and first in held:
            first += 1
        return first if first < n else None

    def _is_in_the_way(self, one: InFlight) -> bool:
        """The viewer waits for another chunk meanwhile, and more is left of this one than was paid for.

        Only where a plan has that chunk before this one: else it would begin this one again, for ever.
        """
        first, screen = self._first, self._clips[0]
        if first >= self._n_chunks[0] or first in screen.held:
            return False
        if any(other.clip == 0 and other.chunk == first for other in self._now.in_flight):
            return False
        got_bytes = self._clips[one.clip].chunk_bytes[one.rung][one.chunk] - one.left_bytes
        if STALL_PRICE * one.left_bytes * self._pipe.s_per_byte <= BYTE_PRICE * got_bytes:
            return False
        again = self._next_video(one.clip, one.chunk) if one.clip else self._on_screen(one.chunk)
        return self._balance(self._on_screen(first)) > self._balance(again)


def _late(slack_s: float, width_s: float) -> float:
    """Chance that a download takes so much longer than expected."""
    return 1.0 if slack_s <= 0 else exp(-slack_s / max(1e-6, width_s))

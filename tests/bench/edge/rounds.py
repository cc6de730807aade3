"""Interleaved rounds and what is made of them: A B C D, A B C D, …; medians, and ratios within a round.

Pure. Whatever else the machine does for a second hurts the servers that stand beside each other in that
round, so a ratio is taken within each round, and then the median of the ratios. Their least and most tell
whether a bound is missed or the machine swung.
"""

import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

Figures = dict[str, float]
P = TypeVar("P")
LEAST, MOST = " (least)", " (most)"
"""Behind a ratio's name: of the rounds."""


def interleaved(peers: Sequence[P], n_rounds: int, measure: Callable[[P], Figures]) -> list[list[Figures]]:
    """For each round the figures of each peer; every other round runs backwards, so that none is always next
    to the same neighbour."""
    rounds = []
    for number in range(n_rounds):
        order = range(len(peers)) if number % 2 == 0 else reversed(range(len(peers)))
        taken = {place: measure(peers[place]) for place in order}
        rounds.append([taken[place] for place in range(len(peers))])
    return rounds


def medians(rounds: Sequence[Sequence[Figures]], place: int) -> Figures:
    """Each figure's median over the rounds, for the peer at `place`."""
    return {name: statistics.median(one[place][name] for one in rounds) for name in rounds[0][place]}


def ratios(rounds: Sequence[Sequence[Figures]], name: str, ours: int, theirs: int) -> list[float]:
    """Our figure ÷ theirs within each round; nan alone when theirs was never positive."""
    found = [one[ours][name] / one[theirs][name] for one in rounds if one[theirs][name] > 0]
    return found or [float("nan")]


def compared(
    names: Sequence[str], rounds: Sequence[Sequence[Figures]], beside: Sequence[str]
) -> dict[str, Figures]:
    """A row for each peer: its medians, req/s ÷ each of `beside` that is there, and p99 and processor time
    per request ÷ the first of them; each ratio with the least and the most of its rounds."""
    rows = {}
    for place, name in enumerate(names):
        row = medians(rounds, place)
        compare = {f"÷ {other}": ("req/s", other) for other in beside if other in names}
        if beside and beside[0] in names and "p99 us" in row:
            compare[f"p99 ÷ {beside[0]}"] = ("p99 us", beside[0])
            compare[f"cpu ÷ {beside[0]}"] = ("cpu us/req", beside[0])
        for label, (figure, other) in compare.items():
            found = ratios(rounds, figure, place, names.index(other))
            row |= {label: statistics.median(found), label + LEAST: min(found), label + MOST: max(found)}
        rows[name] = row
    return rows

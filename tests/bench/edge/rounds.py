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
EDGE, FORMER = "edge", "former"
"""How the rows of the present build and of a former one begin: `edge, and disk` and `former, and disk`."""


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
    """A row for each peer: its medians, req/s ÷ each of `beside` that is there and ÷ the same of the former
    build, and p99 and processor time per request ÷ the first of `beside` and ÷ that; each ratio with the
    least and the most of its rounds."""
    rows = {}
    for place, name in enumerate(names):
        row = medians(rounds, place)
        others = {other: names.index(other) for other in beside if other in names}
        closest = {other: at for other, at in others.items() if other == beside[0]} | _former(names, name)
        compare = {f"÷ {other}": ("req/s", at) for other, at in (others | closest).items()}
        if "p99 us" in row:
            compare |= {f"p99 ÷ {other}": ("p99 us", at) for other, at in closest.items()}
            compare |= {f"cpu ÷ {other}": ("cpu us/req", at) for other, at in closest.items()}
        for label, (figure, at) in compare.items():
            found = ratios(rounds, figure, place, at)
            row |= {label: statistics.median(found), label + LEAST: min(found), label + MOST: max(found)}
        rows[name] = row
    return rows


def _former(names: Sequence[str], name: str) -> dict[str, int]:
    """The place of a row's counterpart in the former build, if it is an edge's and that was measured."""
    former = name.replace(EDGE, FORMER, 1)
    return {FORMER: names.index(former)} if former != name and former in names else {}

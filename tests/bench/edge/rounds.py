"""Interleaved rounds and what is made of them: A B C D, A B C D, …; medians, and ratios within a round.

Pure. Whatever else the machine does for a second hurts the servers that stand beside each other in that
round, so a ratio is taken within each round, and then the median of the ratios.
"""

import statistics
from collections.abc import Callable, Sequence
from typing import TypeVar

Figures = dict[str, float]
P = TypeVar("P")


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


def ratio(rounds: Sequence[Sequence[Figures]], name: str, ours: int, theirs: int) -> float:
    """The median over the rounds of our figure ÷ theirs; nan when theirs was never positive."""
    ratios = [one[ours][name] / one[theirs][name] for one in rounds if one[theirs][name] > 0]
    return statistics.median(ratios) if ratios else float("nan")


def compared(
    names: Sequence[str], rounds: Sequence[Sequence[Figures]], beside: Sequence[str]
) -> dict[str, Figures]:
    """A row for each peer: its medians, req/s ÷ each of `beside` that is there, and p99 and processor time
    per request ÷ the first of them."""
    rows = {}
    for place, name in enumerate(names):
        row = medians(rounds, place)
        for other in (one for one in beside if one in names):
            row[f"÷ {other}"] = ratio(rounds, "req/s", place, names.index(other))
        if beside and beside[0] in names and "p99 us" in row:
            first = names.index(beside[0])
            row[f"p99 ÷ {beside[0]}"] = ratio(rounds, "p99 us", place, first)
            row[f"cpu ÷ {beside[0]}"] = ratio(rounds, "cpu us/req", place, first)
        rows[name] = row
    return rows

"""Orders the candidates held by the brain's base score and the session's delta; never adds a video.

Pure. One matrix-vector product. The brain's order carries more than its scores (diversity, exploration
slots), so the base of a place is the best score from there on: following the base alone gives the brain's
order back exactly. The stronger the delta, the more the affinity to the shifted user vector weighs.
"""

import math
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge.session.candidates import B1, F32
from shared.config import setting
from shared.messages.queues import Candidate

Groups = tuple[list[int], list[int]]
"""Creators and categories of candidates as numbers; 0 groups with nothing."""


U16 = npt.NDArray[np.uint16]
GroupsOf = Callable[[U16], Groups]
_PLACES = np.arange(2**16, dtype=np.int64)
_FIXED_POINT = np.float64(-(2.0**30))


@dataclass(frozen=True)
class Spacing:
    """How far alike videos are kept apart at the top of the order."""

    n_places: int = setting(
        24, "places from the head that are spaced; nobody looks below before the next", low=0, high=200
    )
    lookahead: int = setting(40, "candidates tried for a place before the rule gives way", low=1, high=500)
    creator_gap: int = setting(2, "places between two videos of one creator", low=0, high=20)
    category_run: int = setting(3, "at most this many of one category in a row", low=1, high=1000)


def affinity(products: F32, is_known: B1 | None) -> F32:
    """`products` (n,) with the user's vector; a candidate without a vector gets the mean of the others."""
    if is_known is not None and not is_known.all():
        products[~is_known] = products[is_known].mean() if is_known.any() else 0.0
    return products


def blend(standard_base: F32, affinities: F32, strength: float, share: float) -> F32:
    """One score per candidate: standardised base and affinity; `strength` is the delta's length.

    At strength 0 it is the base; at one signal (1) the affinity's weight is two thirds of `share`. Up to a
    positive factor, which orders nothing. Writes over `affinities`.
    """
    pull = share * strength / (0.5 + strength)
    n = len(affinities)
    affinities -= np.add.reduce(affinities) / n
    spread = math.sqrt(affinities.dot(affinities) / n)
    affinities *= pull / (1.0 - pull) / spread if spread > 0 else 0.0
    affinities += standard_base
    return affinities


def order(scores: F32, head: int | None, groups: GroupsOf, spacing: Spacing) -> "array[int]":
    """Places by falling score, `head` first, alike videos apart; ties keep the brain's order."""
    ranked = _falling(scores)
    if head is not None:
        ranked = np.concatenate((np.array([head], np.uint16), ranked[ranked != head]))
    n_near = spacing.n_places + spacing.lookahead + 1
    near = ranked[:n_near]
    moved = _spaced(*groups(near), spacing)
    ranked[: len(moved)] = near[moved]
    return array("H", ranked.tobytes())


def _falling(scores: F32) -> U16:
    """Places by falling score, equal ones in their order.

    In fixed point, with the place below it: integers are sorted without branches. A stable argsort of 500
    floats takes 21 us, this takes 8. Scores are up to 2**17; less than 2**-30 apart they are equal.
    """
    keys = (scores * _FIXED_POINT).astype(np.int64)
    keys <<= 16
    keys |= _PLACES[: len(keys)]
    keys.sort()
    return keys.astype(np.uint16)


def lead(placed: "array[int]", is_ready: Callable[[int], bool], lookahead: int) -> "array[int]":
    """`placed` with the first of its first `lookahead` that is ready brought to the front.

    A swipe may come at once: what leads must be warm. The better one that is not is next, warm by then.
    """
    ready = next((place for place, index in enumerate(placed[:lookahead]) if is_ready(index)), 0)
    if ready:
        placed.insert(0, placed.pop(ready))
    return placed


def begin(
    items: Sequence[Candidate], is_ready: Callable[[str], bool], among: int, gain: float
) -> list[Candidate]:
    """`items` with what is ready first, among the first `among` and where it is nearly as good.

    A new session asks for several openings at once. What is ready comes before one that is not and is better
    by at most `gain` standard deviations of the scores; nothing falls behind by more than `among` places.
    """
    left, placed = list(items[:among]), []
    ready = {one.video_id for one in left if is_ready(one.video_id)}
    gap = gain * float(np.std([one.score for one in items])) if items else 0.0
    while left:
        least = left[0].score - gap
        chosen = next((one for one in left if one.video_id in ready and one.score >= least), left[0])
        left.remove(chosen)
        placed.append(chosen)
    return [*placed, *items[among:]]


def _spaced(creators: list[int], categories: list[int], spacing: Spacing) -> list[int]:
    """The order as far as it is another: the first `n_places` are chosen so that alike ones are apart."""
    lookahead, gap, longest = spacing.lookahead, spacing.creator_gap, spacing.category_run
    left, placed = list(range(len(creators))), []
    near: list[int] = []
    last, run = 0, 0
    for _ in range(min(spacing.n_places, len(left))):
        full = last if run >= longest else 0
        for index in left[:lookahead]:
            creator, category = creators[index], categories[index]
            if (not creator or creator not in near) and (not full or category != full):
                break
        else:
            index = left[0]
            creator, category = creators[index], categories[index]
        left.remove(index)
        placed.append(index)
        run = run + 1 if category == last else 1
        last = category
        near.append(creator)
        if len(near) > gap:
            del near[0]
    return placed + left[: max(placed, default=-1) + 1 - len(placed)]

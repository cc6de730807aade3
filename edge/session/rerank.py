"""Orders the candidates held by the brain's base score and the session's delta; never adds a video.

Pure. One matrix-vector product. The brain's order carries more than its scores (diversity, exploration
slots), so the base of a place is the best score from there on: following the base alone gives the brain's
order back exactly. The stronger the delta, the more the affinity to the shifted user vector weighs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.config import setting

F32 = npt.NDArray[np.float32]
Group = tuple[str, str]
"""Creator and category of a candidate; an empty string groups with nothing."""


@dataclass(frozen=True)
class Spacing:
    """How far alike videos are kept apart at the top of the order."""

    n_places: int = setting(
        24, "places from the head that are spaced; nobody looks below before the next", low=0, high=200
    )
    lookahead: int = setting(40, "candidates tried for a place before the rule gives way", low=1, high=500)
    creator_gap: int = setting(2, "places between two videos of one creator", low=0, high=20)
    category_run: int = setting(3, "at most this many of one category in a row", low=1, high=1000)


def base(scores: F32) -> F32:
    """What each place of the brain's order (n,) is worth: the best score from there on."""
    return np.asarray(np.maximum.accumulate(scores[::-1])[::-1], np.float32)


def affinity(rows: F32, is_known: npt.NDArray[np.bool_], user: F32) -> F32:
    """`rows @ user` (n,); a candidate without a vector gets the mean of the others."""
    values = rows @ user
    if not is_known.all():
        values[~is_known] = values[is_known].mean() if is_known.any() else 0.0
    return np.asarray(values, np.float32)


def blend(base_scores: F32, affinities: F32, strength: float, share: float) -> F32:
    """One score per candidate: standardised base and affinity; `strength` is the delta's length.

    At strength 0 it is the base; at one signal (1) the affinity's weight is two thirds of `share`.
    """
    pull = share * strength / (0.5 + strength)
    return np.asarray((1.0 - pull) * _standard(base_scores) + pull * _standard(affinities), np.float32)


def order(scores: F32, head: int | None, group: Callable[[int], Group], spacing: Spacing) -> list[int]:
    """Indexes by falling score, `head` first, alike videos apart; ties keep the brain's order."""
    ranked: list[int] = np.argsort(-scores, kind="stable").tolist()
    placed: list[int] = []
    groups: list[Group] = []
    if head is not None:
        ranked.remove(head)
        placed.append(head)
        groups.append(group(head))
    while ranked and len(placed) < spacing.n_places:
        chosen = next(
            (i for i in ranked[: spacing.lookahead] if _is_apart(group(i), groups, spacing)), ranked[0]
        )
        ranked.remove(chosen)
        placed.append(chosen)
        groups.append(group(chosen))
    return placed + ranked


def lead(placed: list[int], is_ready: Callable[[int], bool], lookahead: int) -> list[int]:
    """`placed` with the first of its first `lookahead` that is ready brought to the front.

    A swipe may come at once: what leads must be warm. The better one that is not is next, warm by then.
    """
    ready = next((place for place, index in enumerate(placed[:lookahead]) if is_ready(index)), 0)
    return [placed[ready], *placed[:ready], *placed[ready + 1 :]] if ready else placed


def _standard(values: F32) -> F32:
    spread = float(values.std())
    return np.asarray((values - values.mean()) / (spread if spread > 0 else 1.0), np.float32)


def _is_apart(one: Group, placed: Sequence[Group], spacing: Spacing) -> bool:
    creator, category = one
    if creator and any(other[0] == creator for other in placed[-spacing.creator_gap :]):
        return False
    run = placed[-spacing.category_run :]
    return not (category and len(run) == spacing.category_run and all(g[1] == category for g in run))

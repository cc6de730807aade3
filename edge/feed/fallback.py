"""What to show when the brain is silent: trending, then fresh and cached, then the oldest seen again.

Pure. The queue in hand comes before all of this; it is filled up from here when it runs short.
"""

from collections.abc import Callable, Container, Iterable, Sequence

from shared.messages.catalog import VideoCard
from shared.messages.queues import Candidate, Source

RECENT_SHARE = 2
"""The latest 1/RECENT_SHARE of the seen videos is not shown again while there is an older one."""


def trending(
    items: Sequence[Candidate], is_shown: Container[str], has_card: Callable[[str], bool]
) -> list[Candidate]:
    """The regional list without what was seen, best first."""
    return [
        Candidate(item.video_id, item.score, Source.FALLBACK_TRENDING)
        for item in items
        if item.video_id not in is_shown and has_card(item.video_id)
    ]


def fresh(
    cards: Iterable[VideoCard], is_shown: Container[str], is_warm: Callable[[VideoCard], bool]
) -> list[Candidate]:
    """The newest cards, those whose opening chunk is warm before the others."""
    unseen = sorted(
        (c for c in cards if c.id not in is_shown and c.rungs), key=lambda c: (-c.created_ms, c.id)
    )
    warm = [card for card in unseen if is_warm(card)]
    cold = [card for card in unseen if not is_warm(card)]
    return [Candidate(card.id, 0.0, Source.FALLBACK_CACHED) for card in warm + cold]


def again(seen: Iterable[str], has_card: Callable[[str], bool], current: str) -> list[str]:
    """Seen videos to show again, the longest ago first: when all is seen, the scroll still goes on."""
    known = [video_id for video_id in seen if video_id != current and has_card(video_id)]
    if not known:
        return [current] if current and has_card(current) else []
    return known[: -(-len(known) // RECENT_SHARE)]


def fill(n_short: int, *lists: Sequence[Candidate]) -> list[Candidate]:
    """At most `n_short` candidates, from the earlier lists first, each video once."""
    chosen: dict[str, Candidate] = {}
    for candidates in lists:
        for candidate in candidates:
            if len(chosen) >= n_short:
                return list(chosen.values())
            chosen.setdefault(candidate.video_id, candidate)
    return list(chosen.values())

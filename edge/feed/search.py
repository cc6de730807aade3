"""What is found without the brain: cards at hand whose text holds every word of the query.

Pure. Used while the brain does not answer; the newest come first. Cost O(cards).
"""

from collections import Counter
from collections.abc import Iterable

from shared.messages.catalog import VideoCard
from shared.messages.search import FoundTag

MAX_WORDS = 8


def local(cards: Iterable[VideoCard], query: str, n: int) -> list[VideoCard]:
    """At most n playable cards, newest first; none for an empty query."""
    wanted = query.casefold().split()[:MAX_WORDS]
    if not wanted:
        return []
    found = [card for card in cards if card.rungs and all(_holds(card, word) for word in wanted)]
    return sorted(found, key=lambda card: (-card.created_ms, card.id))[:n]


def tags(cards: Iterable[VideoCard], n: int) -> list[FoundTag]:
    """The n most frequent hashtags of these cards."""
    counted = Counter(tag for card in cards for tag in set(card.hashtags)).most_common(n)
    return [FoundTag(tag, count, round(count / counted[0][1], 3)) for tag, count in counted]


def _holds(card: VideoCard, word: str) -> bool:
    if word.startswith("#"):
        return word[1:] in card.hashtags
    text = f"{card.caption} {card.category} {card.creator_name} {card.creator_id} {' '.join(card.hashtags)}"
    return word in text.casefold()

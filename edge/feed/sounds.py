"""What is known of a sound without the origin: from the cards at hand.

Pure. Used while the origin has never answered for it. A card without `sound_id` plays a sound of its own.
"""

from collections.abc import Iterable, Sequence

from shared.messages.catalog import VideoCard
from shared.messages.reads import Sound


def videos_of(sound: str, cards: Iterable[VideoCard]) -> list[VideoCard]:
    """The playable videos with a sound: the one that it comes from, then the newest first. O(cards)."""
    found = [card for card in cards if card.rungs and (card.sound_id or card.id) == sound]
    return sorted(found, key=lambda card: (card.id != sound, -card.created_ms, card.id))


def sound_of(videos: Sequence[VideoCard], sound: str) -> Sound:
    """What its videos, ordered by `videos_of`, tell of a sound: its creator only if the first is theirs.

    Whether the source has an audio track is not on a card: it counts as available while it can be played.
    """
    source = next((card for card in videos if card.id == sound), None)
    return Sound(
        id=sound,
        title=next((card.sound_title for card in videos if card.sound_title), ""),
        creator_id=source.creator_id if source else "",
        creator_name=source.creator_name if source else "",
        n_videos=len(videos),
        is_available=source is not None,
        video=source,
    )

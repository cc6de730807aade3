"""Why this video, in a few words for a person.

Pure. What the viewer did in this session comes first, when it moved the video up; else the source that the
brain (or the fallback) found it by.
"""

from edge.session.state import Session
from shared.messages.catalog import VideoCard
from shared.messages.queues import Candidate, Source

_BY_SOURCE = {
    Source.VECTORS: "close to what you like",
    Source.COVISIT: "people who watched yours watched this",
    Source.TRENDING: "trending in your region",
    Source.FRESH: "new",
    Source.FOLLOWING: "from a creator you follow",
    Source.TAGS: "a hashtag you watch",
    Source.EXPLORE: "trying something new",
    Source.FALLBACK_TRENDING: "trending in your region",
    Source.FALLBACK_CACHED: "new",
}


def reason(session: Session, candidate: Candidate, card: VideoCard, rank_moved: int) -> str:
    """A short reason in lower case."""
    if card.creator_id in session.following:
        return _BY_SOURCE[Source.FOLLOWING]
    if rank_moved > 0:
        n_finished = sum(s.is_finish for s in session.signals if s.category == card.category)
        if n_finished:
            return f"because you finished {n_finished} {card.category} clip{'s' if n_finished > 1 else ''}"
        if any(s.weight > 0 and s.category == card.category for s in session.signals):
            return f"because you liked {card.category}"
        if any(s.weight < 0 for s in session.signals):
            return "instead of what you skipped"
    source = candidate.source
    return _BY_SOURCE[Source(source)] if source in _BY_SOURCE else "picked for you"

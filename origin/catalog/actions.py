"""What a viewer's event changes in the social graph, checked; impressions and watches change nothing here.

Pure. The edge has checked the same before, but the stream is the border of this service: what does not fit is
refused with a reason, counted, and the rest of its batch goes on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from origin.uploads.metadata import printable
from shared.errors import InvalidId
from shared.ids import check_id
from shared.messages.events import EventKind, ViewEvent

SOCIAL = frozenset(
    {
        EventKind.LIKE,
        EventKind.UNLIKE,
        EventKind.FOLLOW,
        EventKind.UNFOLLOW,
        EventKind.COMMENT,
        EventKind.SHARE,
    }
)


class Refusal(StrEnum):
    """Why an event changes nothing."""

    BAD_ID = "bad_id"
    EMPTY_COMMENT = "empty_comment"
    LONG_COMMENT = "long_comment"
    FOLLOWS_SELF = "follows_self"
    NO_VIDEO = "no_video"
    NO_CREATOR = "no_creator"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Action:
    """One checked change of the social graph, idempotent by `id`."""

    id: str
    kind: EventKind
    user_id: str
    video_id: str
    creator_id: str
    """May be empty: then the video's."""
    text: str
    at_ms: int


def actions(events: Iterable[ViewEvent], comment_chars: int) -> tuple[list[Action], list[Refusal]]:
    """The changes that `events` ask for, in their order, and a reason for each that is refused."""
    taken: list[Action] = []
    refused: list[Refusal] = []
    for event in events:
        if event.kind not in SOCIAL:
            continue
        judged = _judge(event, comment_chars)
        if isinstance(judged, Refusal):
            refused.append(judged)
        else:
            taken.append(judged)
    return taken, refused


def _judge(event: ViewEvent, comment_chars: int) -> Action | Refusal:
    try:
        for what, value in (("event", event.id), ("user", event.user_id), ("video", event.video_id)):
            check_id(value, what)
        if event.creator_id:
            check_id(event.creator_id, "creator")
    except InvalidId:
        return Refusal.BAD_ID
    text = printable(event.text).strip() if event.kind is EventKind.COMMENT else ""
    if event.kind is EventKind.COMMENT and not text:
        return Refusal.EMPTY_COMMENT
    if len(text) > comment_chars:
        return Refusal.LONG_COMMENT
    if event.kind in (EventKind.FOLLOW, EventKind.UNFOLLOW) and event.creator_id == event.user_id:
        return Refusal.FOLLOWS_SELF
    return Action(event.id, event.kind, event.user_id, event.video_id, event.creator_id, text, event.at_ms)

"""Which viewers' events change the social graph."""

import pytest

from origin.catalog.actions import Refusal, actions
from shared.messages.events import EventKind
from tests.builders import make_event


@pytest.mark.parametrize("kind", [EventKind.WATCH, EventKind.IMPRESSION, EventKind.NOT_INTERESTED])
def test_watching_changes_nothing(kind: EventKind) -> None:
    assert actions([make_event(kind)], 10) == ([], [])


def test_actions_keep_the_order_of_their_events() -> None:
    kinds = [EventKind.LIKE, EventKind.UNLIKE, EventKind.SHARE, EventKind.FOLLOW]
    taken, refused = actions([make_event(kind, creator_id="c") for kind in kinds], 10)
    assert [action.kind for action in taken] == kinds
    assert refused == []


def test_a_comment_keeps_its_words_without_control_characters() -> None:
    taken, _ = actions([make_event(EventKind.COMMENT, text=" so\x00 good ")], 10)
    assert taken[0].text == "so good"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": EventKind.COMMENT, "text": " \x00"}, Refusal.EMPTY_COMMENT),
        ({"kind": EventKind.COMMENT, "text": "x" * 11}, Refusal.LONG_COMMENT),
        ({"kind": EventKind.LIKE, "user_id": "a b"}, Refusal.BAD_ID),
        ({"kind": EventKind.LIKE, "video": "../x"}, Refusal.BAD_ID),
        ({"kind": EventKind.FOLLOW, "creator_id": "u1"}, Refusal.FOLLOWS_SELF),
        ({"kind": EventKind.FOLLOW, "creator_id": "a b"}, Refusal.BAD_ID),
    ],
)
def test_what_does_not_fit_is_refused_and_the_rest_goes_on(fields: dict[str, str], reason: Refusal) -> None:
    good = make_event(EventKind.LIKE)
    taken, refused = actions([make_event(**({"user_id": "u1"} | fields)), good], 10)  # type: ignore[arg-type]
    assert refused == [reason]
    assert [action.id for action in taken] == [good.id]

"""Who listens for server-sent events: bounds, slow listeners, leaving."""

from contextlib import ExitStack

import pytest

from edge.errors import TooManyStreams
from edge.feed.notices import MAX_STREAMS_OF_SESSION, MAX_WAITING, Notice, Notices


def queue(version: int) -> Notice:
    return Notice("queue", {"version": version})


async def test_a_notice_reaches_its_sessions_listeners_only() -> None:
    notices = Notices()
    with notices.listen("a") as mine, notices.listen("b") as other:
        notices.tell("a", queue(1))

        assert mine.get_nowait() == queue(1)
        assert other.empty()


async def test_a_withdrawal_reaches_everybody() -> None:
    notices = Notices()
    with notices.listen("a") as one, notices.listen("b") as other:
        notices.tell_all(Notice("withdrawn", {"video": "v"}))

        assert one.get_nowait() == other.get_nowait()


async def test_a_slow_listener_loses_its_oldest_notices() -> None:
    notices = Notices()
    with notices.listen("a") as inbox:
        for version in range(MAX_WAITING + 3):
            notices.tell("a", queue(version))

        assert inbox.qsize() == MAX_WAITING
        assert inbox.get_nowait() == queue(3)


async def test_a_session_has_a_bounded_number_of_streams() -> None:
    notices = Notices()
    with ExitStack() as streams:
        for _ in range(MAX_STREAMS_OF_SESSION):
            streams.enter_context(notices.listen("a"))
        with pytest.raises(TooManyStreams), notices.listen("a"):
            pass
    with notices.listen("a") as inbox:
        notices.tell("a", queue(1))
        assert inbox.qsize() == 1

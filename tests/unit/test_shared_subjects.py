"""Subjects and streams fit together, and no id can widen one."""

import pytest

from shared import subjects
from shared.errors import InvalidId


def covers(pattern: str, subject: str) -> bool:
    """Whether NATS would deliver `subject` to a subscription of `pattern`."""
    wanted, tokens = pattern.split("."), subject.split(".")
    if wanted[-1] == ">":
        return len(tokens) >= len(wanted) and tokens[: len(wanted) - 1] == wanted[:-1]
    return len(wanted) == len(tokens) and all(w in ("*", t) for w, t in zip(wanted, tokens, strict=True))


@pytest.mark.parametrize(
    ("subject", "stream"),
    [
        (subjects.events("e1"), subjects.EVENTS),
        (subjects.catalog("published"), subjects.CATALOG),
        (subjects.JOBS_FIRST, subjects.JOBS),
        (subjects.JOBS_LADDER, subjects.JOBS),
        (subjects.queue("e1"), None),
        (subjects.trends("local"), None),
        (subjects.heartbeat("e1"), None),
        (subjects.QUEUE_REQUEST, None),
        (subjects.VECTOR_REQUEST, None),
        (subjects.MODEL, None),
        (subjects.RETENTION, None),
        (subjects.RETENTION_REQUEST, None),
        (subjects.MODEL_TRAINED, None),
    ],
)
def test_a_subject_is_stored_in_its_stream_alone(subject: str, stream: subjects.Stream | None) -> None:
    holders = [s for s in subjects.STREAMS if any(covers(pattern, subject) for pattern in s.subjects)]

    assert holders == ([stream] if stream else [])


def test_wildcards_match_what_they_are_for() -> None:
    assert covers(subjects.ALL_EVENTS, subjects.events("e1"))
    assert covers(subjects.ALL_CATALOG, subjects.catalog("withdrawn"))
    assert covers(subjects.ALL_HEARTBEATS, subjects.heartbeat("e1"))


@pytest.mark.parametrize("name", ["*", ">", "a.b", "", "a b"])
def test_no_name_can_widen_a_subject(name: str) -> None:
    for build in (
        subjects.events,
        subjects.queue,
        subjects.trends,
        subjects.heartbeat,
        subjects.catalog,
    ):
        with pytest.raises(InvalidId):
            build(name)


def test_every_stream_is_bounded_and_deduplicates() -> None:
    for stream in subjects.STREAMS:
        assert 0 < stream.max_bytes <= 2 * 1024**3
        assert stream.duplicate_window_s >= 120

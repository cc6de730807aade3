"""Messages to bytes and back, whatever the bytes are."""

import contextlib
import tracemalloc

import msgpack
import pytest
import zstandard
from hypothesis import example, given
from hypothesis import strategies as st

from shared.codec import COMPRESS_ABOVE_BYTES, MAX_MESSAGE_BYTES, decode, encode
from shared.errors import DecodeError, TooLarge
from shared.messages.catalog import CatalogEvent, CatalogKind
from shared.messages.events import EventBatch, EventKind, ViewEvent
from shared.messages.jobs import TranscodeJob
from shared.messages.kinds import ALL
from shared.messages.message import Message
from shared.messages.queues import Candidate, RankedQueue
from shared.messages.retention import Curve, Retention
from tests.builders import make_batch, make_catalog_event, make_event

TEXT = st.text(max_size=20)
CANDIDATES = st.builds(Candidate, video_id=TEXT, score=st.floats(allow_nan=False), source=TEXT)
CURVES = st.builds(Curve, shares=st.binary(max_size=120), weight=st.floats(0, 1e9))
NUMBER = st.integers(-(2**53), 2**53)
EVENTS = st.builds(
    ViewEvent,
    id=TEXT,
    kind=st.sampled_from(EventKind),
    user_id=TEXT,
    session_id=TEXT,
    video_id=TEXT,
    at_ms=NUMBER,
    completion=st.floats(0, 10),
    text=TEXT,
)
MESSAGES = st.one_of(
    st.builds(
        EventBatch, id=TEXT, edge_id=TEXT, region=TEXT, at_ms=NUMBER, events=st.lists(EVENTS, max_size=5)
    ),
    st.builds(
        RankedQueue,
        session_id=TEXT,
        user_id=TEXT,
        version=NUMBER,
        model=TEXT,
        user_vector=st.binary(max_size=600),
        built_at_ms=NUMBER,
        items=st.lists(CANDIDATES, max_size=20),
        seen=st.lists(TEXT, max_size=5),
    ),
    st.builds(
        Retention,
        at_ms=NUMBER,
        curves=st.dictionaries(TEXT, CURVES, max_size=4),
        priors=st.dictionaries(TEXT, CURVES, max_size=2),
    ),
    st.sampled_from(CatalogKind).map(lambda kind: make_catalog_event(kind=kind)),
)


def packed(*parts: object) -> bytes:
    return b"\x00" + bytes(msgpack.packb(list(parts)))


@given(MESSAGES)
def test_a_message_survives_the_wire(message: Message) -> None:
    assert decode(encode(message), type(message)) == message


@given(st.one_of(st.binary(max_size=2000), st.binary().map(lambda b: b"\x00" + b)), st.sampled_from(ALL))
@example(b"", EventBatch)
@example(b"\x01" + zstandard.compress(b"\x00" * (2 * MAX_MESSAGE_BYTES)), EventBatch)
@example(b"\x00" + b"\x91" * 5000 + b"\x00", EventBatch)
@example(b"\x00" + b"\x00" * MAX_MESSAGE_BYTES * 2, EventBatch)
def test_no_bytes_raise_anything_but_a_decode_error(data: bytes, kind: type[Message]) -> None:
    with contextlib.suppress(DecodeError):
        assert isinstance(decode(data, kind), kind)


@given(MESSAGES, st.data())
def test_a_damaged_message_raises_nothing_but_a_decode_error(message: Message, draw: st.DataObject) -> None:
    data = bytearray(encode(message))
    place = draw.draw(st.integers(0, len(data) - 1))
    data[place] ^= draw.draw(st.integers(1, 255))

    with contextlib.suppress(DecodeError):
        decode(bytes(data[: draw.draw(st.integers(0, len(data)))]), type(message))


@given(
    st.recursive(st.none() | st.booleans() | NUMBER | TEXT | st.binary(max_size=9), st.lists, max_leaves=20)
)
def test_well_formed_msgpack_of_another_shape_is_a_decode_error(value: object) -> None:
    for data in (
        packed("events", 1, value),
        packed(value, 1, {}),
        packed("events", value, {}),
        packed(value),
    ):
        with pytest.raises(DecodeError):
            decode(data, EventBatch)


@pytest.mark.parametrize("writes_size", [True, False])
def test_a_bomb_is_refused_before_it_unpacks(writes_size: bool) -> None:
    compressor = zstandard.ZstdCompressor(write_content_size=writes_size)
    bomb = b"\x01" + compressor.compress(b"\x00" * (32 * MAX_MESSAGE_BYTES))
    tracemalloc.start()

    with pytest.raises(DecodeError):
        decode(bomb, EventBatch)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak_bytes < 4 * MAX_MESSAGE_BYTES


def test_a_message_of_another_kind_is_refused() -> None:
    with pytest.raises(DecodeError, match="expected a catalog message, got 'events'"):
        decode(encode(make_batch()), CatalogEvent)


@pytest.mark.parametrize(
    ("version", "is_read"), [(-1, False), (0, True), (1, True), (2, False), ("1", False)]
)
def test_this_version_and_the_one_before_are_read(version: object, is_read: bool) -> None:
    data = packed("transcode", version, {"id": "j", "video_id": "v", "rungs": []})
    if is_read:
        assert decode(data, TranscodeJob).id == "j"
    else:
        with pytest.raises(DecodeError):
            decode(data, TranscodeJob)


def test_a_field_from_the_future_is_skipped_and_a_missing_one_takes_its_default() -> None:
    fields = {"id": "j", "video_id": "v", "rungs": ["360p"], "colour": "blue"}

    assert decode(packed("transcode", 1, fields), TranscodeJob).rungs == ["360p"]
    with pytest.raises(DecodeError):
        decode(packed("transcode", 1, {"id": "j"}), TranscodeJob)


def test_only_a_long_message_is_compressed() -> None:
    short, long = make_batch(), make_batch(*(make_event() for _ in range(50)))

    assert encode(short)[:1] == b"\x00"
    assert encode(long)[:1] == b"\x01"
    assert len(encode(long)) < COMPRESS_ABOVE_BYTES * 2


def test_a_message_over_the_limit_is_not_sent() -> None:
    with pytest.raises(TooLarge) as told:
        encode(make_batch(make_event(text="x" * MAX_MESSAGE_BYTES)))

    assert told.value.facts["limit_bytes"] == MAX_MESSAGE_BYTES


def test_every_kind_has_a_name_of_its_own_and_a_version() -> None:
    assert len({kind.KIND for kind in ALL}) == len(ALL)
    assert all(kind.KIND and kind.VERSION >= 1 for kind in ALL)
    assert set(ALL) == set(Message.__subclasses__())

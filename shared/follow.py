"""Following a stream by sequence: what a node that keeps its own place reads, instead of a durable consumer.

A durable consumer ends with nothing: one for each node that was ever seen would stay at the server.
Here the node keeps the place itself, beside what it has applied, and reads through a passing consumer.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from nats.aio.msg import Msg

from shared.core_nats import decoded, settle
from shared.errors import Unavailable
from shared.link import Line
from shared.messages.message import Message
from shared.pull import API_S, Consumer, Pull, ensure_stream
from shared.resume import LogFacts, Place, Resume, Step, resume, step
from shared.subjects import Stream

M = TypeVar("M", bound=Message)
Heard_contra = TypeVar("Heard_contra", bound=Message, contravariant=True)
BATCH = 512


class Follower(Protocol[Heard_contra]):
    """Who applies a stream. `place` is the last message that it has applied."""

    @property
    def place(self) -> Place | None:
        """None: it has never followed this stream."""

    async def lost(self, why: Resume, place: Place) -> None:
        """Anything may have been in what is missing; from now on the place is `place`."""

    async def take(self, messages: Sequence[tuple[Heard_contra | None, Place]]) -> None:
        """Apply these, in this order; None is one that cannot be decoded."""

    def behind(self, n_messages: int) -> None:
        """So many are about to be replayed."""

    def current(self) -> None:
        """Everything that was there when we asked is applied."""

    def away(self) -> None:
        """The stream cannot be read now."""


@asynccontextmanager
async def pulled(line: Line, stream: Stream, plan: Consumer) -> AsyncIterator[Pull]:
    """An open consumer, closed at the end. Raises Unavailable."""
    pull = await Pull.open(line, stream, plan)
    try:
        yield pull
    finally:
        await settle(pull.close())


async def log_facts(line: Line, stream: Stream) -> LogFacts:
    """What the server says of a stream. Raises Unavailable."""
    await ensure_stream(line, stream)
    info = await line.race(line.client.jetstream(timeout=API_S).stream_info(stream.name), API_S)
    created = info.created.isoformat() if info.created is not None else ""
    return LogFacts(created, info.state.first_seq, info.state.last_seq)


async def read_on(line: Line, stream: Stream, kind: type[M], follower: Follower[M]) -> None:
    """Follow on one connection, until it fails: raises Unavailable.

    A hole before the first message that is read is one in the stream; a later one is ours, and read again.
    """
    facts = await log_facts(line, stream)
    end = Place(facts.created, facts.last_seq)
    why = resume(follower.place, facts)
    if why is not Resume.REPLAY:
        await follower.lost(why, end)
    place = follower.place or end
    async with pulled(line, stream, Consumer("", batch=BATCH, start_seq=place.seq + 1)) as pull:
        n_behind = pull.n_pending
        if n_behind:
            follower.behind(n_behind)
            while n_behind > 0 and (found := await pull.take()):
                n_behind -= len(found)
                place = await _hand_over(found, kind, follower, place)
        follower.current()
        while True:
            place = await _hand_over(await pull.next(), kind, follower, place)


async def _hand_over(found: Sequence[Msg], kind: type[M], follower: Follower[M], place: Place) -> Place:
    pairs: list[tuple[M | None, Place]] = []
    for received in found:
        seq, of_consumer = received.metadata.sequence.stream, received.metadata.sequence.consumer
        how = step(place.seq, seq, is_first=of_consumer == 1)
        if how is Step.AGAIN:
            continue
        if how is Step.UNHEARD:
            raise Unavailable(f"message {place.seq + 1} of the stream did not come")
        if how is Step.HOLE:
            await follower.lost(Resume.GAP, Place(place.created, seq - 1))
        place = Place(place.created, seq)
        pairs.append((decoded(received, kind), place))
    if pairs:
        await follower.take(pairs)
    return place

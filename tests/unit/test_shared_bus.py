"""What the bus decides without a server: outcomes, delays, what it asks of JetStream."""

import asyncio

import pytest
from nats.aio.client import Client

from shared.bus import MAX_CRASHES, Outcome, judge
from shared.core_nats import CoreNats
from shared.errors import DecodeError, InvalidRequest, ServiceError, Unavailable
from shared.link import RETRY_MAX_S, Line
from shared.pull import Consumer, stream_config
from shared.subjects import EVENTS, JOBS


@pytest.mark.parametrize(
    ("result", "n_delivered", "outcome"),
    [
        (Outcome.ACK, 1, Outcome.ACK),
        (Outcome.TERM, 1, Outcome.TERM),
        (Unavailable("away"), 1000, Outcome.RETRY),
        (InvalidRequest("no"), 1, Outcome.TERM),
        (DecodeError("no"), 1, Outcome.TERM),
        (ServiceError("a bug"), MAX_CRASHES - 1, Outcome.RETRY),
        (ServiceError("a bug"), MAX_CRASHES, Outcome.TERM),
    ],
)
def test_a_result_decides_what_becomes_of_the_message(
    result: Outcome | ServiceError, n_delivered: int, outcome: Outcome
) -> None:
    assert judge(result, n_delivered) is outcome


def test_a_full_work_queue_refuses_and_a_full_log_drops_its_oldest() -> None:
    jobs, events = stream_config(JOBS).as_dict(), stream_config(EVENTS).as_dict()

    assert (jobs["retention"], jobs["discard"]) == ("workqueue", "new")
    assert (events["retention"], events["discard"]) == ("limits", "old")
    assert events["duplicate_window"] == EVENTS.duplicate_window_s * 10**9


def test_a_durable_consumer_acknowledges_and_a_passing_one_does_not() -> None:
    durable, passing = Consumer("d", "e.*").config(), Consumer("", start_seq=5).config()

    assert (durable.durable_name, durable.filter_subject, durable.ack_policy) == ("d", "e.*", "explicit")
    assert (passing.durable_name, passing.opt_start_seq, passing.ack_policy) == (None, 5, "none")


def test_reconnects_are_spread_over_half_of_the_delay() -> None:
    link = CoreNats("nats://127.0.0.1:1", "test")._link
    delays = [link.jittered(RETRY_MAX_S) for _ in range(200)]

    assert RETRY_MAX_S / 2 <= min(delays) < max(delays) <= RETRY_MAX_S
    assert len(set(delays)) > 100


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["and so is its caller", "its caller not"])
async def test_a_request_that_the_client_gave_up_does_not_hide_that_its_caller_was_cancelled(
    is_cancelled: bool,
) -> None:
    loop = asyncio.get_running_loop()
    work: asyncio.Future[None] = loop.create_future()
    caller = asyncio.create_task(Line(Client(), loop.create_future()).race(work, 60))
    await asyncio.sleep(0)

    work.cancel()
    if is_cancelled:
        caller.cancel()

    with pytest.raises(asyncio.CancelledError if is_cancelled else Unavailable):
        await caller

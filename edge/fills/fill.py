"""From a miss or a stale object to an answer of the origin, stored when it may be.

One `Want` becomes one flight. The head of a flight says what the readers get: the origin's answer while it
arrives (`Fetched`), or a stored entry that was validated or stands in for a failing origin (`Ready`).
"""

import asyncio
import functools
import logging
from collections.abc import Callable

from edge.cache import metrics
from edge.cache.entry import Entry, tags_of, updated
from edge.cache.freshness import (
    OF_THE_REQUEST,
    Storable,
    storable,
)
from edge.cache.key import PrimaryKey, StorageKey
from edge.cache.tags import Purge
from edge.cache.tiered import TieredCache
from edge.fills.direct import Direct, Step
from edge.fills.flight import Abandoned, Flight
from edge.fills.reader import Reader
from edge.fills.receiving import Receiving
from edge.fills.singleflight import Flights, Led
from edge.fills.turn import Turn
from edge.fills.want import Arrived, Fetched, FillSettings, Head, Moment, Ready, Source, Want
from edge.headers import is_same_tag
from edge.upstream.exchange import Fetcher, OriginRequest
from edge.upstream.wire import InformedOf
from shared.clock import Clock
from shared.errors import ServiceError

log = logging.getLogger(__name__)

N_TURNS = 5
"""Of the event loop, from the bytes of an answer to its readers. So many more are waited: an answer that came
in time, and was not read because this process was busy, is no late one."""


class Fills(Receiving):
    """Runs the fills and stores what they bring."""

    def __init__(self, cache: TieredCache, upstream: Fetcher, clock: Clock, settings: FillSettings) -> None:
        super().__init__(cache, upstream, clock, settings)
        self._storage = settings.limits.storage()
        self._flights: Flights[Head] = Flights()
        self.land = self._flights.land
        """A flight that a connection led is complete."""
        self.turn = Turn()
        self._finish_s = settings.limits.finish_s
        self.on_hang_up: Callable[[str], bool] = lambda primary: False
        """Told of an object that is warmed, too, and was left before its end; True: its warming is over."""
        cache.on_purge.append(self._part)

    @property
    def n_flights(self) -> int:
        """Fills under way."""
        return len(self._flights)

    @property
    def n_readers(self) -> int:
        """Requests that read a fill."""
        return self._flights.n_readers

    @property
    def n_buffered_bytes(self) -> int:
        """Bytes that the fills hold."""
        return self._flights.n_buffered_bytes

    def predict(self, primary: PrimaryKey) -> Storable:
        """Why an answer for this URL will likely not be stored, or YES."""
        if primary not in self._refused.known:
            return Storable.YES
        return self._refused.predict(primary, self._clock.monotonic())

    def join(self, want: Want) -> Reader[Head]:
        """A reader of the fill that brings what is wanted."""
        begin, key = None, want.key
        if want.is_plain:  # and predicted to be stored
            begin = functools.partial(self._begin, want=want)
        else:
            predicted = self.predict(want.primary)
            if predicted is not Storable.YES and not (want.span and predicted is Storable.TOO_LARGE):
                key = None
        reader = self._flights.join(key, functools.partial(self._fill, want=want), begin)
        if want.stale is not None or want.span:
            reader.flight.is_kept_on = True
        if not reader.is_leader:
            metrics.COLLAPSED.inc()
        if not want.is_live:
            reader.flight.warmed = want.primary
        return reader

    def leave(self, reader: Reader[Head], *, is_viewer: bool = True) -> None:
        """A request or a warming is over. What nobody reads stops, unless the rest comes in `finish_s`."""
        flight = reader.flight
        flight.leave(reader)
        if flight.is_done or flight.is_kept_on:
            return
        is_last = is_viewer and flight.warmed and flight.n_readers == 1 and self.on_hang_up(flight.warmed)
        if flight.n_readers and not is_last:
            return
        length = flight.head.response.length if isinstance(flight.head, Fetched) else None
        if flight.left_s(length, asyncio.get_running_loop().time()) > self._finish_s:
            metrics.FILLS.labels(Abandoned.code).inc()
            self._flights.drop(flight)

    def stand_in(self, want: Want) -> Ready | None:
        """The stale object, when the origin is known not to answer; at times one is asked for behind it."""
        if want.stale is None or not self._stand_ins.at_once(want.stale, want.headers):
            return None
        if self._stand_ins.takes_try():
            with self.join(want):
                pass  # the fill belongs to its own task; nobody waits for this one
        return Ready(want.stale, Source.STALE_IF_ERROR, None)

    def instead(self, want: Want) -> Ready | None:
        """The stale object, for an origin that has given no answer."""
        if want.stale is None or not self._stand_ins.may(want.stale, want.headers, is_cut=True):
            return None
        return Ready(want.stale, Source.STALE_IF_ERROR, None)

    async def head(self, reader: Reader[Head], want: Want, tell: InformedOf | None) -> Head:
        """The head of the fill; what may stand in for the origin's errors does so when it takes too long."""
        if want.stale is None or not self._stand_ins.may(want.stale, want.headers, is_cut=False):
            return await reader.head(tell)
        n_answers = self._stand_ins.n_answers
        try:
            async with asyncio.timeout_at(reader.flight.began_s + self._stand_ins.wait_s):
                return await reader.head(tell)
        except TimeoutError:
            for _ in range(N_TURNS):
                await asyncio.sleep(0)
            if reader.flight.is_decided:
                return await reader.head(tell)
            if reader.is_leader:
                self._stand_ins.waited(n_answers)
            return Ready(want.stale, Source.STALE_IF_ERROR, None)

    def under_way(self, key: str) -> Flight[Head] | None:
        """The fill of this key that could be joined."""
        return self._flights.under_way(key)

    async def close(self) -> None:
        """Stop every fill."""
        await self._flights.close()

    def _part(self, purge: Purge) -> None:
        """Requests that come after a purge join no fill that may bring what it covers: a fill whose tags are
        not known yet counts as covered."""

        def may_go_on(key: str, head: Head | None) -> bool:
            if purge.primary is None and isinstance(head, Fetched):
                return not purge.covers(StorageKey(key), tags_of(head.headers))
            return purge.primary is not None and not purge.covers(StorageKey(key), ())

        self._flights.part(may_go_on)

    def _begin(self, flight: Flight[Head], want: Want) -> Led | None:
        """A fill that the origin's connection itself leads, if one rests."""
        direct = Direct(self, self._upstream, flight, want)
        return direct if direct.begun is not None else None

    async def _fill(
        self, flight: Flight[Head], want: Want, first: Step | None = None, sent: Moment | None = None
    ) -> None:
        n_answers = self._stand_ins.n_answers if sent is None else sent.n_answers
        try:
            if first is not None:
                await first()
            elif isinstance(flight.head, Fetched):  # the task that began it died
                await self.store_streamed(flight, want, flight.head, None)
            elif not await self._exchange(flight, want):
                await self._exchange(flight, want._replace(stale=None, span="", is_rest=False))
        except ServiceError as exc:
            if flight.head is None:
                self._stand_ins.failed(exc, n_answers)
                if want.stale is not None and self._stand_ins.may(want.stale, want.headers, is_cut=True):
                    log.info("stale_if_error", extra={"key": want.primary, "code": exc.code})
                    self._end(flight, Ready(want.stale, Source.STALE_IF_ERROR, None))
                    return
            metrics.FILLS.labels(exc.code).inc()
            raise

    async def _exchange(self, flight: Flight[Head], want: Want) -> bool:
        """One request and its answer. False: it is of no use, a whole answer is wanted: a 304 validates
        something that is not held (RFC 9111 4.3.4), or a 206 brings what cannot be combined.
        """
        has_stand_in = self._stand_ins.may(want.stale, want.headers, is_cut=True)
        request = OriginRequest(
            "GET", want.primary, want.fields(), informed=flight.inform, has_stand_in=has_stand_in
        )
        sent = self.now()
        async with self._upstream.fetch(request) as response:
            return await self._taken(flight, self.arrived(want, response, sent))

    async def _taken(self, flight: Flight[Head], arrived: Arrived) -> bool:
        want, response = arrived.want, arrived.response
        held = want.stale
        if want.is_rest and response.status == 206:
            return False
        if held is None:
            await self.stream(flight, arrived)
        elif response.status == 304:
            if not is_same_tag(response.headers, held.headers):
                return False
            told = self._completion.dated(response.headers, arrived.times.response_ms)
            entry = updated(held, told, arrived.times, self._storage)
            verdict = await self._renew(want, entry, arrived.revision)
            self._end(flight, Ready(entry, Source.VALIDATED, 304, verdict))
        elif response.status >= 500 and self._stand_ins.may(held, want.headers, is_cut=False):
            self._end(flight, Ready(held, Source.STALE_IF_ERROR, response.status))
        else:
            await self.stream(flight, arrived)
        return True

    async def _renew(self, want: Want, entry: Entry, revision: int) -> Storable:
        """Store what a 304 updated, or drop what it forbids to keep; or leave what was held as it is, when
        it is only this request that forbids."""
        verdict = storable("GET", want.headers, entry.meta.status, entry.headers, self._storage)
        if verdict is Storable.YES:
            self._cache.store(entry, revision)
        elif verdict not in OF_THE_REQUEST:
            await self._cache.purge(Purge(primary=want.primary))
        return verdict

    def _end(self, flight: Flight[Head], ready: Ready) -> None:
        metrics.FILLS.labels(ready.source).inc()
        flight.begin(ready, is_shared=True, keeps=True)
        flight.finish()

    def lead(self, flight: Flight[Head], want: Want, sent: Moment, first: Step | None) -> None:
        """A task goes on with a flight that a connection led: with `first`, or from where it is."""
        steps = [] if first is None else [first]
        self._flights.lead(
            flight, lambda flight: self._fill(flight, want, steps.pop() if steps else None, sent)
        )

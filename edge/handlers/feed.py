"""Sessions, feed and events: the calls that a swipe waits for."""

import asyncio
import logging
import os
import zlib
from collections.abc import Callable, Iterable, Mapping

import msgspec
from aiohttp import web

from edge import metrics
from edge.feed.cards import CardCache
from edge.feed.feed import Feed
from edge.feed.refill import Refill
from edge.handlers.access import Access, Claim
from edge.session import intake
from edge.session.player import PlayerIn, check_player
from edge.session.qoe import QoeIn
from edge.session.slice import Slice
from edge.session.state import Session
from shared.clock import Clock
from shared.errors import InvalidRequest, ServiceError
from shared.ids import SessionId, UserId, new_id, user_id
from shared.web import json_body, json_response

log = logging.getLogger(__name__)
CARDS_WAIT_S = 0.4
"""A new session waits so long for the cards of its first videos."""
N_FIRST_CARDS = 24
MAX_EDGES = 7
"""Other edges that a player is told."""


class SessionOut(msgspec.Struct, frozen=True):
    """What a player keeps of its session."""

    id: str
    token: str
    user_id: str
    expires_s: int
    """Seconds from now."""
    edges: list[str] = []
    """Other edges of the region, for when this one is gone; in no order of merit."""


class Opened(msgspec.Struct, frozen=True):
    """Answer of `POST /v1/sessions`."""

    session: SessionOut
    feed: Slice


class FeedHandler:
    """`/v1/sessions`, `/v1/feed`, `/v1/events`, `/v1/plan`."""

    def __init__(self, feed: Feed, refill: Refill, cards: CardCache, access: Access, clock: Clock) -> None:
        self.edges: Callable[[], Iterable[str]] = tuple
        """URLs of the region's other edges."""
        self._feed = feed
        self._refill = refill
        self._cards = cards
        self._access = access
        self._clock = clock
        self._beginning: dict[Claim, asyncio.Task[Session]] = {}
        """Bounded by the connections, each for the second at most that `_begin` takes."""

    async def open_session(self, request: web.Request) -> web.Response:
        """A new session and its first slice; waits for the brain, but not long."""
        asked = intake.SessionIn()
        if request.can_read_body:
            asked = await json_body(request, intake.SessionIn, intake.MAX_BODY_BYTES)
        n = intake.check_n(asked.n)
        now_ms = self._clock.wall_ms()
        user = user_id(asked.user_id) if asked.user_id else UserId(f"anon-{new_id(now_ms, os.urandom(10))}")
        claim = Claim(SessionId(new_id(now_ms, os.urandom(10))), user)
        session = await self._begin(claim)
        answer = self._feed.slice(session, n)
        self._feed.replan(session)
        metrics.SESSIONS_OPENED.labels(answer.origin).inc()
        token = self._access.token(claim, now_ms // 1000)
        told = SessionOut(session.id, token, session.user_id, self._access.token_s, self._others(user))
        return json_response(Opened(told, answer), status=201, headers={"Cache-Control": "no-store"})

    async def feed(self, request: web.Request) -> web.Response:
        """The next videos; moves nothing."""
        n = intake.check_n(_number(request.query, "n", 5))
        session = await self._session(self.claim(request))
        return json_response(self._feed.slice(session, n), headers={"Cache-Control": "no-store"})

    async def events(self, request: web.Request) -> web.Response:
        """What the viewer did, and the next videos re-ranked by it. Waits only to take a session over."""
        claim = self.claim(request)
        body = await json_body(request, intake.EventsIn, intake.MAX_BODY_BYTES)
        intake.check_events(body)
        session = await self._session(claim)
        count(body.qoe)
        return json_response(self._feed.take_events(session, body), headers={"Cache-Control": "no-store"})

    async def plan(self, request: web.Request) -> web.Response:
        """What a player in this state should fetch; moves nothing in the ranking. Waits as `events` does."""
        claim = self.claim(request)
        player = await json_body(request, PlayerIn, intake.MAX_BODY_BYTES)
        check_player(player)
        session = await self._session(claim)
        return json_response(self._feed.plan(session, player), headers={"Cache-Control": "no-store"})

    def claim(self, request: web.Request) -> Claim:
        """Whose token came with the request. Raises Unauthorized."""
        return self._access.claim(request.headers, request.query, self._clock.wall_ms() / 1000)

    def _others(self, user: str) -> list[str]:
        """Each viewer's own order of the other edges: one that dies is not all laid upon the same other."""
        return sorted(self.edges(), key=lambda url: zlib.crc32(f"{user} {url}".encode()))[:MAX_EDGES]

    async def _session(self, claim: Claim) -> Session:
        """The session; one that is not here (another edge's, long idle) is begun, once for all who ask."""
        beginning = self._beginning.get(claim)
        if beginning is None:
            session = self._feed.find(*claim)
            if session is not None:
                return session
            beginning = self._beginning[claim] = asyncio.create_task(self._begin(claim))
            beginning.add_done_callback(lambda _: self._beginning.pop(claim, None))
        return await asyncio.shield(beginning)

    async def _begin(self, claim: Claim) -> Session:
        """A session with a queue from the brain, or from the fallback when it does not answer in time."""
        session = self._feed.open(*claim)
        try:
            push = await self._refill.ask(session)
        except ServiceError as exc:
            log.debug("queue_missed", extra={"code": exc.code})
            return session
        try:
            async with asyncio.timeout(CARDS_WAIT_S):
                await self._cards.fetch_now([item.video_id for item in push.items[:N_FIRST_CARDS]])
        except (TimeoutError, ServiceError):
            log.debug("cards_missed")
        self._feed.take_queue(push)
        return session


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise InvalidRequest(f"{name} must be a number, got {text[:40]!r}")
    return int(text)


def count(showings: Iterable[QoeIn]) -> None:
    """Fold players' beacons into the metrics."""
    for one in showings:
        if not one.is_shown:
            metrics.PLAYER_SHOWINGS.labels("not_shown").inc()
        elif one.startup_ms is None:
            metrics.PLAYER_SHOWINGS.labels("left_early").inc()
        else:
            metrics.PLAYER_SHOWINGS.labels("played").inc()
            metrics.PLAYER_STARTUP_SECONDS.observe(one.startup_ms / 1000)
        metrics.PLAYER_STALLS.inc(one.n_stalls)
        metrics.PLAYER_STALLED.inc(one.stalled_ms / 1000)
        metrics.PLAYER_WATCHED.inc(one.watched_ms / 1000)
        metrics.PLAYER_BYTES.labels("shown").inc(one.fetched_bytes - one.wasted_bytes)
        metrics.PLAYER_BYTES.labels("wasted").inc(one.wasted_bytes)

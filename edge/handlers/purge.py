"""`POST /admin/purge` on the operator's listener, and the HTTP method PURGE from allowed addresses."""

import ipaddress
import os
from typing import Any

import msgspec
from aiohttp import web

from edge.handlers.media import MediaHandler
from edge.purge.desk import Desk, Report
from edge.purge.node import PurgeLimits
from edge.purge.plan import Answer, checked
from shared.clock import Clock
from shared.errors import Blame, ConfigError, InvalidRequest, ServiceError
from shared.ids import new_id
from shared.messages.purge import PurgeOrder, PurgeScope
from shared.web import json_body, json_response

MAX_BODY_BYTES = 16 * 1024
MAX_WAIT_S = 30.0
ENTROPY_BYTES = 10
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class NotAllowed(ServiceError):
    """This address may not purge."""

    code = "not_allowed"
    blame = Blame.CALLER
    status = 403


class PurgeIn(msgspec.Struct, frozen=True):
    """Body of `POST /admin/purge`: one of the first four."""

    url: str = ""
    tag: str = ""
    creator: str = ""
    all: bool = False
    soft: bool = False
    """Make stale instead of delete."""
    wait_s: float | None = None
    """For the receipts of all living nodes; None: as configured."""


class PurgeHandler:
    """Takes orders over HTTP."""

    def __init__(self, desk: Desk, node: str, clock: Clock, limits: PurgeLimits) -> None:
        self._desk = desk
        self._purges = desk.purges
        self._node = node
        self._clock = clock
        self._wait_s = limits.receipt_s
        self._networks = networks(limits.method_from)
        self._workers_at = ""

    def take_method(self, media: MediaHandler, workers_at: str = "") -> None:
        """Answer the method PURGE, if anybody may use it. `workers_at` is the socket over which workers pass
        on what they have judged themselves."""
        self._workers_at = workers_at
        if self._networks:
            media.on_purge = self.method

    async def purge(self, request: web.Request) -> web.Response:
        """The operator's order, and the receipts that came in time."""
        asked = await json_body(request, PurgeIn, MAX_BODY_BYTES)
        scope, value = _named(asked)
        wait_s = self._wait_s if asked.wait_s is None else min(max(asked.wait_s, 0.0), MAX_WAIT_S)
        return json_response(shown(await self._issue(scope, value, wait_s, is_soft=asked.soft)))

    async def status(self, _: web.Request) -> web.Response:
        """Where this node stands: its place in each log, what it owes the others, what it answers 410."""
        purges = self._purges
        places = {name: {"created": place.created, "seq": place.seq} for name, place in purges.places.items()}
        return json_response(
            {
                "node": self._node,
                "places": places,
                "owed": len(purges.pending),
                "tombstones": len(purges.tombstones),
                "marks": purges.n_marks,
            }
        )

    async def method(self, request: web.BaseRequest, target: str) -> web.Response:
        """PURGE of the request's own target; `Purge-Mode: soft` makes it stale only. Raises NotAllowed."""
        if not self._is_of_worker(request):
            judge(request, self._networks)
        is_soft = request.headers.get("Purge-Mode", "").strip().lower() == "soft"
        report = await self._issue(PurgeScope.URL, target, self._wait_s, is_soft=is_soft)
        return json_response(shown(report))

    def _is_of_worker(self, request: web.BaseRequest) -> bool:
        transport = request.transport
        if transport is None or not self._workers_at:
            return False
        return bool(transport.get_extra_info("sockname") == self._workers_at)

    async def _issue(self, scope: PurgeScope, value: str, wait_s: float, *, is_soft: bool) -> Report:
        now_ms = self._clock.wall_ms()
        order = PurgeOrder(
            id=new_id(now_ms, os.urandom(ENTROPY_BYTES)),
            scope=scope,
            value=checked(scope, value),
            is_soft=is_soft,
            issuer=self._node,
            at_ms=now_ms,
        )
        return await self._desk.issue(order, wait_s)


def _named(asked: PurgeIn) -> tuple[PurgeScope, str]:
    named = [(scope, value) for scope in PurgeScope if (value := getattr(asked, scope.value))]
    if len(named) != 1:
        raise InvalidRequest("give one of url, tag, creator, all")
    scope, value = named[0]
    return scope, "" if scope is PurgeScope.ALL else value


def networks(text: str) -> tuple[Network, ...]:
    """The networks of a list with commas. Raises ConfigError."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as exc:
        raise ConfigError(f"purge.method_from: {exc}") from exc


def judge(request: web.BaseRequest, allowed: tuple[Network, ...]) -> None:
    """Raises NotAllowed for an address that may not purge."""
    if not may_purge(request.remote, allowed):
        raise NotAllowed("PURGE is not allowed from this address")


def may_purge(remote: str | None, allowed: tuple[Network, ...]) -> bool:
    """Whether a peer address is in one of the networks; an IPv4 address in IPv6 clothes counts as itself."""
    try:
        address = ipaddress.ip_address((remote or "").partition("%")[0])
    except ValueError:
        return False
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in allowed)


def shown(report: Report) -> dict[str, Any]:
    """A report as JSON tells it."""
    order = report.order
    return {
        "id": order.id,
        "scope": order.scope,
        "value": order.value,
        "soft": order.is_soft,
        "revision": report.revision,
        "local_only": report.is_local,
        "complete": report.is_complete,
        "purged": sum(answer.receipt.n_objects for answer in report.answers if answer.receipt),
        "nodes": [_row(answer) for answer in report.answers],
    }


def _row(answer: Answer) -> dict[str, Any]:
    receipt = answer.receipt
    if receipt is None:
        return {"node": answer.node, "answered": False}
    return {
        "node": answer.node,
        "answered": True,
        "objects": receipt.n_objects,
        "took_ms": receipt.took_ms,
        "after_ms": answer.after_ms,
        "at_ms": receipt.at_ms,
    }

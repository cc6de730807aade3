"""Whom a miss asks, in which order: the sibling that owns the object, the region's shield, the origin.

Pure. Loop-safe by construction: a request that a sibling sent goes on to the shield or the origin only, and
one that came to a shield goes to the origin only. CDN-Loop (RFC 8586) stands behind it for wrong settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from edge.peers.ring import owner
from shared.resume import Place

PEER_METHODS = frozenset({"GET", "HEAD"})
PERSONAL = ("Authorization", "Cookie")
"""A request with one of these is for one viewer: no sibling holds its answer."""
UNSENT = "unsent"
"""In its place: the asking edge has applied purges that nobody else has heard of."""


class Hop(StrEnum):
    """Who is asked."""

    SIBLING = "sibling"
    SHIELD = "shield"
    ORIGIN = "origin"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a route depends on in a request."""

    key: str
    method: str
    has_body: bool
    is_personal: bool
    came_over: str
    """The value of HOP_FIELD; empty from a viewer."""


def told(place: Place | None, *, has_unsent: bool) -> str:
    """The value of REVISION_FIELD; empty for an edge that follows no log."""
    if has_unsent:
        return UNSENT
    return "" if place is None else f"{place.created}/{place.seq}"


def is_behind(asked: str, own: Place | None) -> bool:
    """Whether an edge at `own` may still hold what the asking edge has purged: it must not answer then."""
    if not asked:
        return False
    created, _, seq = asked.rpartition("/")
    if own is None or created != own.created or not seq.isdigit():
        return True
    return own.seq < int(seq[:20])


@dataclass(frozen=True, slots=True)
class Region:
    """Who could be asked now: usable peers with the requests that this edge has under way to each."""

    own_url: str
    loads: Mapping[str, int]
    """By URL, this edge's own among them when there are siblings."""
    shield_url: str
    """Empty: none, or it is not usable."""
    load_factor: float
    least_load: int


def route(asked: Asked, region: Region) -> list[tuple[Hop, str]]:
    """The hops to try one after the other, each with its URL; the last is always the origin (URL empty)."""
    hops = [(Hop.ORIGIN, "")]
    if asked.method not in PEER_METHODS or asked.has_body or asked.came_over == Hop.SHIELD:
        return hops
    if region.shield_url and region.shield_url != region.own_url:
        hops.insert(0, (Hop.SHIELD, region.shield_url))
    if asked.came_over == Hop.SIBLING or asked.is_personal or len(region.loads) < 2:
        return hops
    chosen = owner(asked.key, region.loads, region.load_factor, region.least_load)
    if chosen not in (region.own_url, region.shield_url):
        hops.insert(0, (Hop.SIBLING, chosen))
    return hops

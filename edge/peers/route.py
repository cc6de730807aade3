"""Whom a miss asks, in which order: the sibling that owns the object, the region's shield, the origin.

Pure. Loop-safe by construction: a request that a sibling sent goes on to the shield or the origin only, and
one that came to a shield goes to the origin only. CDN-Loop (RFC 8586) stands behind it for wrong settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from edge.peers.ring import owner

PEER_METHODS = frozenset({"GET", "HEAD"})
PERSONAL = ("Authorization", "Cookie")
"""A request with one of these is for one viewer: no sibling holds its answer."""
HOP_FIELD = "Headstart-Hop"
"""`sibling` or `shield`: over which hop the request came. Never sent to the origin."""
REVISION_FIELD = "Headstart-Purge-Revision"
"""The latest purge that the asking edge has applied. Never sent to the origin."""


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

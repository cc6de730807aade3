"""What is wanted of the origin, and what came: the words that fills and their readers share."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy

from edge.cache.entry import Entry, Meta, Times
from edge.cache.freshness import Storable
from edge.cache.key import PrimaryKey, VaryValues
from edge.cache.settings import CacheLimits
from edge.fills.headplan import Plan
from edge.headers import unconditional
from edge.upstream.exchange import OriginResponse

Headers = CIMultiDictProxy[str]


class Want(NamedTuple):
    """What a request needs from the origin."""

    primary: PrimaryKey
    headers: Headers
    key: str | None
    """Requests with the same key share a fill; None: the request's own headers decide what it may get."""
    stale: Entry | None = None
    """Held, but to be validated first."""
    is_live: bool = True
    """Somebody waits for it; not so for what is only warmed."""
    span: str = ""
    """The Range to ask for; empty: the whole."""
    validator: str = ""
    """The version that the span must be of, in If-Range."""
    is_plain: bool = False
    """The headers have no condition, and are the same object for all requests that look alike; nothing says
    that the answer will not be stored."""
    is_rest: bool = False
    """Nothing but the whole is of use: a span of it only when the origin ignores that it is one."""

    def fields(self) -> CIMultiDict[str]:
        """The client's fields, with the validators of what is held in place of its own conditions."""
        headers = unconditional(self.headers)
        if self.stale is not None:
            for condition, validator in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
                if validator in self.stale.headers:
                    headers[condition] = self.stale.headers[validator]
        if self.span:
            headers["Range"] = self.span
        if self.validator:
            headers["If-Range"] = self.validator
        return headers


class Source(StrEnum):
    """Why a flight ended in a stored entry."""

    VALIDATED = "validated"
    STALE_IF_ERROR = "stale-if-error"


class Moment(NamedTuple):
    """When a request left."""

    revision: int
    """Of the purges."""
    wall_ms: int
    timed_s: float | None
    """When, if it is one that is timed."""
    n_answers: int
    """Of the origin so far."""


class Arrived(NamedTuple):
    """An answer of the origin whose body is still to come."""

    want: Want
    response: OriginResponse
    times: Times
    revision: int
    """Of the purges, before the request left."""


@dataclass(slots=True)
class Fetched:
    """The origin's answer; its body is in the flight."""

    response: OriginResponse
    vary: VaryValues
    """What the nominated fields were in the request that was sent."""
    verdict: Storable
    is_shared: bool
    """It may answer requests that did not cause it."""
    meta: Meta
    revision: int
    """Of the purges, before the request left."""
    plan: Plan | None = None
    """By which it was judged: it is stored as it is."""
    _headers: Headers | None = None
    """Not needed when it is stored as it is."""

    @property
    def headers(self) -> Headers:
        """Its fields, completed."""
        if self._headers is None:
            self._headers = CIMultiDictProxy(CIMultiDict(self.meta.fields))
        return self._headers


@dataclass(frozen=True, slots=True)
class Ready:
    """A stored entry answers."""

    entry: Entry
    source: Source
    status: int | None
    """The origin's status; None when it could not be reached."""
    verdict: Storable = Storable.YES
    """Why what was validated is not stored any longer."""


Head = Fetched | Ready


@dataclass(frozen=True, slots=True)
class FillSettings:
    """What an operator sets about fills."""

    limits: CacheLimits
    name: str = "headstart-edge"
    """In Via."""
    extra_headers: tuple[tuple[str, str], ...] = ()
    """Added to an answer whose origin does not send them itself."""
    n_resumes: int = 2
    """How often a body that broke is asked to go on."""

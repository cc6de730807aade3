"""What HTTP fields mean to the answer: conditions, Age, Cache-Status, hop-by-hop (RFC 9110, 9211).

Pure. A condition that cannot be read is a condition that does not hold.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from enum import StrEnum

from multidict import CIMultiDict, MultiMapping

from edge.cache.directives import http_date_s
from edge.cache.freshness import Storable

HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
CONDITIONS = ("If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range")
"""Not sent with a fill: it wants the whole, whatever this client holds."""
NOT_IN_304 = ("Content-Length", "Content-Type", "Content-Encoding", "Content-Range", "Content-Language")

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TAG = re.compile(r'\s*(?:W/)?("[^"]*")\s*(?:,|\Z)')


def if_range_holds(value: str | None, headers: MultiMapping[str]) -> bool:
    """Whether a range may be served of this representation; entity tags compare strongly (section 13.1.5)."""
    if value is None:
        return True
    value = value.strip()
    if value.startswith('"'):
        return value == headers.get("ETag", "").strip()
    if value.startswith("W/"):
        return False
    asked, modified = http_date_s(value), http_date_s(headers.get("Last-Modified"))
    date = http_date_s(headers.get("Date"))
    # A date is a strong validator only when the origin had a second to tell two versions apart.
    return asked is not None and asked == modified and date is not None and date >= modified + 1


def is_not_modified(request: MultiMapping[str], headers: MultiMapping[str]) -> bool:
    """Whether the client holds this representation already: 304 (sections 13.1.2 and 13.1.3)."""
    lines = request.getall("If-None-Match", None)
    if lines is not None:
        value = ",".join(lines).strip()
        own = headers.get("ETag", "").strip().removeprefix("W/")
        return value == "*" or (own != "" and own in _TAG.findall(value))
    asked = http_date_s(request.get("If-Modified-Since"))
    # Without Last-Modified the time of the answer takes its place (RFC 9111 section 4.3.2).
    modified = http_date_s(headers.get("Last-Modified", headers.get("Date")))
    return asked is not None and modified is not None and modified <= asked


def is_same_tag(answer: MultiMapping[str], held: MultiMapping[str]) -> bool:
    """Whether a 304 speaks of the held representation: it names no entity tag, or that one."""
    tag = answer.get("ETag", "").strip().removeprefix("W/")
    return tag in ("", held.get("ETag", "").strip().removeprefix("W/"))


def is_plain(request: MultiMapping[str]) -> bool:
    """Whether a stored answer is for this request the whole of it, as it is."""
    return not ("Range" in request or "Cache-Control" in request or "Pragma" in request) and not (
        "If-None-Match" in request or "If-Modified-Since" in request or has_strict_precondition(request)
    )


def has_strict_precondition(request: MultiMapping[str]) -> bool:
    """Whether only the origin can judge the request (If-Match, If-Unmodified-Since)."""
    return "If-Match" in request or "If-Unmodified-Since" in request


def unconditional(request: MultiMapping[str]) -> CIMultiDict[str]:
    """The fields of a request that asks for the whole, whatever the client holds."""
    headers = CIMultiDict(request)
    for name in CONDITIONS:
        headers.popall(name, None)
    return headers


def without_controls(headers: CIMultiDict[str]) -> CIMultiDict[str]:
    """The fields with a space in place of each control character: what has one can be sent to nobody, and a
    recipient may say what it says without (RFC 9110 section 5.5)."""
    if not any(map(_CONTROL.search, headers.values())):
        return headers
    return CIMultiDict([(name, printable(value).strip()) for name, value in headers.items()])


def printable(text: str) -> str:
    """The same of one value, or of a reason phrase."""
    return _CONTROL.sub(" ", text)


def end_to_end(headers: MultiMapping[str]) -> CIMultiDict[str]:
    """The fields that go on to the next hop: without the hop-by-hop ones and those that Connection names."""
    kept = CIMultiDict(headers)
    named = {name.strip().lower() for line in headers.getall("Connection", ()) for name in line.split(",")}
    for name in HOP_BY_HOP | (named - {"cdn-loop"}):  # nobody may take that away (RFC 8586 section 2)
        if name in kept:
            kept.popall(name)
    return kept


def forwards_left(method: str, headers: MultiMapping[str]) -> int | None:
    """How many more hops OPTIONS or TRACE may take (RFC 9110 section 7.6.2); None: as many as it needs."""
    value = headers.get("Max-Forwards", "").strip()
    if method not in ("OPTIONS", "TRACE") or not (value.isascii() and value.isdigit()):
        return None
    return int(value[-9:])


def joined(values: Iterable[str], last: str) -> str:
    """A list field with one more member."""
    return ", ".join([*values, last])


def has_looped(headers: MultiMapping[str], node: str) -> bool:
    """Whether CDN-Loop names this node (RFC 8586)."""
    wanted = node.replace(" ", "")
    return any(
        member.replace(" ", "") == wanted
        for line in headers.getall("CDN-Loop", ())
        for member in line.split(",")
    )


@dataclass(frozen=True, slots=True)
class Completion:
    """What this node adds to the origin's fields."""

    via: str
    extra: tuple[tuple[str, str], ...] = ()
    """Added where the origin does not send them itself."""

    @classmethod
    def of(cls, name: str, extra: tuple[tuple[str, str], ...] = ()) -> "Completion":
        """For a node of this name."""
        return cls(f"1.1 {name}", extra)

    def completed(self, headers: CIMultiDict[str], received_ms: int) -> CIMultiDict[str]:
        """The fields of a whole answer: dated, with our name on the way. Changes and returns `headers`."""
        for name, value in self.extra:
            headers.setdefault(name, value)
        return self.dated(headers, received_ms)

    def dated(self, headers: CIMultiDict[str], received_ms: int) -> CIMultiDict[str]:
        """The same for an answer that only updates another. What is no Date is replaced (RFC 9110 6.6.1)."""
        if http_date_s(headers.get("Date")) is None:
            headers["Date"] = formatdate(received_ms / 1000, usegmt=True)
        headers["Via"] = joined(headers.popall("Via", ()), self.via)
        return headers


class Forward(StrEnum):
    """Why a request went on to the origin (RFC 9211 section 2.2)."""

    METHOD = "method"
    MISS = "uri-miss"
    VARY = "vary-miss"
    STALE = "stale"
    REQUEST = "request"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """How one request was handled; `render` makes the field's member (RFC 9211)."""

    detail: str = ""
    """Tier of the bytes, or the reason why nothing was stored."""
    forward: Forward | None = None
    """None: a hit."""
    forward_status: int | None = None
    is_stored: bool = False
    is_collapsed: bool = False
    ttl_s: int | None = None
    """Freshness left; told when negative."""

    def render(self, name: str) -> str:
        """`name; hit; detail=memory`, `name; fwd=uri-miss; fwd-status=200; stored; detail=origin`, …"""
        parts = [name, "hit" if self.forward is None else f"fwd={self.forward}"]
        if self.forward_status is not None:
            parts.append(f"fwd-status={self.forward_status}")
        if self.is_stored:
            parts.append("stored")
        if self.is_collapsed:
            parts.append("collapsed")
        if self.ttl_s is not None:
            parts.append(f"ttl={self.ttl_s}")
        if self.detail:
            parts.append(f"detail={self.detail}")
        return "; ".join(parts)


def failed_status(name: str, code: str, *, is_forwarded: bool) -> str:
    """The member for an answer that is an error of ours: neither a hit nor the origin's."""
    return f"{name}; fwd={Forward.MISS}; detail={code}" if is_forwarded else f"{name}; detail={code}"


def stored_detail(verdict: Storable) -> str:
    """`origin` when the answer was stored, else the reason why not."""
    return "origin" if verdict is Storable.YES else str(verdict)

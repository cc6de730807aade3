"""RFC 9111: may this response be stored, how long is it fresh, how old is it, and may it be served now?

Pure. A shared cache; heuristic freshness is off unless the operator turns it on: what names no freshness is
not stored (apart from short negative answers, which the operator bounds). Stale serving follows RFC 5861 and
section 4.2.4, targeted fields RFC 9213, immutable RFC 8246.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from multidict import MultiMapping

from edge.cache.directives import (
    Said,
    age_s,
    cache_control,
    http_date_s,
    is_unqualified,
    named_fields,
    response_directives,
    seconds,
)

MAX_STATUS = 599
SHARED_ANYWAY = frozenset({"public", "s-maxage", "must-revalidate"})
"""Any of these lets a response to an authorised request be stored (section 3.5)."""
NEGATIVE_STATUSES = frozenset({404, 410})
"""Kept for `StorageRules.negative_s` when the origin says nothing."""
HEURISTIC_STATUSES = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
"""Heuristically cacheable (RFC 9110 section 15.1); 206 is not stored here."""
UNDERSTOOD_STATUSES = frozenset(int(status) for status in HTTPStatus if status >= 200) - {206, 304}
"""Whose caching requirements this cache knows: what `must-understand` asks for."""


class Storable(StrEnum):
    """Whether a response may be stored; every member but YES is the reason why not."""

    YES = "yes"
    METHOD = "method"
    STATUS = "status"
    NOT_UNDERSTOOD = "not-understood"
    """`must-understand`, and the status is unknown."""
    NO_STORE = "no-store"
    REQUEST_NO_STORE = "request-no-store"
    PRIVATE = "private"
    AUTHORIZATION = "authorization"
    SET_COOKIE = "set-cookie"
    VARY_STAR = "vary-star"
    NO_FRESHNESS = "no-freshness"
    TOO_LARGE = "too-large"
    BUSY = "busy"
    """Fills in progress hold as many bytes as they may."""
    PURGED = "purged"
    """A purge covered it while it was being fetched."""


OF_THE_REQUEST = frozenset({Storable.AUTHORIZATION, Storable.REQUEST_NO_STORE, Storable.BUSY})
"""Reasons that lie in one request, or in us: they say nothing against what is stored already."""


class Verdict(StrEnum):
    """What may be done with a stored response for one request."""

    FRESH = "fresh"
    STALE_ALLOWED = "stale-allowed"
    """The request's max-stale takes it."""
    STALE_WHILE_REVALIDATE = "stale-while-revalidate"
    STALE = "stale"
    """Must be validated; the age is the reason."""
    NO_CACHE = "no-cache"
    """Must be validated: the response says so."""
    REQUEST = "request"
    """Must be validated: the request says so."""


@dataclass(frozen=True, slots=True)
class StorageRules:
    """What an operator sets about storing and freshness."""

    negative_s: float = 0.0
    """404 and 410 that name no freshness are fresh for so long; 0 keeps none."""
    negative_max_s: float = 10.0
    """No answer with a status of 400 and above is fresh for longer."""
    heuristic_share: float = 0.0
    """Of the time since Last-Modified, how much counts as freshness when nothing is said; 0 is off."""
    heuristic_max_s: float = 86400.0
    stores_cookies: bool = False
    """Store a response with Set-Cookie that is cacheable by all other rules (RFC 9111 section 7.3)."""
    targets: tuple[str, ...] = ("CDN-Cache-Control",)
    """Targeted fields that this cache obeys before Cache-Control, the most specific first (RFC 9213)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a stored response allows, read once from its fields. Seconds."""

    lifetime_s: float
    stale_while_revalidate_s: float
    stale_if_error_s: float | None
    """None when the response does not say."""
    needs_validation: bool
    """`no-cache`: never served without asking the origin."""
    is_strict: bool
    """`must-revalidate`, `proxy-revalidate`, `s-maxage`: never served stale."""
    is_immutable: bool = False
    """Does not change while it is fresh: a request's max-age need not validate it (RFC 8246)."""
    is_purged: bool = False
    """A soft purge ended the lifetime: not fresh whatever the clock says, nor for a request's max-stale."""


@dataclass(frozen=True, slots=True)
class RequestRules:
    """What a request demands of the cache. Seconds; None when it does not say."""

    is_reload: bool = False
    max_age_s: int | None = None
    min_fresh_s: int | None = None
    max_stale_s: float | None = None
    only_if_cached: bool = False
    no_store: bool = False
    stale_if_error_s: int | None = None


NO_RULES = RequestRules()
"""A request that demands nothing."""


def request_rules(headers: MultiMapping[str]) -> RequestRules:
    """The demands of a request (section 5.2.1)."""
    if "Cache-Control" not in headers and "Pragma" not in headers:
        return NO_RULES
    said = cache_control(headers)
    max_stale = seconds(said, "max-stale") if said.get("max-stale") is not None else None
    if "max-stale" in said and said["max-stale"] is None:
        max_stale = 2**31
    return RequestRules(
        is_reload="no-cache" in said,
        max_age_s=seconds(said, "max-age"),
        min_fresh_s=seconds(said, "min-fresh"),
        max_stale_s=max_stale,
        only_if_cached="only-if-cached" in said,
        no_store="no-store" in said,
        stale_if_error_s=seconds(said, "stale-if-error"),
    )


def storable(
    method: str,
    request: MultiMapping[str],
    status: int,
    response: MultiMapping[str],
    storage: StorageRules,
) -> Storable:
    """Whether a shared cache may store this complete response, or the first reason why not (section 3)."""
    said = response_directives(response, storage.targets)
    named = said.directives
    must_understand = "must-understand" in named
    is_understood = status in UNDERSTOOD_STATUSES
    reasons = (
        (method != "GET", Storable.METHOD),
        (status in (206, 304) or not 200 <= status <= MAX_STATUS, Storable.STATUS),
        (must_understand and not is_understood, Storable.NOT_UNDERSTOOD),
        ("no-store" in named and not must_understand, Storable.NO_STORE),
        (is_unqualified(named, "private"), Storable.PRIVATE),
        ("Set-Cookie" in response and not storage.stores_cookies, Storable.SET_COOKIE),
        ("Vary" in response and "*" in "".join(response.getall("Vary")), Storable.VARY_STAR),
        (request_rules(request).no_store, Storable.REQUEST_NO_STORE),
        ("Authorization" in request and not named.keys() & SHARED_ANYWAY, Storable.AUTHORIZATION),
        (not _has_freshness(status, response, said, storage), Storable.NO_FRESHNESS),
    )
    return next((reason for is_no, reason in reasons if is_no), Storable.YES)


def has_explicit_freshness(response: MultiMapping[str], targets: Sequence[str]) -> bool:
    """Whether the response itself names a freshness lifetime (section 4.2.1)."""
    return _is_explicit(response, response_directives(response, targets))


def _is_explicit(response: MultiMapping[str], said: Said) -> bool:
    named = said.directives
    return "max-age" in named or "s-maxage" in named or (not said.is_targeted and "Expires" in response)


def _has_freshness(status: int, response: MultiMapping[str], said: Said, storage: StorageRules) -> bool:
    if _is_explicit(response, said):
        return True
    if status in NEGATIVE_STATUSES and storage.negative_s > 0:
        return True
    if is_unqualified(said.directives, "no-cache"):
        return "ETag" in response or "Last-Modified" in response
    return _heuristic_s(status, response, said, storage) > 0


def withheld_fields(response: MultiMapping[str], targets: Sequence[str]) -> frozenset[str]:
    """The fields, lower case, that are for the first client only: a qualified `private` or `no-cache` names
    them, and they are not stored (sections 5.2.2.4 and 5.2.2.7)."""
    named = response_directives(response, targets).directives
    return named_fields(named, "private") | named_fields(named, "no-cache")


def policy(status: int, response: MultiMapping[str], storage: StorageRules) -> Policy:
    """What the response allows once it is stored."""
    said = response_directives(response, storage.targets)
    named = said.directives
    lifetime = _lifetime_s(status, response, said, storage)
    if status >= 400:
        lifetime = min(lifetime, storage.negative_max_s)
    stale_if_error = seconds(named, "stale-if-error")
    return Policy(
        lifetime_s=lifetime,
        stale_while_revalidate_s=float(seconds(named, "stale-while-revalidate") or 0),
        stale_if_error_s=None if stale_if_error is None else float(stale_if_error),
        needs_validation=is_unqualified(named, "no-cache"),
        is_strict=bool(named.keys() & {"must-revalidate", "proxy-revalidate", "s-maxage"}),
        is_immutable="immutable" in named,
    )


def _lifetime_s(status: int, response: MultiMapping[str], said: Said, storage: StorageRules) -> float:
    for name in ("s-maxage", "max-age"):
        given = seconds(said.directives, name)
        if given is not None:
            return float(given)
    if "Expires" in response and not said.is_targeted:
        lines = response.getall("Expires")
        expires, date = http_date_s(lines[0]), http_date_s(response.get("Date"))
        return max(0.0, expires - date) if len(lines) == 1 and expires and date else 0.0
    heuristic = _heuristic_s(status, response, said, storage)
    if heuristic > 0:
        return heuristic
    return storage.negative_s if status in NEGATIVE_STATUSES else 0.0


def _heuristic_s(status: int, response: MultiMapping[str], said: Said, storage: StorageRules) -> float:
    """A share of the age of the representation, where that is allowed at all (section 4.2.2)."""
    if storage.heuristic_share <= 0 or (status not in HEURISTIC_STATUSES and "public" not in said.directives):
        return 0.0
    modified, date = http_date_s(response.get("Last-Modified")), http_date_s(response.get("Date"))
    if modified is None or date is None:
        return 0.0
    return min(max(0.0, date - modified) * storage.heuristic_share, storage.heuristic_max_s)


def initial_age_s(response: MultiMapping[str], request_ms: int, response_ms: int) -> float:
    """The corrected initial age of a response at the moment it arrived (section 4.2.3)."""
    date = http_date_s(response.get("Date"))
    apparent = max(0.0, response_ms / 1000 - date) if date is not None else 0.0
    # An HTTP-date has whole seconds: less than one second of apparent age says nothing.
    apparent = apparent if apparent >= 1 else 0.0
    delay = max(0, response_ms - request_ms) / 1000
    return max(apparent, age_s(response) + delay)


def judge(policy: Policy, age_s: float, rules: RequestRules) -> Verdict:
    """What may be done with a stored response of this age for a request with these rules (section 4)."""
    left_s = policy.lifetime_s - age_s
    if rules.is_reload or _is_unwanted(policy, age_s, rules):
        return Verdict.REQUEST
    if policy.needs_validation:
        return Verdict.NO_CACHE
    if left_s > 0 and not policy.is_purged:
        return Verdict.FRESH
    return Verdict.STALE if policy.is_strict else _judge_stale(policy, -left_s, rules)


def _is_unwanted(policy: Policy, age_s: float, rules: RequestRules) -> bool:
    """Whether the request wants it younger, or fresh for longer; what cannot change is young enough."""
    left_s = policy.lifetime_s - age_s
    is_too_old = rules.max_age_s is not None and age_s > rules.max_age_s
    return (is_too_old and not (policy.is_immutable and left_s > 0)) or 0 < left_s < (rules.min_fresh_s or 0)


def _judge_stale(policy: Policy, over_s: float, rules: RequestRules) -> Verdict:
    if rules.max_stale_s is not None and over_s <= rules.max_stale_s and not policy.is_purged:
        return Verdict.STALE_ALLOWED
    is_choosy = rules.max_age_s is not None or rules.min_fresh_s is not None
    if not is_choosy and over_s < policy.stale_while_revalidate_s:
        return Verdict.STALE_WHILE_REVALIDATE
    return Verdict.STALE


def may_serve_on_error(
    policy: Policy, age_s: float, is_disconnected: bool, default_s: float, rules: RequestRules = NO_RULES
) -> bool:
    """Whether a stored response may stand in for an origin that fails (RFC 5861 section 4, RFC 9111 4.2.4).

    `default_s` applies when neither side names a limit and the origin cannot be reached at all.
    """
    if policy.needs_validation or policy.is_strict:
        return False
    limits = [s for s in (policy.stale_if_error_s, rules.stale_if_error_s) if s is not None]
    limit = max(limits) if limits else default_s if is_disconnected else 0.0
    return age_s - policy.lifetime_s <= limit and limit > 0

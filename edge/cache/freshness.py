"""RFC 9111: may this response be stored, how long is it fresh, how old is it, and may it be served now?

Pure. A shared cache; heuristic freshness is off: what names no freshness is not stored (apart from short
negative answers, which the operator bounds). Stale serving follows RFC 5861 and section 4.2.4.
"""

from dataclasses import dataclass
from enum import StrEnum

from multidict import MultiMapping

from edge.cache.directives import Directives, age_s, cache_control, http_date_s, seconds

MAX_STATUS = 599
SHARED_ANYWAY = frozenset({"public", "s-maxage", "must-revalidate"})
"""Any of these lets a response to an authorised request be stored (section 3.5)."""
NEGATIVE_STATUSES = frozenset({404, 410})
"""Kept for `NegativeLimits.default_s` when the origin says nothing."""


class Storable(StrEnum):
    """Whether a response may be stored; every member but YES is the reason why not."""

    YES = "yes"
    METHOD = "method"
    STATUS = "status"
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
class NegativeLimits:
    """How long errors may be kept."""

    default_s: float = 0.0
    """For 404 and 410 that name no freshness; 0 keeps none."""
    max_s: float = 10.0
    """No answer with a status of 400 and above is fresh for longer."""


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


@dataclass(frozen=True, slots=True)
class RequestRules:
    """What a request demands of the cache. Seconds; None when it does not say."""

    is_reload: bool = False
    max_age_s: int | None = None
    min_fresh_s: int | None = None
    max_stale_s: float | None = None
    only_if_cached: bool = False
    no_store: bool = False


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
    )


def storable(
    method: str,
    request: MultiMapping[str],
    status: int,
    response: MultiMapping[str],
    negative: NegativeLimits,
) -> Storable:
    """Whether a shared cache may store this complete response, or the first reason why not (section 3)."""
    said = cache_control(response)
    reasons = (
        (method != "GET", Storable.METHOD),
        (status in (206, 304) or not 200 <= status <= MAX_STATUS, Storable.STATUS),
        ("no-store" in said, Storable.NO_STORE),
        ("private" in said, Storable.PRIVATE),
        ("Set-Cookie" in response, Storable.SET_COOKIE),
        ("*" in "".join(response.getall("Vary", ())), Storable.VARY_STAR),
        (request_rules(request).no_store, Storable.REQUEST_NO_STORE),
        ("Authorization" in request and not said.keys() & SHARED_ANYWAY, Storable.AUTHORIZATION),
        (not _has_freshness(status, response, said, negative), Storable.NO_FRESHNESS),
    )
    return next((reason for is_no, reason in reasons if is_no), Storable.YES)


def _has_freshness(
    status: int, response: MultiMapping[str], said: Directives, negative: NegativeLimits
) -> bool:
    if said.keys() & {"max-age", "s-maxage"} or "Expires" in response:
        return True
    if status in NEGATIVE_STATUSES and negative.default_s > 0:
        return True
    return "no-cache" in said and ("ETag" in response or "Last-Modified" in response)


def policy(status: int, response: MultiMapping[str], negative: NegativeLimits) -> Policy:
    """What the response allows once it is stored."""
    said = cache_control(response)
    lifetime = _lifetime_s(status, response, said, negative)
    if status >= 400:
        lifetime = min(lifetime, negative.max_s)
    stale_if_error = seconds(said, "stale-if-error")
    return Policy(
        lifetime_s=lifetime,
        stale_while_revalidate_s=float(seconds(said, "stale-while-revalidate") or 0),
        stale_if_error_s=None if stale_if_error is None else float(stale_if_error),
        needs_validation="no-cache" in said,
        is_strict=bool(said.keys() & {"must-revalidate", "proxy-revalidate", "s-maxage"}),
    )


def _lifetime_s(
    status: int, response: MultiMapping[str], said: Directives, negative: NegativeLimits
) -> float:
    for name in ("s-maxage", "max-age"):
        given = seconds(said, name)
        if given is not None:
            return float(given)
    if "Expires" in response:
        lines = response.getall("Expires")
        expires, date = http_date_s(lines[0]), http_date_s(response.get("Date"))
        return max(0.0, expires - date) if len(lines) == 1 and expires and date else 0.0
    return negative.default_s if status in NEGATIVE_STATUSES else 0.0


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
    is_too_old = rules.max_age_s is not None and age_s > rules.max_age_s
    if rules.is_reload or is_too_old or 0 < left_s < (rules.min_fresh_s or 0):
        return Verdict.REQUEST
    if policy.needs_validation:
        return Verdict.NO_CACHE
    if left_s > 0:
        return Verdict.FRESH
    return Verdict.STALE if policy.is_strict else _judge_stale(policy, -left_s, rules)


def _judge_stale(policy: Policy, over_s: float, rules: RequestRules) -> Verdict:
    if rules.max_stale_s is not None and over_s <= rules.max_stale_s:
        return Verdict.STALE_ALLOWED
    if rules.max_age_s is None and over_s < policy.stale_while_revalidate_s:
        return Verdict.STALE_WHILE_REVALIDATE
    return Verdict.STALE


def may_serve_on_error(policy: Policy, age_s: float, is_disconnected: bool, default_s: float) -> bool:
    """Whether a stored response may stand in for an origin that fails (RFC 5861 section 4, RFC 9111 4.2.4).

    `default_s` applies when the response names no limit and the origin cannot be reached at all.
    """
    if policy.needs_validation or policy.is_strict:
        return False
    limit = policy.stale_if_error_s
    if limit is None:
        limit = default_s if is_disconnected else 0.0
    return age_s - policy.lifetime_s <= limit and limit > 0

"""Cache-Control, its targeted forms, and the few other fields that caching decisions read (RFC 9111, 5).

Pure. Parsing is lenient in what it reads and safe in what it concludes: a directive that is repeated with
different numbers counts as its smallest, and one with a bad number counts as stale. A targeted field
(RFC 9213) is a structured one and gets no such leniency: it is wholly right or it is not there.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from multidict import MultiMapping

from edge.cache.structured import Bare, Malformed, dictionary

MAX_SECONDS = 2**31
"""RFC 9111 section 1.2.2: larger delta-seconds count as this."""
CENTURY_PIVOT = 70
"""A two-digit year below it is of this century (RFC 9110 section 5.6.7: at most 50 years ahead)."""
DATE_CHARS = 40
"""No date is longer."""
N_REMEMBERED = 1024
"""Dates and directives that were read last: an origin says the same again and again."""
REMEMBERED_CHARS = 256
"""Longer directives are read each time."""

Directives = Mapping[str, str | None]
"""Directive name, lower case -> its argument, unquoted, or None."""

_DIRECTIVE = re.compile(
    r'\s*([^\s=,;"]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?\s*(?:,|$)|[^,]*(?:,|$)'
)
_DELTA = re.compile(r"[0-9]+\Z")
_INVALID = "invalid"
LEGACY = "surrogate-control"
"""Older than RFC 9213 and not of caching only: counts when it says something about that."""
_OF_CACHING = frozenset({"max-age", "s-maxage", "no-store", "no-cache", "private"})
_NAMES_FIELDS = frozenset({"private", "no-cache"})
_TAKES_SECONDS = frozenset({"max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"})

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = r"(?P<H>\d\d):(?P<M>\d\d):(?P<S>\d\d)"
_DATES = tuple(
    re.compile(form, re.ASCII | re.IGNORECASE)
    for form in (
        rf"(?:mon|tue|wed|thu|fri|sat|sun), (?P<d>\d\d) (?P<b>[a-z]{{3}}) (?P<Y>\d{{4}}) {_TIME} gmt\Z",
        rf"[a-z]{{6,9}}, (?P<d>\d\d)-(?P<b>[a-z]{{3}})-(?P<Y>\d\d) {_TIME} gmt\Z",
        rf"(?:mon|tue|wed|thu|fri|sat|sun) (?P<b>[a-z]{{3}}) (?P<d>[ \d]\d) {_TIME} (?P<Y>\d{{4}})\Z",
    )
)
"""IMF-fixdate, RFC 850, asctime (RFC 9110 section 5.6.7); the case of names does not matter."""


class Said(NamedTuple):
    """The directives that count for this cache."""

    directives: Directives
    is_targeted: bool
    """They come from a targeted field: Cache-Control, Expires and Pragma say nothing."""


def parse(lines: Sequence[str]) -> Directives:
    """The directives in the lines of one Cache-Control field; unreadable members are skipped."""
    is_short = len(lines) == 1 and len(lines[0]) <= REMEMBERED_CHARS
    return _parsed_line(lines[0]) if is_short else _parsed(lines)


@functools.lru_cache(N_REMEMBERED)
def _parsed_line(line: str) -> Directives:
    return MappingProxyType(_parsed((line,)))


def _parsed(lines: Sequence[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for line in lines:
        for match in _DIRECTIVE.finditer(line):
            if not match[1]:
                continue
            name, value = match[1].lower(), match[2] if match[2] is not None else match[3]
            found[name] = _stricter(name, found[name], value) if name in found else value
    return found


def _stricter(name: str, one: str | None, other: str | None) -> str | None:
    if one == other:
        return one
    if name in _NAMES_FIELDS:
        return f"{one},{other}" if one and other else None
    if one and other and _DELTA.match(one) and _DELTA.match(other):
        return str(min(_clipped(one), _clipped(other)))
    return _INVALID


def _clipped(digits: str) -> int:
    return MAX_SECONDS if len(digits.lstrip("0")) > 10 else min(int(digits[-11:]), MAX_SECONDS)


def seconds(directives: Directives, name: str) -> int | None:
    """The delta-seconds of a directive; None when it is absent, 0 when its argument is not a number."""
    if name not in directives:
        return None
    value = directives[name]
    return _clipped(value) if value is not None and _DELTA.match(value) else 0


def named_fields(directives: Directives, name: str) -> frozenset[str]:
    """The fields, lower case, that a qualified `private` or `no-cache` names; none when it is unqualified."""
    value = directives.get(name)
    return (
        frozenset(part.strip().lower() for part in value.split(",") if part.strip()) if value else frozenset()
    )


def is_unqualified(directives: Directives, name: str) -> bool:
    """Whether `private` or `no-cache` stands there for the whole response."""
    return name in directives and not named_fields(directives, name)


def cache_control(headers: MultiMapping[str]) -> Directives:
    """The directives of a message; `Pragma: no-cache` counts when Cache-Control is absent (section 5.4)."""
    lines = headers.getall("Cache-Control", None)
    if lines is not None:
        return parse(lines)
    if "no-cache" in headers.get("Pragma", "").lower():
        return {"no-cache": None}
    return {}


def response_directives(headers: MultiMapping[str], targets: Sequence[str]) -> Said:
    """What a response says to this cache: the first of the targeted fields that is there, not empty and
    well-formed, else Cache-Control (RFC 9213 section 2.2)."""
    for target in targets:
        lines = headers.getall(target, None)
        found = _targeted(lines) if lines is not None else None
        if found and (target.lower() != LEGACY or found.keys() & _OF_CACHING):
            return Said(found, is_targeted=True)
    return Said(cache_control(headers), is_targeted=False)


def _targeted(lines: list[str]) -> Directives | None:
    try:
        members = dictionary(lines)
        return {name: _argument(name, value) for name, value in members.items() if value is not False}
    except Malformed:
        return None


def _argument(name: str, value: Bare) -> str | None:
    """A structured value as a directive's argument. Raises Malformed when it has the wrong type."""
    if name in _TAKES_SECONDS:
        if type(value) is not int or value < 0:
            raise Malformed("delta-seconds are an Integer")
        return str(value)
    return None if value is True else str(value)


def http_date_s(value: str | None) -> float | None:
    """Unix seconds of an HTTP-date in any of its three forms; None when it is absent or not a date."""
    value = value.strip() if value else ""
    return _date_s(value) if 0 < len(value) <= DATE_CHARS else None


@functools.lru_cache(N_REMEMBERED)
def _date_s(value: str) -> float | None:
    match = next((found for form in _DATES if (found := form.match(value))), None)
    if match is None or match["b"].lower() not in _MONTHS:
        return None
    year, second = int(match["Y"]), int(match["S"])
    if len(match["Y"]) == 2:
        year += 2000 if year < CENTURY_PIVOT else 1900
    try:
        month, day = _MONTHS.index(match["b"].lower()) + 1, int(match["d"])
        whole = datetime(year, month, day, int(match["H"]), int(match["M"]), min(second, 59), tzinfo=UTC)
    except ValueError:
        return None
    return whole.timestamp() + (1 if second == 60 else 0) if second <= 60 else None


def age_s(headers: MultiMapping[str]) -> int:
    """The Age that a message arrived with: its first member, 0 when it is not a number (section 5.1)."""
    first = headers.get("Age", "").partition(",")[0].strip()
    return _clipped(first) if _DELTA.match(first) else 0

"""Cache-Control and the few other fields that caching decisions read (RFC 9111 section 5).

Pure. Parsing is lenient in what it reads and safe in what it concludes: a directive that is repeated with
different numbers counts as its smallest, and one with a bad number counts as stale.
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from multidict import MultiMapping

MAX_SECONDS = 2**31
"""RFC 9111 section 1.2.2: larger delta-seconds count as this."""

Directives = Mapping[str, str | None]
"""Directive name, lower case -> its argument, unquoted, or None."""

_DIRECTIVE = re.compile(
    r'\s*([^\s=,;"]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?\s*(?:,|$)|[^,]*(?:,|$)'
)
_DELTA = re.compile(r"[0-9]+\Z")
_INVALID = "invalid"


def parse(lines: list[str]) -> Directives:
    """The directives in the lines of one Cache-Control field; unreadable members are skipped."""
    found: dict[str, str | None] = {}
    for line in lines:
        for match in _DIRECTIVE.finditer(line):
            if not match[1]:
                continue
            name, value = match[1].lower(), match[2] if match[2] is not None else match[3]
            found[name] = _stricter(found[name], value) if name in found else value
    return found


def _stricter(one: str | None, other: str | None) -> str | None:
    if one == other:
        return one
    if one and other and _DELTA.match(one) and _DELTA.match(other):
        return min(one, other, key=int)
    return _INVALID


def seconds(directives: Directives, name: str) -> int | None:
    """The delta-seconds of a directive; None when it is absent, 0 when its argument is not a number."""
    if name not in directives:
        return None
    value = directives[name]
    if value is None or not _DELTA.match(value):
        return 0
    return min(int(value[:12]), MAX_SECONDS)


def cache_control(headers: MultiMapping[str]) -> Directives:
    """The directives of a message; `Pragma: no-cache` counts when Cache-Control is absent (section 5.4)."""
    lines = headers.getall("Cache-Control", None)
    if lines is not None:
        return parse(lines)
    if "no-cache" in headers.get("Pragma", "").lower():
        return {"no-cache": None}
    return {}


def http_date_s(value: str | None) -> float | None:
    """Unix seconds of an HTTP-date in any of its three forms; None when it is absent or not a date."""
    if not value:
        return None
    try:
        parsed = parsedate_to_datetime(value)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def age_s(headers: MultiMapping[str]) -> int:
    """The Age that a message arrived with: its first member, 0 when it is not a number (section 5.1)."""
    first = headers.get("Age", "").partition(",")[0].strip()
    return min(int(first[:12]), MAX_SECONDS) if _DELTA.match(first) else 0

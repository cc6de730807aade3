"""What a change of state makes untrue: which stored URLs an unsafe request's answer concerns (RFC 9111 4.4).

Pure. Only URLs of the same origin: what another one says of its resources is not for this answer to decide.
"""

from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from multidict import MultiMapping

from edge.cache.key import PrimaryKey, primary_key

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
POINTERS = ("Location", "Content-Location")
_HERE = "http://here.invalid"


def does_invalidate(method: str, status: int) -> bool:
    """Whether an answer may have changed the resource: an unsafe method that did not fail."""
    return method not in SAFE and 200 <= status < 400


def pointed_at(target: str, headers: MultiMapping[str], own: Iterable[str]) -> set[PrimaryKey]:
    """The keys of what Location and Content-Location point at, on this origin.

    `own` are the authorities (`host`, `host:port`) that this origin is known by.
    """
    known = {authority.lower() for authority in own} | {urlsplit(_HERE).netloc}
    values = (value for name in POINTERS for value in headers.getall(name, ()))
    return {key for value in values if (key := _own_key(target, value, known)) is not None}


def _own_key(target: str, value: str, known: set[str]) -> PrimaryKey | None:
    try:
        url = urlsplit(urljoin(_HERE + target, value.strip()))
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or url.netloc.lower() not in known:
        return None
    return primary_key((url.path or "/") + (f"?{url.query}" if url.query else ""))

"""Cache keys: what makes two requests ask for the same stored object (RFC 9111 section 2 and 4.1).

Pure. The primary key is the request target as the client wrote it; a response with `Vary` is stored below it
under a variant key made of the request's values of the nominated fields. A NUL cannot stand in a request
target, so a variant key never equals a primary one.
"""

import hashlib
import re
from typing import NewType

from multidict import MultiMapping

PrimaryKey = NewType("PrimaryKey", str)
"""Path and query."""
StorageKey = NewType("StorageKey", str)
"""A primary key, or a primary key and the digest of the nominated fields."""

MAX_TARGET_CHARS = 8000
"""RFC 9110 section 4.1 recommends to support at least this length."""

VaryValues = tuple[tuple[str, str], ...]
"""Nominated field, lower case and sorted -> the request's value, normalised."""

_WEIGHT = re.compile(r"q=(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\Z", re.ASCII)
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")


def primary_key(target: str) -> PrimaryKey:
    """The primary key of a request target in origin form or absolute form; the fragment is dropped."""
    if not target.startswith("/"):
        target = _AUTHORITY.sub("", target, count=1)
        if not target.startswith("/"):
            target = "/" + target
    return PrimaryKey(target.partition("#")[0])


def vary_names(response: MultiMapping[str]) -> tuple[str, ...]:
    """The nominated fields of a response, lower case, sorted, each once. `*` is kept as a name."""
    names = {name.strip().lower() for line in response.getall("Vary", ()) for name in line.split(",")}
    return tuple(sorted(names - {""}))


def normalised(values: list[str]) -> str:
    """Field lines joined, with the optional white space around list commas removed."""
    return ",".join(part.strip() for line in values for part in line.split(","))


def preferences(values: list[str]) -> tuple[tuple[float, str], ...] | None:
    """What an Accept-Language or Accept-Encoding field prefers: (-q, name in lower case), the best first.

    None when it cannot be read. Order says nothing where the weights are equal (RFC 9110 section 12.4.2).
    """
    found = set()
    for member in ",".join(values).split(","):
        name, *parameters = (part.strip().lower() for part in member.split(";"))
        if not name and not parameters:
            continue
        weight = parameters[0] if parameters else "q=1"
        if not name or len(parameters) > 1 or not _WEIGHT.match(weight):
            return None
        found.add((-float(weight[2:]), name))
    return tuple(sorted(found))


def _preferred(values: list[str]) -> str:
    read = preferences(values)
    return normalised(values) if read is None else ",".join(f"{name};q={-q:g}" for q, name in read)


_NORMALISERS = {"accept-language": _preferred, "accept-encoding": _preferred}
"""Fields whose different spellings are known to mean the same."""


def vary_values(names: tuple[str, ...], request: MultiMapping[str]) -> VaryValues:
    """The request's values of the nominated fields; an absent field differs from an empty one."""
    return tuple(
        (name, _NORMALISERS.get(name, normalised)(request.getall(name)) if name in request else "\x00")
        for name in names
    )


def storage_key(primary: PrimaryKey, values: VaryValues) -> StorageKey:
    """The key that an object with these nominated values is stored under."""
    if not values:
        return StorageKey(primary)
    digest = hashlib.sha256(repr(values).encode("utf-8", "surrogateescape")).hexdigest()
    return StorageKey(f"{primary}\x00{digest[:32]}")


def primary_of(key: StorageKey) -> PrimaryKey:
    """The primary key that a storage key belongs to."""
    return PrimaryKey(key.partition("\x00")[0])


def video_of(key: str) -> str:
    """What a video's objects have in common: of `/v/ID/720/1.m4s` it is `/v/ID`, elsewhere a folder."""
    return key[: key.find("/", 3)]

"""Stored parts of objects: what of a version is held, what is missing, when it is whole (RFC 9111 3.3, 3.4).

Pure. A part is stored like any object; what it is a part of stands behind the nominated fields in its vary
values, under a name that no Vary field can contain. So it has a storage key of its own, belongs to its URL,
and the disk's index tells all about it. Parts are combined only under the same strong validator and total.
"""

from bisect import insort
from dataclasses import dataclass, field
from typing import NamedTuple

from multidict import CIMultiDict, MultiMapping

from edge.cache.entry import Meta
from edge.cache.key import PrimaryKey, StorageKey, VaryValues, storage_key, vary_values
from edge.cache.ranges import ContentRange, content_range, strong_validator

PART_FIELD = "\x00part"


class Part(NamedTuple):
    """Bytes `start` to `stop - 1` of `total` bytes of one version."""

    start: int
    stop: int
    total: int
    validator: str
    """Strong; empty when there is none: the part is not combined with others."""


def with_part(vary: VaryValues, part: Part) -> VaryValues:
    """The vary values that a part is stored under."""
    return (*vary, (PART_FIELD, f"{part.start}-{part.stop}/{part.total} {part.validator}"))


def split_part(vary: VaryValues) -> tuple[VaryValues, Part | None]:
    """The nominated values, and the part that they are of; None: the whole."""
    if not vary or vary[-1][0] != PART_FIELD:
        return vary, None
    where, _, validator = vary[-1][1].partition(" ")
    span, _, total = where.partition("/")
    start, _, stop = span.partition("-")
    return vary[:-1], Part(int(start), int(stop), int(total), validator)


class Held(NamedTuple):
    """A stored part."""

    start: int
    stop: int
    key: StorageKey


@dataclass(slots=True)
class Parts:
    """The parts of one version that some tier holds, by start; they may overlap, none covers another."""

    primary: PrimaryKey
    vary: VaryValues
    total: int
    validator: str
    held: list[Held] = field(default_factory=list)
    meta: Meta | None = None
    """The head that came last with any of them: true of all. None after a restart, until one is read."""

    def at(self, place: int) -> Held | None:
        """The part with this byte that reaches furthest."""
        found = [one for one in self.held if one.start <= place < one.stop]
        return max(found, key=lambda one: one.stop, default=None)

    def covers(self, start: int, stop: int) -> bool:
        """Whether every byte is held, and may be sent as one."""
        if not self.validator:
            return any(one.start <= start and stop <= one.stop for one in self.held)
        while start < stop and (one := self.at(start)) is not None:
            start = one.stop
        return start >= stop

    def hole(self, place: int, block_bytes: int) -> tuple[int, int]:
        """What to ask for to get the missing byte at `place`: its block, without what is held around it."""
        start = place // block_bytes * block_bytes
        stop = min(start + block_bytes, self.total)
        start = max([start, *(one.stop for one in self.held if one.stop <= place)])
        return start, min([stop, *(one.start for one in self.held if one.start > place)])

    def whole_headers(self) -> CIMultiDict[str]:
        """The fields of the whole. Only when `meta` is known."""
        assert self.meta is not None
        headers = CIMultiDict(self.meta.fields)
        headers.popall("Content-Range", None)
        headers["Content-Length"] = str(self.total)
        return headers

    def whole_meta(self) -> Meta:
        """The head of the whole, from the latest one of a part. Only when `meta` is known."""
        assert self.meta is not None
        fields = tuple(self.whole_headers().items())
        return self.meta._replace(vary=self.vary, status=200, fields=fields, size_bytes=0)


class PartIndex:
    """The stored parts by URL and variant; of each variant one version, of a URL at most `limit` variants."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.stored: dict[PrimaryKey, dict[StorageKey, Parts]] = {}
        """For others to look a URL up in."""
        self._of_key: dict[StorageKey, tuple[PrimaryKey, StorageKey]] = {}

    def __len__(self) -> int:
        return len(self._of_key)

    def __contains__(self, key: StorageKey) -> bool:
        return key in self._of_key

    def find(self, primary: PrimaryKey, request: MultiMapping[str]) -> Parts | None:
        """The parts that may answer a request for this URL, of the variant stored last."""
        for base, parts in reversed(self.stored.get(primary, {}).items()):
            names = tuple(name for name, _ in parts.vary)
            if base == storage_key(primary, vary_values(names, request)):
                return parts
        return None

    def add(self, primary: PrimaryKey, vary: VaryValues) -> list[StorageKey]:
        """List a part just stored; returns the keys of those it covers, or that belong to another version."""
        real, part = split_part(vary)
        assert part is not None
        key, base = storage_key(primary, vary), storage_key(primary, real)
        stored = self.stored.setdefault(primary, {})
        parts = stored.pop(base, None)
        victims: list[StorageKey] = []
        if parts is None or not part.validator or (parts.total, parts.validator) != part[2:]:
            victims += [one.key for one in parts.held] if parts else []
            parts = Parts(primary, real, part.total, part.validator)
        victims += [one.key for one in parts.held if part.start <= one.start and one.stop <= part.stop]
        stored[base] = parts
        if len(stored) > self._limit:
            victims += [one.key for one in next(iter(stored.values())).held]
        victims = [victim for victim in victims if victim != key]
        for victim in (*victims, key):
            self.remove(victim)
        insort(parts.held, Held(part.start, part.stop, key))
        self.stored.setdefault(primary, {})[base] = parts
        self._of_key[key] = (primary, base)
        return victims

    def told(self, meta: Meta) -> None:
        """The head of a stored part: it counts for the version when none came later."""
        primary, base = self._of_key.get(meta.key, (meta.primary, None))
        if base is not None:
            parts = self.stored[primary][base]
            if parts.meta is None or parts.meta.times.response_ms <= meta.times.response_ms:
                parts.meta = meta

    def remove(self, key: StorageKey) -> None:
        """Forget a part that no tier holds any more."""
        primary, base = self._of_key.pop(key, (None, None))
        if primary is None or base is None:
            return
        parts = self.stored[primary][base]
        parts.held = [one for one in parts.held if one.key != key]
        if not parts.held:
            del self.stored[primary][base]
            if not self.stored[primary]:
                del self.stored[primary]

    def keys(self, primary: PrimaryKey) -> list[StorageKey]:
        """Every part of a URL."""
        return [one.key for parts in self.stored.get(primary, {}).values() for one in parts.held]

    def replaced_by(self, primary: PrimaryKey, vary: VaryValues) -> list[StorageKey]:
        """The parts that a whole object makes needless: those of its variant, or all when it has none."""
        stored = self.stored.get(primary)
        if not stored:
            return []
        if not vary:
            return self.keys(primary)
        parts = stored.get(storage_key(primary, vary))
        return [one.key for one in parts.held] if parts else []


def came(headers: MultiMapping[str], length: int | None) -> ContentRange | None:
    """What a 206 really brings; None when it does not say, or says something that cannot be.

    Where its framing is shorter than its Content-Range, the framing is right: the bytes begin where the field
    says, end where they end, and the whole ends there when its end was claimed.
    """
    told = content_range(headers)
    if told is None or told.total is None or (length is not None and length > told.stop - told.start):
        return None
    if length is None or length == told.stop - told.start:
        return told
    stop = told.start + length
    return ContentRange(told.start, stop, stop if told.stop == told.total else told.total)


def part_meta(meta: Meta, headers: MultiMapping[str], length: int | None) -> Meta | None:
    """The head under which a 206 is stored: as a part, or as the whole when it brings all of it."""
    brings = came(headers, length)
    if brings is None or brings.total is None or not brings.total or brings.stop <= brings.start:
        return None
    is_exact = brings == content_range(headers)
    kept = CIMultiDict(meta.fields)
    kept["Content-Range"] = f"bytes {brings.start}-{brings.stop - 1}/{brings.total}"
    kept["Content-Length"] = str(brings.stop - brings.start)
    if not is_exact:  # an origin that counts wrongly does not tell versions apart either
        kept.popall("ETag", None)
        kept.popall("Last-Modified", None)
    if (brings.start, brings.stop) == (0, brings.total):
        kept.popall("Content-Range")
        return meta._replace(status=200, fields=tuple(kept.items()))
    part = Part(brings.start, brings.stop, brings.total, strong_validator(kept) or "")
    return meta._replace(vary=with_part(meta.vary, part), status=206, fields=tuple(kept.items()))

"""A stored response: its fields, times, tags and body.

Pure. An entry is immutable; a validation that succeeds makes a new one around the same body. What may be
done with it (its policy) is always derived from the fields, so there is one truth.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping

from edge.cache.freshness import Policy, StorageRules, initial_age_s
from edge.cache.judgement import Judgement, judged
from edge.cache.key import PrimaryKey, StorageKey, VaryValues, storage_key
from edge.cache.written import Written

NEVER_STORED = frozenset(
    {"proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "cache-status", "age"}
)
"""RFC 9111 section 3.1; Cache-Status and Age tell one response's way, not the object."""
KEPT_ON_UPDATE = frozenset(
    {
        "content-length",
        "content-encoding",
        "content-range",
        "content-md5",
        "content-digest",
        "repr-digest",
        "etag",
        "transfer-encoding",
    }
)
"""A 304 does not replace these: they describe the stored bytes, and a 304 has none (section 3.2)."""

Body = bytes | memoryview
"""Read-only bytes; a view is of a file in memory."""
Fields = tuple[tuple[str, str], ...]


class Times(NamedTuple):
    """Wall-clock milliseconds at which a request left and its response arrived."""

    request_ms: int
    response_ms: int


class Meta(NamedTuple):
    """All of a stored response but its body."""

    primary: PrimaryKey
    vary: VaryValues
    status: int
    fields: Fields | Written
    times: Times
    policy: Policy
    initial_age_s: float
    """Age at `times.response_ms`."""
    tags: tuple[str, ...]
    size_bytes: int

    @property
    def key(self) -> StorageKey:
        return storage_key(self.primary, self.vary) if self.vary else StorageKey(self.primary)

    def age_s(self, now_ms: int) -> float:
        """Age at `now_ms`. What comes from the future came by a clock that was wrong: how old it is nobody
        knows, and not younger than by how much that was."""
        return self.initial_age_s + abs(now_ms - self.times.response_ms) / 1000


@dataclass(slots=True)
class Entry:
    """A complete stored response; nobody changes it. `len(body) == meta.size_bytes`."""

    meta: Meta
    body: Body
    _headers: CIMultiDictProxy[str] | None = field(default=None, init=False, compare=False, repr=False)

    @property
    def headers(self) -> CIMultiDictProxy[str]:
        """Its fields by name, made when they are asked for: many an object leaves before."""
        if self._headers is None:
            self._headers = CIMultiDictProxy(CIMultiDict(self.meta.fields))
        return self._headers

    @property
    def key(self) -> StorageKey:
        return self.meta.key


def tags_of(headers: MultiMapping[str]) -> tuple[str, ...]:
    """The exact surrogate tags of a response, each once."""
    lines = headers.getall("Surrogate-Key", None)
    return () if lines is None else tags_in(" ".join(lines))


def tags_in(text: str) -> tuple[str, ...]:
    """The same of one field's value."""
    return tuple(dict.fromkeys(text.split()))


def make_meta(
    target: tuple[PrimaryKey, VaryValues],
    status: int,
    headers: MultiMapping[str],
    times: Times,
    storage: StorageRules,
) -> Meta:
    """The head of an object that these response headers describe; `size_bytes` is 0 until it is complete."""
    return judged_meta(target, status, headers, times, judged(status, headers, storage))


def judged_meta(
    target: tuple[PrimaryKey, VaryValues],
    status: int,
    headers: MultiMapping[str],
    times: Times,
    judgement: Judgement,
) -> Meta:
    """The same of headers that are judged."""
    unstored = NEVER_STORED | judgement.withheld if judgement.withheld else NEVER_STORED
    return Meta(
        primary=target[0],
        vary=target[1],
        status=status,
        fields=tuple([field for field in headers.items() if field[0].lower() not in unstored]),
        times=times,
        policy=judgement.policy,
        initial_age_s=initial_age_s(headers, times.request_ms, times.response_ms),
        tags=tags_of(headers),
        size_bytes=0,
    )


def complete(meta: Meta, body: Body) -> Entry:
    """The entry of a head and all of its bytes."""
    if meta.size_bytes != len(body):
        meta = meta._replace(size_bytes=len(body))
    return Entry(meta, body)


def agrees(entry: Entry, headers: MultiMapping[str]) -> bool:
    """Whether an answer to HEAD speaks of what is held: each validator and the length that it names are
    those of the stored response (RFC 9111 section 4.3.5)."""
    told = {"ETag": entry.headers.get("ETag"), "Last-Modified": entry.headers.get("Last-Modified")}
    told["Content-Length"] = str(entry.meta.size_bytes)
    return all(name not in headers or headers[name].strip() == held for name, held in told.items())


def softened(entry: Entry, at_ms: int) -> Entry:
    """The entry as it is after a soft purge: stale since then, and never fresh again without a validation."""
    meta = entry.meta
    lifetime_s = min(meta.policy.lifetime_s, meta.age_s(at_ms))
    stale = replace(meta.policy, lifetime_s=lifetime_s, is_purged=True)
    return replace(entry, meta=meta._replace(policy=stale))


def updated(entry: Entry, headers: MultiMapping[str], times: Times, storage: StorageRules) -> Entry:
    """The entry after a 304 with these headers: fields replaced, age restarted (RFC 9111 section 3.2)."""
    kept = entry.headers.copy()
    fresh = [(name, value) for name, value in headers.items() if name.lower() not in KEPT_ON_UPDATE]
    for name, _ in fresh:
        kept.popall(name, None)
    for name, value in fresh:
        kept.add(name, value)
    target = (entry.meta.primary, entry.meta.vary)
    meta = make_meta(target, entry.meta.status, kept, times, storage)
    # The kept fields carry no Age: what the 304 itself says is the age of the update.
    meta = meta._replace(initial_age_s=initial_age_s(headers, times.request_ms, times.response_ms))
    return complete(meta, entry.body)

"""What an operator may set about the cache and the way to the origin; each with unit, default and bounds."""

from dataclasses import dataclass

from edge.cache.admission import AdmissionLimits
from edge.cache.freshness import StorageRules
from edge.cache.query import QueryPolicy
from edge.cache.ranges import RangeLimits
from shared.config import setting

MIB = 1024 * 1024


@dataclass(frozen=True)
class CacheLimits:
    """Sizes and times of the cache."""

    memory_bytes: int = setting(384 * MIB, "RAM tier", unit="bytes", low=MIB)
    is_reserved: bool = setting(
        True,
        "touch the RAM tier's memory soon after the start, if that leaves half of what is free: a miss costs "
        "less from then on, and the process is as large as it will be when the tier is full",
    )
    pinned_share: float = setting(
        0.75, "part of it that objects may hold which sessions are about to need", low=0, high=0.9
    )
    large_share: float = setting(
        1 / 32,
        "an object over this part of the RAM tier (and over 4 MiB) enters it when it is asked for again; "
        "the first time it only goes to disk",
        low=0,
        high=1,
    )
    disk_bytes: int = setting(8192 * MIB, "disk tier; 0 turns it off", unit="bytes", low=0)
    disk_fsync_s: float = setting(
        -1.0,
        "objects are flushed to the medium together this often; 0: each before it is stored, -1: never",
        unit="s",
        low=-1,
        high=3600,
    )
    disk_reserve_bytes: int = setting(
        128 * MIB, "left free on the file system; the disk tier shrinks for it", unit="bytes", low=0
    )
    disk_scrub_s: float = setting(
        604800.0, "every object on disk is verified once in so long; 0 turns it off", unit="s", low=0
    )
    disk_scrub_bps: int = setting(
        16 * MIB, "the verifying reads at most so many bytes a second", unit="bytes/s", low=1024
    )
    disk_readers: int = setting(4, "threads that read the disk tier", low=1, high=64)
    disk_pending_bytes: int = setting(
        64 * MIB, "objects waiting to be written; above it they stay in RAM only", unit="bytes", low=MIB
    )
    object_bytes: int = setting(
        16 * MIB, "a larger object is passed through and not stored", unit="bytes", low=1024, high=1024 * MIB
    )
    block_bytes: int = setting(
        MIB,
        "a range of an object that is not held asks for blocks of this size; what fits in one comes whole",
        unit="bytes",
        low=16 * 1024,
        high=64 * MIB,
    )
    finish_s: float = setting(
        0.02,
        "a fill whose last viewer has left goes on if the rest comes so soon at its pace; 3600: always",
        unit="s",
        low=0,
        high=3600,
    )
    range_gap_bytes: int = setting(
        MIB, "a range further ahead of a fill than this does not wait for it", unit="bytes", low=0
    )
    filling_bytes: int = setting(
        128 * MIB, "all fills in progress together; above it nothing more is stored", unit="bytes", low=MIB
    )
    n_variants: int = setting(16, "variants of one URL (Vary)", low=1, high=1000)
    n_refused: int = setting(10_000, "URLs remembered as not cacheable", low=0, high=1_000_000)
    refused_s: float = setting(30.0, "how long they are", unit="s", low=0, high=3600)
    negative_s: float = setting(1.0, "404 and 410 without freshness are kept", unit="s", low=0, high=60)
    negative_max_s: float = setting(10.0, "any error is fresh for at most", unit="s", low=0, high=31536000)
    stale_if_error_s: float = setting(
        86400.0,
        "an expired object that names no limit is served for so long while the origin cannot be reached",
        unit="s",
        low=0,
    )
    heuristic_share: float = setting(
        0.0,
        "of the time since Last-Modified that a response without freshness counts as fresh; 0: not stored",
        low=0,
        high=1,
    )
    heuristic_max_s: float = setting(86400.0, "and no longer than this", unit="s", low=0, high=31536000)
    stores_cookies: bool = setting(
        False, "store responses with Set-Cookie that are cacheable otherwise; every client gets the cookie"
    )
    targets: tuple[str, ...] = setting(
        ("CDN-Cache-Control",), "response fields obeyed before Cache-Control, the first first (RFC 9213)"
    )
    query_kept: tuple[str, ...] = setting(
        (), "query parameters that belong to a media URL; the standalone cache keeps all"
    )
    query_ignored: tuple[str, ...] = setting(
        (), "query parameters that never reach key or origin (utm_source, …)"
    )
    dropped_fields: tuple[str, ...] = setting(
        (), "request fields that never reach the origin, besides X-Forwarded-*, X-Original-* and their like"
    )
    n_tombstones: int = setting(
        100_000, "withdrawn videos remembered, and answered 410", low=1, high=10_000_000
    )
    tombstone_s: float = setting(2_592_000.0, "how long they are", unit="s", low=60)
    stale_wait_s: float = setting(
        1.0,
        "a stale object whose stale-if-error allows it is served when the origin sent nothing for twice as "
        "long as it usually takes, and for so long at most",
        unit="s",
        low=0,
    )
    stale_wait_min_s: float = setting(
        0.006, "and for so long at least; as much as stale_wait_s: always for that", unit="s", low=0
    )
    obeys_reload: bool = setting(
        True, "a request's no-cache and max-age make the cache ask the origin (RFC 9111 section 5.2.1)"
    )

    def query(self) -> QueryPolicy:
        """The part that makes keys."""
        return QueryPolicy(frozenset(self.query_kept), frozenset(self.query_ignored))

    def dropped(self) -> frozenset[str]:
        """Names of dropped_fields, in lower case."""
        return frozenset(name.lower() for name in self.dropped_fields)

    def storage(self) -> StorageRules:
        """The part that freshness reads."""
        return StorageRules(
            negative_s=self.negative_s,
            negative_max_s=self.negative_max_s,
            heuristic_share=self.heuristic_share,
            heuristic_max_s=self.heuristic_max_s,
            stores_cookies=self.stores_cookies,
            targets=self.targets,
        )

    def ranges(self) -> RangeLimits:
        """The part that ranges read: nothing is asked for at once that could not be stored."""
        most = self.admission().object_bytes
        return RangeLimits(min(self.block_bytes, most), min(8 * self.block_bytes, most), self.range_gap_bytes)

    def admission(self) -> AdmissionLimits:
        """The part that admission reads."""
        return AdmissionLimits(min(self.object_bytes, self.memory_bytes // 2), self.filling_bytes)


@dataclass(frozen=True)
class UpstreamLimits:
    """Deadlines, retries and connections on the way to the origin."""

    connect_s: float = setting(2.0, "to connect, or to get a free connection", unit="s", low=0.01, high=60)
    first_byte_s: float = setting(10.0, "from the request to the answer's head", unit="s", low=0.05, high=300)
    stall_s: float = setting(10.0, "between two reads of a body", unit="s", low=0.05, high=300)
    n_retries: int = setting(2, "more attempts of an idempotent request that got no answer", low=0, high=10)
    n_resumes: int = setting(2, "times that a body which broke is asked to go on", low=0, high=10)
    backoff_s: float = setting(0.05, "first pause before a retry; doubles, with full jitter", unit="s", low=0)
    n_connections: int = setting(128, "to the origin at a time", low=1, high=10_000)
    request_body_bytes: int = setting(
        64 * MIB, "body of a forwarded request", unit="bytes", low=0, high=16384 * MIB
    )

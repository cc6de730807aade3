"""Metrics of the cache, each with its help text."""

from shared import metrics

REQUESTS = metrics.counter(
    "edge_cache_requests_total", "Requests by where the answer came from and how", ("tier", "result")
)
BODY_BYTES = metrics.counter("edge_cache_body_bytes_total", "Body bytes answered, by tier", ("tier",))
FILLS = metrics.counter(
    "edge_cache_fills_total", "Requests to the origin that might have been stored, by outcome", ("outcome",)
)
MISSES = metrics.Tally(REQUESTS.labels("origin", "miss"))
ORIGIN_BYTES = metrics.Tally(BODY_BYTES.labels("origin"))
STORED = metrics.Tally(FILLS.labels("stored"))
COLLAPSED = metrics.counter("edge_cache_collapsed_total", "Requests that joined another request's fill")
EVICTIONS = metrics.counter("edge_cache_evictions_total", "Objects that left a full tier", ("tier",))
EVICTED = metrics.Tally(EVICTIONS.labels("memory"))
CORRUPT = metrics.counter("edge_cache_corrupt_total", "Objects on disk dropped: a digest did not match")
DISK_ERRORS = metrics.counter(
    "edge_cache_disk_errors_total", "Objects not written or not read, by reason", ("reason",)
)
SCRUBS = metrics.counter(
    "edge_cache_scrubs_total", "Passes over the whole disk tier that verified every digest"
)
SCRUBBED_BYTES = metrics.counter(
    "edge_cache_scrubbed_bytes_total", "Bytes on disk verified in the background"
)
JOURNAL_DAMAGED = metrics.counter(
    "edge_cache_journal_damaged_total", "Stretches of the disk index that were left out; files told instead"
)
PURGED = metrics.counter(
    "edge_cache_purged_total", "Objects deleted (hard) or made stale (soft) by a purge", ("scope", "mode")
)
TOMBSTONES = metrics.gauge("edge_cache_tombstones", "Withdrawn videos that are answered 410")
USED_BYTES = metrics.gauge("edge_cache_used_bytes", "Bytes that a tier holds", ("tier",))
RAM_REFUSED = metrics.counter(
    "edge_cache_ram_refused_total", "Objects that went to disk only: large and asked for once"
)
PINNED_BYTES = metrics.gauge("edge_cache_pinned_bytes", "Bytes in RAM that sessions are about to need")
ORIGIN_ERRORS = metrics.counter(
    "edge_upstream_errors_total", "Requests to the origin without a complete answer, by code", ("code",)
)
ORIGIN_RETRIES = metrics.counter("edge_upstream_retries_total", "Requests to the origin that were repeated")
PEER_REQUESTS = metrics.counter(
    "edge_peer_requests_total", "Requests to siblings and shield, by hop and outcome", ("hop", "outcome")
)
PEER_EJECTIONS = metrics.counter(
    "edge_peer_ejections_total", "Times that a sibling or shield was left out for a while", ("hop",)
)
ORIGIN_RESUMES = metrics.counter(
    "edge_upstream_resumes_total", "Bodies that broke and were continued with a Range request"
)
UNSIGNED = metrics.counter(
    "edge_cache_unsigned_total", "Requests without the signature that is required, by its flaw", ("flaw",)
)
WORKER_PURGES_MISSED = metrics.counter(
    "edge_worker_purges_missed_total", "Purges that a worker did not take in time; it empties its RAM then"
)

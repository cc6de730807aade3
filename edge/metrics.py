"""What an edge counts outside its cache: sessions, events, queues, spool, prefetch, cards.

Labels are enums, never ids.
"""

from shared import metrics

SESSIONS = metrics.gauge("edge_sessions", "Sessions held in memory")
SESSIONS_OPENED = metrics.counter(
    "edge_sessions_opened_total", "Sessions opened, by where the first queue came from", ("origin",)
)
EVENTS = metrics.counter("edge_events_total", "Viewer events posted, by what became of them", ("result",))
ANSWER_SECONDS = metrics.histogram(
    "edge_event_answer_seconds",
    "From the parsed events to the re-ranked slice",
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05),
)
QUEUES = metrics.counter(
    "edge_queues_total", "Ranked queues from the brain, by what became of them", ("result",)
)
TAKEOVERS = metrics.counter(
    "edge_sessions_taken_over_total", "Sessions that began on another edge, with signals that the brain knew"
)
BRAIN_REQUESTS = metrics.counter(
    "edge_brain_requests_total", "Requests to the brain, by subject and result", ("what", "result")
)
FALLBACKS = metrics.counter("edge_fallback_total", "Queues filled up without the brain, by list", ("list",))
SPOOL_RECORDS = metrics.counter(
    "edge_spool_records_total", "Event batches in the spool, by what became of them", ("result",)
)
SPOOL_BYTES = metrics.gauge("edge_spool_bytes", "Bytes of event batches that wait on disk")
PREFETCH_STEPS = metrics.counter(
    "edge_prefetch_steps_total", "Objects planned for warming, by what became of them", ("result",)
)
PLAN_SECONDS = metrics.histogram(
    "edge_plan_seconds",
    "One plan for one player",
    buckets=(0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.005, 0.05),
)
PLAN_STEPS = metrics.counter(
    "edge_plan_steps_total", "Chunks that players were told to fetch or to drop", ("what",)
)
CARDS = metrics.gauge("edge_cards", "Video cards held")
CARD_FETCHES = metrics.counter("edge_card_fetches_total", "Card batches asked of the origin", ("result",))
SEARCHES = metrics.counter(
    "edge_searches_total", "Searches answered, by who found: brain or local", ("origin",)
)
API_READS = metrics.counter(
    "edge_api_reads_total", "Forwarded reads, by where the answer came from", ("result",)
)
STREAMS = metrics.gauge("edge_event_streams", "Players that listen for server-sent events")
REFUSED = metrics.counter(
    "edge_requests_refused_total", "Requests refused, and connections cut, by reason", ("reason",)
)
CONNECTIONS = metrics.gauge("edge_connections", "Open connections of viewers")
CONNECTIONS_CLOSED = metrics.counter(
    "edge_connections_closed_total", "Connections that the edge ended, by reason", ("reason",)
)
PLAYER_STARTUP_SECONDS = metrics.histogram(
    "edge_player_startup_seconds",
    "From a swipe to the first frame, as players tell",
    buckets=(0.017, 0.033, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4),
)
PLAYER_SHOWINGS = metrics.counter(
    "edge_player_showings_total",
    "Videos that left players' pools: played, left before the first frame, or never shown",
    ("result",),
)
PLAYER_STALLS = metrics.counter("edge_player_stalls_total", "Times that a video on screen ran dry")
PLAYER_STALLED = metrics.counter("edge_player_stalled_seconds_total", "How long videos on screen stood still")
PLAYER_WATCHED = metrics.counter("edge_player_watched_seconds_total", "How long videos were watched")
PLAYER_BYTES = metrics.counter(
    "edge_player_bytes_total", "Media bytes that players fetched: on screen at last, or wasted", ("result",)
)
TLS_HANDSHAKES = metrics.counter(
    "edge_tls_handshakes_total", "TLS handshakes ended: full, resumed, failed", ("result",)
)

"""Every metric of the brain, with its help."""

from shared import metrics

EVENTS = metrics.counter("brain_events_total", "View events taken from the stream, by result", ("result",))
QUEUES = metrics.counter("brain_queues_total", "Ranked queues built, by what asked for them", ("cause",))
QUEUE_SECONDS = metrics.histogram(
    "brain_queue_build_seconds", "Building one queue in memory, from profile to order"
)
QUEUES_CUT_SHORT = metrics.counter("brain_queues_cut_short_total", "Queues built past the time budget")
ITEMS_QUEUED = metrics.counter("brain_items_queued_total", "Videos put into queues, by source", ("source",))
PUSH_SECONDS = metrics.histogram(
    "brain_push_seconds", "From taking an event off the stream to publishing the queue that it caused"
)
PUSHES_DROPPED = metrics.counter("brain_pushes_dropped_total", "Pushes given up, by reason", ("reason",))
PROFILE_READS = metrics.counter(
    "brain_profile_reads_total", "Viewer profiles read, by where from", ("where",)
)
VIDEOS = metrics.gauge("brain_videos", "Videos that may be shown")
CATALOGUE_EVENTS = metrics.counter(
    "brain_catalogue_events_total", "Catalogue events, by where from and what they changed", ("via", "change")
)
CATALOGUE_FAILURES = metrics.counter(
    "brain_catalogue_failures_total", "Reads of the catalogue that failed, by where from", ("via",)
)
MODEL_LOADS = metrics.counter("brain_model_loads_total", "Model snapshots looked at, by result", ("result",))
MODEL_AGE = metrics.gauge(
    "brain_model_trained_timestamp_seconds", "When the serving model was trained; 0: never"
)
CURVES = metrics.counter(
    "brain_curves_total", "Retention curves made after watches, by whether edges were told", ("result",)
)
TRENDS_PUSHED = metrics.counter("brain_trending_lists_total", "Trending lists published")
SEARCHABLE = metrics.gauge("brain_search_videos", "Videos that search knows of")
SEARCH_SECONDS = metrics.histogram("brain_search_seconds", "Answering one search")

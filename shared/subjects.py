"""Every NATS subject and JetStream stream, built and parsed here and nowhere else.

Pure. Tokens are checked ids, so that no viewer-chosen text can widen a subscription.
"""

from typing import NamedTuple

from shared.ids import check_id


class Stream(NamedTuple):
    """A JetStream stream as we create it."""

    name: str
    subjects: tuple[str, ...]
    max_bytes: int
    max_age_s: int
    duplicate_window_s: int
    is_work_queue: bool = False


EVENTS = Stream("EVENTS", ("events.>",), 2 * 1024**3, 30 * 86_400, 600)
CATALOG = Stream("CATALOG", ("catalog.>",), 1024**3, 0, 600)
JOBS = Stream("JOBS", ("jobs.>",), 64 * 1024**2, 7 * 86_400, 600, is_work_queue=True)
PURGE = Stream("PURGE", ("purge.order",), 64 * 1024**2, 7 * 86_400, 600)
"""An edge that was away for longer than this is kept empties its cache."""
STREAMS = (EVENTS, CATALOG, JOBS, PURGE)

ALL_EVENTS = "events.>"
ALL_CATALOG = "catalog.>"
JOBS_FIRST = "jobs.transcode.first"
"""Jobs that make a video playable: always taken before JOBS_LADDER."""
JOBS_LADDER = "jobs.transcode.ladder"

PURGE_ORDERS = "purge.order"
"""One subject, so that the stream's sequence is every node's purge revision."""
QUEUE_REQUEST = "brain.queue"
VECTOR_REQUEST = "brain.vectors"
RETENTION = "brain.retention"
"""Retention: curves that changed, to all edges."""
RETENTION_REQUEST = "brain.curves"
SEARCH_REQUEST = "brain.search"
MODEL = "brain.model"
"""ModelAnnouncement: a revision is ready to be loaded (trainer → brains) or serves (brain → edges)."""
MODEL_TRAINED = "brain.trained"


def events(edge: str) -> str:
    """Where an edge publishes its batches."""
    return f"events.{check_id(edge, 'edge id')}"


def catalog(kind: str) -> str:
    """Where the origin publishes a CatalogEvent of this kind."""
    return f"catalog.{check_id(kind, 'catalogue kind')}"


def queue(edge: str) -> str:
    """Where an edge listens for ranked queues."""
    return f"queue.{check_id(edge, 'edge id')}"


def trends(region: str) -> str:
    """Where a region's edges listen for the trending list."""
    return f"trends.{check_id(region, 'region')}"


def receipts(node: str) -> str:
    """Where a node that gave an order hears what became of it."""
    return f"receipts.{check_id(node, 'edge id')}"


def heartbeat(edge: str) -> str:
    """Where an edge says that it lives."""
    return f"edge.heartbeat.{check_id(edge, 'edge id')}"


ALL_HEARTBEATS = "edge.heartbeat.*"

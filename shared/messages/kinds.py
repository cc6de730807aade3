"""All messages there are. Pure."""

from shared.messages.catalog import CatalogEvent
from shared.messages.events import EventBatch
from shared.messages.jobs import TranscodeJob
from shared.messages.message import Message
from shared.messages.nodes import EdgeHeartbeat
from shared.messages.purge import PurgeOrder, PurgeReceipt
from shared.messages.queues import QueueRequest, RankedQueue, TrendingList
from shared.messages.retention import Retention, RetentionRequest
from shared.messages.search import SearchAnswer, SearchRequest
from shared.messages.vectors import ModelAnnouncement, VectorRequest, VectorTable

ALL: tuple[type[Message], ...] = (
    CatalogEvent,
    EventBatch,
    RankedQueue,
    QueueRequest,
    VectorRequest,
    VectorTable,
    ModelAnnouncement,
    SearchRequest,
    SearchAnswer,
    TrendingList,
    Retention,
    RetentionRequest,
    EdgeHeartbeat,
    PurgeOrder,
    PurgeReceipt,
    TranscodeJob,
)

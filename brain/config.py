"""The brain's configuration: every limit, named once, with unit, default and bounds.

Pure. A part takes its own small dataclass, never the whole. `configs/brain.toml` is made from this.
"""

from dataclasses import dataclass, field
from pathlib import Path

from shared.config import setting


@dataclass(frozen=True)
class FeatureLimits:
    """How taste and trends are measured."""

    half_life_now_s: float = setting(
        6 * 3600.0, "Trending now: a view's weight halves in this", unit="s", low=60
    )
    half_life_lasting_s: float = setting(14 * 86_400.0, "Lasting popularity: the same", unit="s", low=3600)
    window_s: float = setting(
        6 * 3600.0, "Window of the watch-rates per category and creator", unit="s", low=60
    )
    fresh_half_life_s: float = setting(3 * 86_400.0, "A video's freshness halves in this", unit="s", low=60)


@dataclass(frozen=True)
class RetrievalLimits:
    """How many candidates each source may bring; together the pool that is ranked."""

    vectors: int = setting(450, "Nearest by user vector", unit="videos", low=0, high=2000)
    trending: int = setting(200, "Of the region's trends", unit="videos", low=0, high=2000)
    fresh: int = setting(150, "New with impressions left in their budget", unit="videos", low=0, high=2000)
    following: int = setting(100, "Of creators that the viewer follows", unit="videos", low=0, high=2000)
    tags: int = setting(
        200, "Of the categories and hashtags that the viewer likes", unit="videos", low=0, high=2000
    )
    fresh_impressions: int = setting(
        50, "A video is fresh until it was shown so often", low=1, high=1_000_000
    )
    faiss_above_items: int = setting(
        200_000, "Exact search by numpy up to here, by faiss (fp16) above", low=1
    )
    ivf_above_items: int = setting(2_000_000, "Approximate search (IVF) above this many videos", low=10_000)

    @property
    def pool(self) -> int:
        """Candidates that are ranked for one queue, at most."""
        return self.vectors + self.trending + self.fresh + self.following + self.tags


@dataclass(frozen=True)
class RerankLimits:
    """What a queue must look like."""

    queue_items: int = setting(300, "Longest queue", unit="videos", low=10, high=500)
    diversity: float = setting(0.25, "Share of dissimilarity in MMR; 0 is by value alone", low=0, high=1)
    diverse_items: int = setting(60, "Places filled by MMR; the rest by value", low=0, high=500)
    author_gap: int = setting(3, "Places between two videos of one creator", low=0, high=20)
    category_window: int = setting(3, "Places looked at for the next rule", low=1, high=20)
    category_cap: int = setting(2, "Most videos of one category in that window", low=1, high=20)
    explore_every: int = setting(8, "One place in so many is an exploration slot; 0 is none", low=0, high=100)
    explore_pool: int = setting(64, "An exploration draws from so many candidates", low=2, high=1000)


@dataclass(frozen=True)
class PipelineLimits:
    """How long a queue may take to build."""

    budget_ms: float = setting(
        20.0, "Past it the remaining sources and MMR are left out", unit="ms", low=1, high=1000
    )
    read_timeout_s: float = setting(
        0.5, "Wait for Redis, then use what is in memory", unit="s", low=0.01, high=5
    )
    redis_pause_s: float = setting(
        1.0, "After a failed read, ask Redis again after this", unit="s", low=0, high=60
    )
    cached_profiles: int = setting(20_000, "Profiles kept for when Redis is away", low=10, high=1_000_000)


@dataclass(frozen=True)
class PushLimits:
    """When queues and trends are pushed."""

    every_events: int = setting(3, "Events of a session until its queue is rebuilt anyway", low=1, high=100)
    pending: int = setting(10_000, "Sessions waiting for a push; the oldest is dropped above", low=10)
    sessions: int = setting(50_000, "Sessions remembered; the least recent is forgotten above", low=10)
    workers: int = setting(2, "Queues built at the same time", low=1, high=32)
    trends_every_s: float = setting(
        2.0, "How often the trends are read, and pushed if changed", unit="s", low=0.1, high=5
    )
    trending_items: int = setting(200, "Videos in a trending list", low=1, high=200)


@dataclass(frozen=True)
class RetentionLimits:
    """How long viewers stay: what a curve is made of, and when edges are told."""

    every_s: float = setting(2.0, "Changed curves are published this often", unit="s", low=0.05, high=60)
    priors_every_s: float = setting(
        30.0, "The categories' curves are made this often", unit="s", low=0, high=3600
    )
    step: float = setting(0.02, "A curve is told again when it moved by so much anywhere", low=0, high=1)
    video_viewers: float = setting(
        20.0, "Viewers of a video that weigh as much as its category's curve", low=0.1, high=10_000
    )
    category_viewers: float = setting(
        200.0, "Viewers of a category that weigh as much as everybody's curve", low=0.1, high=100_000
    )
    pending: int = setting(50_000, "Videos waiting to be told", unit="videos", low=100)
    remembered: int = setting(
        100_000, "Curves remembered as told; others are told again", unit="videos", low=100
    )


@dataclass(frozen=True)
class ModelLimits:
    """Which models are loaded and kept."""

    poll_s: float = setting(
        5.0, "How often the folder is looked at for a newer revision", unit="s", low=0.1, high=3600
    )
    held: int = setting(2, "Revisions kept in memory to answer vector requests", low=1, high=10)
    max_bytes: int = setting(4 * 1024**3, "A larger snapshot file is refused", unit="bytes", low=1024)
    keep_on_disk: int = setting(5, "Snapshots kept in the folder", low=1, high=1000)


@dataclass(frozen=True)
class TrainLimits:
    """How `python -m brain train` learns."""

    dim: int = setting(48, "Components of a LightFM vector", low=4, high=256)
    epochs: int = setting(20, "Passes over the interactions", low=1, high=500)
    learning_rate: float = setting(0.05, "Adagrad's rate", low=0.0001, high=1)
    threads: int = setting(2, "LightFM threads", low=1, high=128)
    window_days: float = setting(
        30.0, "Events older than this are left out unless --from-start", unit="days", low=0.01
    )
    max_interactions: int = setting(20_000_000, "Latest interactions that are learnt from", low=1000)
    test_share: float = setting(
        0.2, "Latest share of the interactions held out for evaluation", low=0.01, high=0.9
    )
    seed: int = setting(7, "Of LightFM's initial weights", low=0)


@dataclass(frozen=True)
class BrainConfig:
    """Everything that `python -m brain` reads."""

    listen: str = setting("127.0.0.1:8082", "Health and metrics, host:port; port 0 takes a free one")
    data_dir: Path = setting(Path("data"), "Models are in its folder `models`")
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR")
    nats_url: str = setting("nats://127.0.0.1:4222", "Messaging", env="HEADSTART_NATS_URL")
    redis_url: str = setting("redis://127.0.0.1:6379", "Counters and features", env="HEADSTART_REDIS_URL")
    origin_url: str = setting(
        "http://127.0.0.1:8081", "Catalogue to reconcile with", env="HEADSTART_ORIGIN_URL"
    )
    reconcile_s: float = setting(
        30.0, "How often the catalogue is compared with the origin's", unit="s", low=0.1
    )
    grace_s: float = setting(5.0, "For stopping", unit="s", low=0, high=300)
    features: FeatureLimits = field(default_factory=FeatureLimits)
    retrieval: RetrievalLimits = field(default_factory=RetrievalLimits)
    rerank: RerankLimits = field(default_factory=RerankLimits)
    pipeline: PipelineLimits = field(default_factory=PipelineLimits)
    push: PushLimits = field(default_factory=PushLimits)
    retention: RetentionLimits = field(default_factory=RetentionLimits)
    models: ModelLimits = field(default_factory=ModelLimits)
    train: TrainLimits = field(default_factory=TrainLimits)

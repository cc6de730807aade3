"""The origin's configuration, of API and worker alike: every key once, with unit, default and bounds.

Pure. A part takes its own small dataclass, never the whole. `configs/origin.toml` is made from this.
"""

from dataclasses import dataclass, field
from pathlib import Path

from origin.transcode.admission import ProbeLimits
from origin.transcode.ladder import DEFAULT_RUNGS, RUNGS
from origin.uploads.metadata import TextLimits
from shared.config import setting
from shared.errors import ConfigError


@dataclass(frozen=True)
class Uploads:
    """What may come in, how slowly, and how much of it at a time."""

    max_bytes: int = setting(1024**3, "One uploaded file", unit="bytes", low=1024, high=1024**4)
    max_in_flight: int = setting(64, "Uploads that send or are probed at a time", low=1, high=10_000)
    max_unfinished: int = setting(10_000, "Resumable uploads that wait for bytes", low=1, high=10_000_000)
    max_probes: int = setting(2, "Uploads probed at a time", low=1, high=256)
    reserve_bytes: int = setting(512 * 1024**2, "Free disk that an upload must leave", unit="bytes", low=0)
    expiry_s: float = setting(
        86_400.0, "A resumable upload lives so long after its last byte", unit="s", low=1
    )
    idle_s: float = setting(
        60.0, "Silence after which an upload's connection is given up", unit="s", low=0.05
    )
    total_s: float = setting(3600.0, "One request of an upload", unit="s", low=1)
    sweep_s: float = setting(
        30.0, "Between two rounds of finishing and removing leftovers", unit="s", low=0.05
    )


@dataclass(frozen=True)
class Text:
    """How much text may come with a video, or in a comment."""

    caption_chars: int = setting(2200, "A caption", unit="characters", low=1, high=100_000)
    hashtags: int = setting(20, "Hashtags of one video", low=0, high=1000)
    hashtag_chars: int = setting(64, "One hashtag", unit="characters", low=1, high=200)
    comment_chars: int = setting(1000, "A comment", unit="characters", low=1, high=100_000)


@dataclass(frozen=True)
class Video:
    """What a video may be, and what is made of it."""

    min_duration_s: float = setting(0.5, "Shortest video", unit="s", low=0.1)
    max_duration_s: float = setting(180.0, "Longest video", unit="s", low=1, high=36_000)
    max_side_px: int = setting(4096, "Longer edge of the picture", unit="px", low=64, high=16_384)
    rungs: tuple[str, ...] = setting(DEFAULT_RUNGS, "The ladder by the short edge; 360p comes first, always")

    def __post_init__(self) -> None:
        for name in self.rungs:
            if name not in RUNGS:
                raise ConfigError(f"video.rungs has {name!r}, which is none of {', '.join(RUNGS)}")


@dataclass(frozen=True)
class Worker:
    """One transcoding process."""

    threads: int = setting(2, "Of one ffmpeg", low=1, high=256)
    max_tries: int = setting(3, "Encodes that may fail before a video is given up", low=1, high=100)
    lease_s: float = setting(30.0, "A silent worker's job goes to another one after so long", unit="s", low=1)


@dataclass(frozen=True)
class Bus:
    """What the origin tells the others, and when."""

    poll_s: float = setting(
        0.2, "Between two looks into the outbox (a worker: five times that)", unit="s", low=0.01
    )
    counts_s: float = setting(
        5.0, "A video's likes, comments and shares are announced at most so often", unit="s", low=0.05
    )


@dataclass(frozen=True)
class OriginConfig:
    """Everything that can be set."""

    listen: str = setting("127.0.0.1:8081", "Where the API listens; port 0 takes a free one")
    public_url: str = setting("", "What clients reach the API by; empty: what their request names")
    data_dir: Path = setting(
        Path("data"), "Database, media and unfinished uploads, unless a URL says otherwise"
    )
    nats_url: str = setting("nats://127.0.0.1:4222", "The bus", env="HEADSTART_NATS_URL")
    database_url: str = setting("", "SQLAlchemy URL; empty: SQLite in data_dir", env="HEADSTART_DATABASE_URL")
    media_url: str = setting("", "obstore URL; empty: a folder in data_dir", env="HEADSTART_MEDIA_URL")
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR")
    grace_s: float = setting(
        10.0, "What a stop waits for requests and jobs in hand", unit="s", low=0, high=600
    )
    uploads: Uploads = field(default_factory=Uploads)
    text: Text = field(default_factory=Text)
    video: Video = field(default_factory=Video)
    worker: Worker = field(default_factory=Worker)
    bus: Bus = field(default_factory=Bus)


def sqlalchemy_url(config: OriginConfig) -> str:
    """The catalogue's URL with the asynchronous driver named."""
    url = config.database_url
    if not url:
        return f"sqlite+aiosqlite:///{config.data_dir.absolute()}/origin.sqlite"
    for plain, driver in (
        ("postgres://", "postgresql+asyncpg://"),
        ("postgresql://", "postgresql+asyncpg://"),
    ):
        if url.startswith(plain):
            return driver + url.removeprefix(plain)
    return url.replace("sqlite://", "sqlite+aiosqlite://", 1) if url.startswith("sqlite://") else url


def obstore_url(config: OriginConfig) -> str:
    """The media store's URL."""
    return config.media_url or (config.data_dir.absolute() / "media").as_uri()


def text_limits(config: OriginConfig) -> TextLimits:
    """Of a video's words."""
    text = config.text
    return TextLimits(text.caption_chars, text.hashtags, text.hashtag_chars)


def probe_limits(config: OriginConfig) -> ProbeLimits:
    """Of a video's picture and length."""
    video = config.video
    return ProbeLimits(
        min_duration_s=video.min_duration_s,
        max_duration_s=video.max_duration_s,
        max_side_px=video.max_side_px,
    )

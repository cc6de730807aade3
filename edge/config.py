"""What an operator may set about an edge; defaults < TOML < HEADSTART_EDGE_* and the shared variables."""

from dataclasses import dataclass, field
from pathlib import Path

from edge.bus import DEFAULT_URL, BrainLimits
from edge.cache.settings import CacheLimits, UpstreamLimits
from edge.feed.cards import CardLimits
from edge.feed.origin_api import OriginLimits
from edge.handlers.api import ApiLimits
from edge.handlers.signed import SignedLimits
from edge.peers.settings import PeerLimits
from edge.prefetch.worker import PrefetchLimits
from edge.purge.node import PurgeLimits
from edge.serving.connections import ConnectionLimits
from edge.serving.guard import RequestLimits
from edge.serving.hot import HotLimits
from edge.serving.listener import ListenSettings
from edge.session.arrange import Ranking
from edge.session.store import SessionLimits
from edge.spool import SpoolLimits
from shared.config import setting


@dataclass(frozen=True)
class EdgeConfig:
    """One edge node."""

    listen: str = setting("127.0.0.1:8080", "where viewers come; port 0 takes a free one")
    admin_listen: str = setting("127.0.0.1:8090", "the operator's own listener; keep it on loopback")
    public_url: str = setting("", "how players reach this edge; empty: where it listens")
    edge_id: str = setting("edge-1", "name of this edge, unique among all")
    region: str = setting("local", "region whose trending list it shows")
    origin_url: str = setting("http://127.0.0.1:8081", "the origin", env="HEADSTART_ORIGIN_URL")
    nats_url: str = setting(
        "",
        f"NATS; empty: {DEFAULT_URL}, or none with --origin on the command line",
        env="HEADSTART_NATS_URL",
    )
    data_dir: Path = setting(
        Path("data"), "cache, spool and snapshots are kept below it", env="HEADSTART_DATA_DIR"
    )
    token_key: str = setting(
        "", "key of the session tokens, the same on all edges; empty: made once in data_dir", secret=True
    )
    token_s: int = setting(86_400, "a session token is good for so long", unit="s", low=60)
    grace_s: float = setting(10.0, "longest stop after SIGTERM", unit="s", low=0.1, high=300)
    save_s: float = setting(30.0, "cards and trending list are saved this often", unit="s", low=0.1)
    reconcile_s: float = setting(
        30.0, "the catalogue's log is read from the origin this often", unit="s", low=1
    )
    workers: int = setting(1, "serving processes; above 1 a parent supervises", low=1, high=64)
    is_supervised: bool = setting(
        False, "a parent holds the listening socket: SIGHUP restarts without a refused connection"
    )
    log_level: str = setting("INFO", "DEBUG, INFO, WARNING or ERROR")
    sessions: SessionLimits = field(default_factory=SessionLimits)
    ranking: Ranking = field(default_factory=Ranking)
    brain: BrainLimits = field(default_factory=BrainLimits)
    prefetch: PrefetchLimits = field(default_factory=PrefetchLimits)
    cards: CardLimits = field(default_factory=CardLimits)
    spool: SpoolLimits = field(default_factory=SpoolLimits)
    origin: OriginLimits = field(default_factory=OriginLimits)
    api: ApiLimits = field(default_factory=ApiLimits)
    listening: ListenSettings = field(default_factory=ListenSettings)
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    hot: HotLimits = field(default_factory=HotLimits)
    cache: CacheLimits = field(default_factory=CacheLimits)
    upstream: UpstreamLimits = field(default_factory=UpstreamLimits)
    peers: PeerLimits = field(default_factory=PeerLimits)
    signed: SignedLimits = field(default_factory=SignedLimits)
    requests: RequestLimits = field(default_factory=RequestLimits)
    purge: PurgeLimits = field(default_factory=PurgeLimits)

"""What an operator may set about siblings and the shield."""

from dataclasses import dataclass, replace

from edge.cache.settings import UpstreamLimits
from edge.peers.discovery import is_base_url
from edge.peers.health import EjectionLimits
from shared.config import redacted_url, setting
from shared.errors import ConfigError


@dataclass(frozen=True)
class PeerLimits:
    """Who else is in the region, and how long to wait for them."""

    siblings: tuple[str, ...] = setting(
        (), "URLs of the region's edges; a miss asks the one that owns the object. May name this edge, too"
    )
    own_url: str = setting("", "this edge as its siblings name it; the same text everywhere")
    shield_url: str = setting("", "URL of the edge that the region's misses go through; empty: none")
    discovers: bool = setting(
        False,
        "siblings are also the edges of this region that heartbeats tell of; own_url is then public_url",
    )
    load_factor: float = setting(
        1.25, "a sibling with more than this times its share of requests is passed over", low=1.0, high=10
    )
    least_load: int = setting(
        8, "requests under way that never are too many for a sibling", low=1, high=10_000
    )
    connect_s: float = setting(0.3, "to connect to a peer", unit="s", low=0.01, high=10)
    first_byte_s: float = setting(
        3.0, "from the request to a peer's answer; then the next is asked", unit="s", low=0.05, high=60
    )
    stall_s: float = setting(5.0, "between two reads of a peer's body", unit="s", low=0.05, high=60)
    n_connections: int = setting(64, "to one peer at a time", low=1, high=10_000)
    n_failures: int = setting(3, "errors in a row that eject a peer; a timeout does at once", low=1, high=100)
    eject_s: float = setting(
        1.0, "first ejection; each next one is twice as long", unit="s", low=0.05, high=60
    )
    eject_max_s: float = setting(30.0, "longest ejection", unit="s", low=0.05, high=3600)

    def ejection(self) -> EjectionLimits:
        """The part that health reads."""
        return EjectionLimits(self.n_failures, self.eject_s, self.eject_max_s)

    def upstream(self, origin: UpstreamLimits) -> UpstreamLimits:
        """Deadlines of a request to a peer. It is not repeated there: the next hop is asked."""
        return replace(
            origin,
            connect_s=self.connect_s,
            first_byte_s=self.first_byte_s,
            stall_s=self.stall_s,
            n_connections=self.n_connections,
            n_retries=0,
        )

    def checked(self) -> "PeerLimits":
        """Itself. Raises ConfigError when siblings could not agree on who owns what, or cannot be asked."""
        for url in self.siblings:
            base_url("peers.siblings", url)
        for name, url in (("own_url", self.own_url), ("shield_url", self.shield_url)):
            if url:
                base_url(f"peers.{name}", url)
        if (self.siblings or self.discovers) and not self.own_url:
            raise ConfigError("peers.siblings and peers.discovers need peers.own_url")
        return self


def base_url(key: str, url: str) -> str:
    """The URL, if requests can be sent there: `http://…`, `https://…` or `unix:/path`. Raises ConfigError."""
    if not is_base_url(url):
        raise ConfigError(
            f"{key} is {redacted_url(url)[:80]!r}, must be http://HOST[:PORT][/PATH] or https://…"
        )
    return url

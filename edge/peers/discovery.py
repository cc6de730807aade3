"""The region's edges as their heartbeats tell: who lives, serves and may be asked.

Pure. An edge that has not been heard for three beats, drains, is of another region, or tells a URL that
nothing can be sent to is none. While NATS is away nobody is heard, so what was known last stays: the health
of each peer decides then.
"""

from urllib.parse import urlsplit

from shared.messages.nodes import EdgeHeartbeat

N_BEATS = 3
"""Missed ones after which an edge is taken for gone."""
MAX_EDGES = 256
"""Of a region; more are not remembered."""


class Neighbours:
    """The edges of one region by URL. `now` is monotonic seconds."""

    def __init__(self, region: str, beat_s: float) -> None:
        self._region = region
        self._kept_s = N_BEATS * beat_s
        self._heard: dict[str, float] = {}
        self._latest_s = 0.0

    def hear(self, beat: EdgeHeartbeat, now: float) -> None:
        """Take a heartbeat."""
        if beat.region != self._region or not is_base_url(beat.url):
            return
        self._latest_s = now
        if beat.is_draining:
            self._heard.pop(beat.url, None)
        elif beat.url in self._heard or len(self._heard) < MAX_EDGES:
            self._heard[beat.url] = now

    def urls(self) -> frozenset[str]:
        """Who lives, as of the latest heartbeat of anybody."""
        self._heard = {
            url: heard_s for url, heard_s in self._heard.items() if self._latest_s - heard_s <= self._kept_s
        }
        return frozenset(self._heard)


def is_base_url(url: str) -> bool:
    """Whether requests can be sent there."""
    if url.startswith("unix:/"):
        return True
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_good and parts.username is None and not parts.query and not parts.fragment

"""aiohttp client of the origin's JSON calls: cards, the catalogue's log, forwarded reads.

Every call has a deadline and a size cap; whatever goes wrong on the way is Unavailable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import msgspec
from yarl import URL

from shared.config import setting
from shared.errors import DecodeError, Unavailable
from shared.messages.reads import CardPage, CatalogPage

T = TypeVar("T")
MAX_CARDS = 100
"""Ids that `GET /internal/cards` takes at once."""
MAX_BODY_BYTES = 8 * 1024**2


@dataclass(frozen=True)
class OriginLimits:
    """How long the edge waits for the origin's JSON."""

    timeout_s: float = setting(3.0, "whole answer to a JSON call", unit="s", low=0.05, high=60)
    connect_s: float = setting(1.0, "connection", unit="s", low=0.05, high=60)


class Answer(msgspec.Struct, frozen=True):
    """A forwarded read: what the origin said."""

    status: int
    body: bytes
    content_type: str


class OriginApi:
    """JSON calls to one origin over one connection pool."""

    def __init__(self, url: str, limits: OriginLimits) -> None:
        self._url = URL(url)
        timeout = aiohttp.ClientTimeout(total=limits.timeout_s, connect=limits.connect_s)
        connector = aiohttp.TCPConnector(limit=32)
        self._http = aiohttp.ClientSession(timeout=timeout, connector=connector, auto_decompress=True)

    async def close(self) -> None:
        """Close the pool."""
        await self._http.close()

    async def cards(self, video_ids: Sequence[str]) -> CardPage:
        """The cards of at most MAX_CARDS videos. Raises Unavailable, DecodeError."""
        answer = await self._ok("/internal/cards", {"ids": ",".join(video_ids[:MAX_CARDS])})
        return _decoded(answer, CardPage)

    async def catalog(self, after_seq: int, limit: int) -> CatalogPage:
        """What happened in the catalogue after this. Raises Unavailable, DecodeError."""
        answer = await self._ok("/internal/catalog", {"after_seq": str(after_seq), "limit": str(limit)})
        return _decoded(answer, CatalogPage)

    async def read(self, path: str, query: dict[str, str]) -> Answer:
        """A public GET as the origin answers it. Raises Unavailable (no answer, or a 5xx)."""
        try:
            url = self._url.join(URL(path, encoded=True))
            async with self._http.get(url, params=query, allow_redirects=False) as answer:
                body = await answer.content.read(MAX_BODY_BYTES + 1)
                while not answer.content.at_eof() and len(body) <= MAX_BODY_BYTES:
                    body += await answer.content.read(MAX_BODY_BYTES + 1 - len(body))
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            raise Unavailable(f"the origin did not answer {path}: {type(exc).__name__}") from exc
        if answer.status >= 500 or len(body) > MAX_BODY_BYTES:
            raise Unavailable(f"the origin answered {path} with {answer.status}, {len(body)} bytes")
        return Answer(answer.status, body, answer.headers.get("Content-Type", "application/json"))

    async def _ok(self, path: str, query: dict[str, str]) -> bytes:
        answer = await self.read(path, query)
        if answer.status != 200:
            raise Unavailable(f"the origin answered {path} with {answer.status}")
        return answer.body


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError as exc:
        raise DecodeError(f"the origin's {kind.__name__}: {exc}") from exc

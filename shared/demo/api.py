"""The HTTP calls that the demo makes, as any client would: JSON in, JSON out, one error."""

from typing import Any

import aiohttp

from shared.errors import Unavailable

REQUEST_S = 30.0


class Api:
    """An origin and an edge."""

    def __init__(self, http: aiohttp.ClientSession, origin: str, edge: str) -> None:
        self._http = http
        self.origin, self.edge = origin, edge

    async def get(self, url: str) -> dict[str, Any]:
        """The JSON at `url`. Raises Unavailable."""
        return await self._answer("GET", url, 200)

    async def post(self, url: str, status: int, **options: Any) -> dict[str, Any]:
        """The JSON that answers a POST which must end with `status`. Raises Unavailable."""
        return await self._answer("POST", url, status, **options)

    async def _answer(self, method: str, url: str, status: int, **options: Any) -> dict[str, Any]:
        limit = aiohttp.ClientTimeout(total=REQUEST_S)
        try:
            async with self._http.request(method, url, timeout=limit, **options) as response:
                if response.status != status:
                    raise Unavailable(f"{method} {url}: {response.status} {(await response.text())[:300]}")
                answer: dict[str, Any] = await response.json()
                return answer
        except (aiohttp.ClientError, TimeoutError) as exc:
            raise Unavailable(f"{method} {url}: {exc!r}") from exc

"""Any page may upload to, and read from, this host: no cookie of ours could be ridden on by it."""

from aiohttp import web

from origin.handlers.headers import EXPOSED_HEADERS
from origin.uploads import tus
from shared.web import Handler

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
MAX_AGE_S = 86_400


def open_to_all(app: web.Application) -> None:
    """Answer preflights, and let every answer be read."""
    app.middlewares.append(_preflight)
    app.on_response_prepare.append(_let_read)


@web.middleware
async def _preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
    has_own_answer = request.match_info.http_exception is None
    if request.method == "OPTIONS" and not has_own_answer:
        return web.Response(status=204)
    return await handler(request)


async def _let_read(request: web.Request, response: web.StreamResponse) -> None:
    told = response.headers
    told["Access-Control-Allow-Origin"] = "*"
    told["Access-Control-Expose-Headers"] = f"{EXPOSED_HEADERS}, {tus.EXPOSED_HEADERS}"
    if request.method == "OPTIONS":
        told["Access-Control-Allow-Methods"] = METHODS
        told["Access-Control-Allow-Headers"] = (
            f"{tus.REQUEST_HEADERS}, Range, If-None-Match, If-Range, Authorization"
        )
        told["Access-Control-Max-Age"] = str(MAX_AGE_S)
    if response.status >= 400:
        told.setdefault("Cache-Control", "no-store")

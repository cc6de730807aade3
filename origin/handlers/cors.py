"""Any page may upload to, and read from, this host: no cookie of ours could be ridden on by it."""

from aiohttp import web

from origin.handlers.headers import EXPOSED_HEADERS
from origin.uploads import tus

METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
MAX_AGE_S = 86_400


def open_to_all(app: web.Application) -> None:
    """Answer preflights, and let every answer be read. Call it after all routes of `app` are there."""
    app.router.add_route("OPTIONS", "/{path:.*}", _preflight)
    app.on_response_prepare.append(_let_read)


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(status=204)


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

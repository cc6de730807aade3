"""The HTTP surface of an edge: one table for viewers, one for the operator; CORS is open on the first."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

from edge.handlers.admin import AdminHandler
from edge.handlers.api import ApiHandler, not_here
from edge.handlers.feed import FeedHandler
from edge.handlers.media import MediaHandler
from edge.handlers.pages import Pages
from edge.handlers.purge import PurgeHandler
from edge.handlers.search import SearchHandler
from edge.handlers.sounds import SoundsHandler
from edge.handlers.stream import StreamHandler
from edge.session.intake import MAX_BODY_BYTES
from shared.web import error_middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
EXPOSED = "Cache-Status, ETag, Content-Range, Age, Repr-Digest, Retry-After"
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Range, If-None-Match, If-Range",
    "Access-Control-Max-Age": "86400",
}


@web.middleware
async def open_to_all(request: web.Request, handler: Handler) -> web.StreamResponse:
    """CORS for any page: a player is anywhere, and there are no cookies to protect."""
    if request.method == "OPTIONS" and not request.path.startswith(("/v/", "/s/")):
        response: web.StreamResponse = web.Response(status=204, headers=PREFLIGHT)
    else:
        response = await handler(request)
    if not response.prepared:
        response.headers.setdefault("Access-Control-Allow-Origin", "*")
        response.headers.setdefault("Access-Control-Expose-Headers", EXPOSED)
    return response


class Reads(NamedTuple):
    """What is read beside the feed."""

    api: ApiHandler
    sounds: SoundsHandler
    search: SearchHandler


def viewer_app(
    feed: FeedHandler, stream: StreamHandler, reads: Reads, media: MediaHandler
) -> web.Application:
    """What viewers call."""
    app = web.Application(middlewares=[open_to_all, error_middleware], client_max_size=MAX_BODY_BYTES)
    pages = Pages()
    api, sounds, search = reads
    app.router.add_post("/v1/sessions", feed.open_session)
    app.router.add_get("/v1/feed", feed.feed)
    app.router.add_post("/v1/events", feed.events)
    app.router.add_post("/v1/plan", feed.plan)
    app.router.add_get("/v1/stream", stream.stream)
    app.router.add_get("/v1/videos/{id}", api.video)
    app.router.add_get("/v1/videos/{id}/comments", api.comments)
    app.router.add_get("/v1/users/{id}", api.user)
    app.router.add_get("/v1/users/{id}/videos", api.users_videos)
    app.router.add_get("/v1/sounds", sounds.sounds)
    app.router.add_get("/v1/sounds/{id}", sounds.sound)
    app.router.add_get("/v1/sounds/{id}/videos", sounds.videos)
    app.router.add_get("/v1/search", search.search)
    app.router.add_get("/v1/trends", search.trends)
    app.router.add_get("/v1/{rest:.*}", not_here)
    app.router.add_route("*", "/v/{rest:.*}", media.handle)
    app.router.add_route("*", "/s/{signature}/v/{rest:.*}", media.handle)
    app.router.add_get("/", pages.index)
    app.router.add_get("/player/{path:.*}", pages.file)
    return app


def admin_app(admin: AdminHandler, purge: PurgeHandler) -> web.Application:
    """What the operator calls; never on the viewers' listener."""
    app = web.Application(middlewares=[error_middleware])
    app.router.add_get("/admin/sessions", admin.sessions)
    app.router.add_get("/admin/sessions/{id}", admin.session)
    app.router.add_post("/admin/purge", purge.purge)
    app.router.add_get("/admin/purges", purge.status)
    app.router.add_post("/admin/drain", admin.drain)
    return app

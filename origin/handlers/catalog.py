"""Reads of the catalogue: videos, comments and users for everyone; cards and changes for edges and brains."""

import msgspec
from aiohttp import web

from origin.catalog.records import Status, is_public
from origin.catalog.social import Comment, Social
from origin.catalog.users import Users
from origin.catalog.videos import MAX_PAGE, Videos
from origin.handlers.query import cursor, number
from shared.errors import InvalidRequest, NotFound
from shared.ids import user_id, video_id
from shared.messages.catalog import VideoCard
from shared.messages.reads import CardPage, CatalogPage
from shared.web import json_response

DEFAULT_PAGE = 20


class VideoAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a video stands, and its card when it can be played."""

    id: str
    status: Status
    error: str = ""
    card: VideoCard | None = None


class VideosAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Playable videos, newest first; `next` goes into `before` for the page that follows."""

    items: list[VideoCard]
    next: str = ""


class CommentsAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Comments, newest first; `next` goes into `before` for the page that follows."""

    items: list[Comment]
    next: str = ""


class CatalogReads:
    """Handlers of the JSON reads."""

    def __init__(self, videos: Videos, social: Social, users: Users) -> None:
        self._videos = videos
        self._social = social
        self._users = users

    def add_routes(self, app: web.Application) -> None:
        """Mount on `app`."""
        app.router.add_get("/v1/videos", self.videos)
        app.router.add_get("/v1/videos/{id}", self.video)
        app.router.add_get("/v1/videos/{id}/comments", self.comments)
        app.router.add_get("/v1/users/{id}", self.user)
        app.router.add_get("/internal/cards", self.cards)
        app.router.add_get("/internal/catalog", self.changes)

    async def video(self, request: web.Request) -> web.Response:
        """Status and card of one video."""
        video = await self._videos.get(video_id(request.match_info["id"]))
        if video.status is Status.WITHDRAWN:
            raise NotFound(f"no video {video.id}")
        cards = await self._videos.cards([video.id]) if is_public(video.status) else []
        return json_response(VideoAnswer(video.id, video.status, video.error, cards[0] if cards else None))

    async def videos(self, request: web.Request) -> web.Response:
        """A page of the latest videos, of one creator when asked."""
        creator, before = request.query.get("creator", ""), request.query.get("before", "")
        limit = number(request, "limit", DEFAULT_PAGE, MAX_PAGE)
        items = await self._videos.latest(
            creator and user_id(creator), limit, cursor(before) if before else None
        )
        following = f"{items[-1].created_ms}-{items[-1].id}" if items and len(items) == limit else ""
        return json_response(VideosAnswer(items, following))

    async def comments(self, request: web.Request) -> web.Response:
        """A page of a video's comments."""
        video, before = video_id(request.match_info["id"]), request.query.get("before", "")
        limit = number(request, "limit", DEFAULT_PAGE, MAX_PAGE)
        items = await self._social.comments(video, limit, cursor(before) if before else None)
        following = f"{items[-1].at_ms}-{items[-1].id}" if items and len(items) == limit else ""
        return json_response(CommentsAnswer(items, following))

    async def user(self, request: web.Request) -> web.Response:
        """What everyone may know of a user."""
        return json_response(await self._users.get(user_id(request.match_info["id"])))

    async def cards(self, request: web.Request) -> web.Response:
        """Cards by id, for an edge or a brain."""
        wanted = list(dict.fromkeys(filter(None, request.query.get("ids", "").split(","))))
        if len(wanted) > MAX_PAGE:
            raise InvalidRequest(f"{len(wanted)} ids are over the limit of {MAX_PAGE}", limit=MAX_PAGE)
        for one in wanted:
            video_id(one)
        cards = await self._videos.cards(wanted)
        found = {card.id for card in cards}
        return json_response(CardPage(cards, [one for one in wanted if one not in found]))

    async def changes(self, request: web.Request) -> web.Response:
        """What changed after a seq: how an edge or a brain reconciles what the stream no longer holds."""
        after_seq = number(request, "after_seq", 0, 2**62)
        events = await self._videos.changes(after_seq, number(request, "limit", MAX_PAGE, 2**31))
        return json_response(CatalogPage(events, events[-1].seq if events else after_seq))

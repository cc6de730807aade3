"""A stand-in edge: the player's HTTP surface with a script instead of a ranking, and faults on demand.

It lets a test see in which order the player asks, what it gives up on a swipe, and how it recovers; what a
real edge answers is tested against real processes in test_swipe.py. It ranks nothing: the queue is a plain
list which a test may reorder.
"""

import asyncio
import mimetypes
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from tests.browser.reels import Reel

ROOT = Path(__file__).parents[2]
PLAYER, STUDIO = ROOT / "edge" / "player", ROOT / "origin" / "studio"
CHUNK_BYTES = 4_096
TOKEN = "a-token"


@dataclass
class Asked:
    """One media request that reached the edge."""

    path: str
    is_whole: bool = False
    """The last byte was sent."""
    is_aborted: bool = False
    """The player hung up first."""


@dataclass
class StandIn:
    """The edge's state: what is queued, what was said, what is broken now."""

    reels: dict[str, Reel]
    queue: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    events: list[dict[str, Any]] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    comments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    """Seconds for each CHUNK_BYTES of a video's media."""
    gone: set[str] = field(default_factory=set)
    is_down: bool = False
    """Every answer is 503."""
    garbage: bytes = b""
    """Answers feed and events with these bytes, as JSON."""
    refuses_state: bool = False
    """Answers 400 to events with the player's state."""
    notices: list[tuple[str, str]] = field(default_factory=list)
    """Told to every stream: event and data."""
    streams: list[str] = field(default_factory=list)
    """Tokens of the streams that were opened."""
    n_listening: int = 0
    """Streams that are open."""
    is_endless: bool = False
    """What was seen comes again, behind everything else."""
    plan: list[dict[str, Any]] | None = None
    """Answers any question for a plan with this; no planner when None."""
    edges: list[str] = field(default_factory=list)
    """Other edges that a new session is told."""
    refused_tokens: set[str] = field(default_factory=set)
    page_videos: int = 50
    """Of a sound or a creator, in one answer at most."""
    held_words: dict[str, asyncio.Event] = field(default_factory=dict)
    """Searches for these wait for their event."""
    n_sessions: int = 0
    version: int = 0
    url: str = ""

    def __post_init__(self) -> None:
        self.queue = self.queue or list(self.reels)

    def app(self) -> web.Application:
        """The HTTP surface."""
        app = web.Application(middlewares=[_open_to_all, self._fail_on_demand])
        app.router.add_get("/", self._index)
        app.router.add_static("/player/", PLAYER)
        app.router.add_static("/studio/", STUDIO)
        app.router.add_post("/v1/sessions", self._session)
        app.router.add_get("/v1/feed", self._feed)
        app.router.add_post("/v1/events", self._events)
        app.router.add_post("/v1/plan", self._plan)
        app.router.add_get("/v1/stream", self._stream)
        app.router.add_get("/v1/videos/{video}", self._video)
        app.router.add_get("/v1/videos/{video}/comments", self._comments)
        app.router.add_get("/v1/search", self._search)
        app.router.add_get("/v1/trends", self._search)
        app.router.add_get("/v1/users/{user}", self._user)
        app.router.add_get("/v1/users/{user}/videos", self._user)
        app.router.add_get("/v1/sounds/{sound}", self._sound)
        app.router.add_get("/v1/sounds/{sound}/videos", self._sound)
        app.router.add_get("/v/{video}/{path:.+}", self._media)
        return app

    def slice(self, n: int = 5) -> dict[str, Any]:
        """What comes next, in the form of the wire."""
        self.version += 1
        cards = [self.reels[video].card for video in self.queue if video not in self.seen][:n]
        items = [
            {
                "video": card.id,
                "base": f"/v/{card.id}/",
                "master": f"/v/{card.id}/master.m3u8",
                "card": msgspec.to_builtins(card),
                "why": {
                    "source": "vectors",
                    "score": 0.5,
                    "rank_moved": 0,
                    "text": f"You watched {card.category} to the end",
                },
            }
            for card in cards
        ]
        plan = [
            {
                "video": card.id,
                "url": f"/v/{card.id}/{rung.path}/open.mp4",
                "rung": rung.name,
                "bytes": rung.open_bytes,
            }
            for card in cards[:3]
            for rung in card.rungs[:1]
        ]
        head = {"version": self.version, "queue_version": 1, "model": "content-1", "origin": "local"}
        told = {"plan": plan} if self.plan is None else {"plan": self.plan, "refresh_s": 1}
        return {**head, "items": items, **told}

    def opening_requests(self) -> list[str]:
        """Videos whose opening chunk (of the lowest rung, as planned) was asked for, in order."""
        openings = [asked.path.split("/") for asked in self.asked if asked.path.endswith("/open.mp4")]
        return [parts[2] for parts in openings if parts[3].startswith("360p")]

    @web.middleware
    async def _fail_on_demand(self, request: web.Request, handler: Any) -> web.StreamResponse:
        if self.is_down:
            return _problem(503, "The edge is away")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token in self.refused_tokens and request.path != "/v1/sessions":
            return _problem(401, "That token has expired")
        response: web.StreamResponse = await handler(request)
        return response

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PLAYER / "index.html")

    async def _session(self, request: web.Request) -> web.Response:
        self.n_sessions += 1
        token = f"{TOKEN}-{self.n_sessions}"
        user = (await request.json()).get("user_id") or "viewer-1"
        session = {"id": f"s{self.n_sessions}", "token": token, "user_id": user, "expires_s": 3600}
        session["edges"] = self.edges
        return web.json_response({"session": session, "feed": self.slice()}, status=201)

    async def _feed(self, request: web.Request) -> web.Response:
        if self.garbage:
            return web.Response(body=self.garbage, content_type="application/json")
        return web.json_response(self.slice(int(request.query.get("n", "5"))))

    async def _events(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.posts.append(body)
        if self.refuses_state and ("player" in body or "qoe" in body):
            return _problem(400, "at most 16 videos in player.held")
        known = {event["id"] for event in self.events}
        fresh = [event for event in body["events"] if event["id"] not in known]
        self.events += fresh
        seen = {event["video"] for event in body["events"]} | {body.get("current")}
        if self.is_endless:
            self.queue.sort(key=seen.__contains__)
        else:
            self.seen |= seen
        if self.garbage:
            return web.Response(body=self.garbage, content_type="application/json")
        n_duplicates = len(body["events"]) - len(fresh)
        answer = {"accepted": len(fresh), "duplicates": n_duplicates, "rejected": [], "feed": self.slice()}
        return web.json_response(answer)

    async def _plan(self, request: web.Request) -> web.Response:
        if self.plan is None:
            return _problem(404, "No planner here")
        return web.json_response({"version": 1, "plan": self.plan, "cancel": [], "refresh_s": 1})

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        fields = {"content-type": "text/event-stream", "Access-Control-Allow-Origin": "*"}
        response = web.StreamResponse(headers=fields)
        await response.prepare(request)
        await response.write(b": hello\n\n")
        self.streams.append(request.query.get("token", ""))
        self.n_listening += 1
        n_told = 0
        try:
            while request.transport and not request.transport.is_closing():
                for kind, data in self.notices[n_told:]:
                    await response.write(f"event: {kind}\ndata: {data}\n\n".encode())
                n_told = len(self.notices)
                await asyncio.sleep(0.05)
        finally:
            self.n_listening -= 1
        return response

    async def _video(self, request: web.Request) -> web.Response:
        reel = self.reels.get(request.match_info["video"])
        if reel is None:
            return _problem(404, "No such video")
        card = msgspec.to_builtins(reel.card)
        return web.json_response({"id": reel.card.id, "status": "complete", "card": card})

    async def _comments(self, request: web.Request) -> web.Response:
        told = self.comments.get(request.match_info["video"], [])
        start, limit = int(request.query.get("before", "0")), int(request.query.get("limit", "50"))
        page = {"items": told[start : start + limit]}
        return web.json_response(page | ({"next": str(start + limit)} if start + limit < len(told) else {}))

    async def _search(self, request: web.Request) -> web.Response:
        words = request.query.get("q", "").lower()
        if words in self.held_words:
            await self.held_words[words].wait()
        cards = [reel.card for reel in self.reels.values()]
        found = [
            card for card in cards if words.removeprefix("#") in f"{card.caption} {card.hashtags}".lower()
        ]
        videos = [{"video": c.id, "base": f"/v/{c.id}/", "card": msgspec.to_builtins(c)} for c in found]
        tags = [{"tag": tag, "n_videos": len(found)} for tag in {tag for c in found for tag in c.hashtags}]
        return web.json_response({"query": words, "videos": videos, "hashtags": tags, "creators": []})

    async def _user(self, request: web.Request) -> web.Response:
        user = request.match_info["user"]
        items = [msgspec.to_builtins(r.card) for r in self.reels.values() if r.card.creator_id == user]
        if not items:
            return _problem(404, "No such user")
        if request.path.endswith("/videos"):
            return self._page(request, items)
        name = items[0]["creator_name"]
        told = {"id": user, "name": name, "followers": 0, "following": 0, "videos": len(items)}
        return web.json_response(told)

    def _page(self, request: web.Request, items: list[Any]) -> web.Response:
        """A page of these, and where the next one is."""
        start = int(request.query.get("before", "0"))
        end = start + min(int(request.query["limit"]), self.page_videos)
        following = {"next": str(end)} if end < len(items) else {}
        return web.json_response({"items": items[start:end]} | following)

    async def _sound(self, request: web.Request) -> web.Response:
        sound = request.match_info["sound"]
        cards = [r.card for r in self.reels.values() if (r.card.sound_id or r.card.id) == sound]
        if not cards:
            return _problem(404, "No such sound")
        cards.sort(key=lambda card: card.id != sound)
        if request.path.endswith("/videos"):
            return self._page(request, msgspec.to_builtins(cards))
        source = cards[0] if cards[0].id == sound else None
        told = {"id": sound, "title": cards[0].sound_title, "n_videos": len(cards)}
        told |= {"creator_id": f"maker_{sound[-1]}", "creator_name": f"maker_{sound[-1]}"}
        told |= {"is_available": source is not None, "video": msgspec.to_builtins(source)}
        return web.json_response(told)

    async def _media(self, request: web.Request) -> web.StreamResponse:
        video, path = request.match_info["video"], request.match_info["path"]
        asked = Asked(request.path)
        self.asked.append(asked)
        body = None if video in self.gone else self.reels[video].files.get(path)
        if body is None:
            return _problem(404, "No such object")
        part = request.http_range
        n_bytes, body = len(body), body[part.start or 0 : part.stop]
        response = web.StreamResponse(status=206 if part.start is not None else 200)
        response.content_type = mimetypes.guess_type(path)[0] or "video/mp4"
        if part.start is not None:
            response.headers["Content-Range"] = f"bytes {part.start}-{part.start + len(body) - 1}/{n_bytes}"
        response.headers["Cache-Status"] = "headstart-edge; hit; detail=memory"
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.content_length = len(body)
        try:
            await response.prepare(request)
            for start in range(0, len(body), CHUNK_BYTES):
                await response.write(body[start : start + CHUNK_BYTES])
                if self.slow.get(video):
                    await asyncio.sleep(self.slow[video])
            asked.is_whole = True
        finally:
            asked.is_aborted = not asked.is_whole
        return response


@web.middleware
async def _open_to_all(request: web.Request, handler: Any) -> web.StreamResponse:
    """CORS, as an edge's."""
    if request.method == "OPTIONS":
        allowed = {"Access-Control-Allow-Headers": "Authorization, Content-Type, Range"}
        return web.Response(headers=allowed | {"Access-Control-Allow-Origin": "*"})
    response: web.StreamResponse = await handler(request)
    if not response.prepared:
        response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _problem(status: int, title: str) -> web.Response:
    body = {"type": "about:blank", "title": title, "status": status, "detail": title}
    return web.json_response(body, status=status, content_type="application/problem+json")

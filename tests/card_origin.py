"""A small origin for the edge's tests: cards, the catalogue's log, media bytes, one read; it can go away."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from shared.messages.catalog import CatalogEvent, CatalogKind, VideoCard
from shared.messages.reads import CardPage, CatalogPage, Sound
from shared.web import RunningServer, json_response, serve
from tests.edge_builders import make_card

IMMUTABLE = "public, max-age=31536000, immutable"


class CardOrigin:
    """Serves what is in `cards` and `log`; counts the requests by path."""

    def __init__(self) -> None:
        self.cards: dict[str, VideoCard] = {}
        self.log: list[CatalogEvent] = []
        self.requests: Counter[str] = Counter()
        self.url = ""
        self._server: RunningServer | None = None

    async def start(self) -> None:
        """Listen; after a stop, at the same address."""
        app = web.Application()
        app.router.add_get("/internal/cards", self._cards)
        app.router.add_get("/internal/catalog", self._catalog)
        app.router.add_get("/v1/videos", self._list)
        app.router.add_get("/v1/videos/{id}", self._video)
        app.router.add_get("/v1/videos/{id}/comments", self._video)
        app.router.add_get("/v1/sounds", self._sounds)
        app.router.add_get("/v1/sounds/{id}", self._sound)
        app.router.add_get("/v1/sounds/{id}/videos", self._sounds_videos)
        app.router.add_get("/v/{video}/{path:.*}", self._media)
        self._server = await serve(app, self.url.removeprefix("http://") or "127.0.0.1:0")
        self.url = self._server.url

    async def stop(self) -> None:
        """Go away."""
        if self._server is not None:
            await self._server.stop(0.1)
            self._server = None

    def publish(self, card: VideoCard) -> None:
        self.cards[card.id] = card
        self._append(CatalogKind.PUBLISHED, card.id, card)

    def withdraw(self, video: str) -> None:
        self.cards.pop(video, None)
        self._append(CatalogKind.WITHDRAWN, video)

    def _append(self, kind: CatalogKind, video: str, card: VideoCard | None = None) -> None:
        seq = len(self.log) + 1
        self.log.append(CatalogEvent(id=f"c{seq}", kind=kind, video_id=video, seq=seq, at_ms=1, card=card))

    async def _cards(self, request: web.Request) -> web.Response:
        self.requests["cards"] += 1
        ids = request.query["ids"].split(",")
        known = [self.cards[video] for video in ids if video in self.cards]
        return json_response(CardPage(known, [video for video in ids if video not in self.cards]))

    async def _catalog(self, request: web.Request) -> web.Response:
        after, limit = int(request.query["after_seq"]), int(request.query["limit"])
        events = self.log[after : after + limit]
        return json_response(CatalogPage(events, events[-1].seq if events else after))

    async def _list(self, request: web.Request) -> web.Response:
        creator = request.query.get("creator", "")
        return json_response({"items": [card for card in self.cards.values() if card.creator_id == creator]})

    async def _video(self, request: web.Request) -> web.Response:
        self.requests["video"] += 1
        video = request.match_info["id"]
        known = video in self.cards
        return json_response({"id": video, "n": self.requests["video"]}, status=200 if known else 404)

    async def _sounds(self, request: web.Request) -> web.Response:
        sounds = {card.sound_id or card.id for card in self.cards.values()}
        most = sorted(sounds, key=lambda sound: (-len(self._with(sound)), sound))
        return json_response({"items": [self._form(sound) for sound in most[: int(request.query["n"])]]})

    async def _sound(self, request: web.Request) -> web.Response:
        self.requests["sound"] += 1
        sound = request.match_info["id"]
        return json_response(self._form(sound), status=200 if self._with(sound) else 404)

    async def _sounds_videos(self, request: web.Request) -> web.Response:
        self.requests["sound"] += 1
        return json_response({"items": self._with(request.match_info["id"])})

    def _with(self, sound: str) -> list[VideoCard]:
        found = [card for card in self.cards.values() if (card.sound_id or card.id) == sound]
        return sorted(found, key=lambda card: (card.id != sound, -card.created_ms))

    def _form(self, sound: str) -> Sound:
        source, n_videos = self.cards.get(sound), len(self._with(sound))
        return Sound(sound, "", f"by-{sound}", "neon_waves", n_videos, bool(source), source)

    async def _media(self, request: web.Request) -> web.Response:
        self.requests[request.path] += 1
        if request.match_info["video"] not in self.cards:
            raise web.HTTPNotFound
        tag = f"video:{request.match_info['video']}"
        headers = {"Cache-Control": IMMUTABLE, "Surrogate-Key": tag, "ETag": f'"{len(request.path)}"'}
        return web.Response(body=request.path.encode() * 20, headers=headers)


@asynccontextmanager
async def card_origin(videos: Sequence[str]) -> AsyncIterator[CardOrigin]:
    """A running one that has published these, the oldest first."""
    origin = CardOrigin()
    for number, video in enumerate(videos):
        origin.publish(make_card(video, created_ms=number))
    await origin.start()
    yield origin
    await origin.stop()

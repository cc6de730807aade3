"""Numbers and pages in a query. Raises InvalidRequest."""

from aiohttp import web

from shared.errors import InvalidRequest
from shared.ids import check_id


def number(request: web.Request, name: str, default: int, high: int) -> int:
    """A whole number, at most `high`."""
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise InvalidRequest(f"{name} must be a whole number, got {text[:40]!r}")
    return min(int(text), high)


def cursor(text: str) -> tuple[int, str]:
    """Time and id of the last item of the former page."""
    at_ms, _, last = text.partition("-")
    if not (at_ms.isascii() and at_ms.isdigit() and len(at_ms) <= 16):
        raise InvalidRequest(f"before is not a page of ours: {text[:80]!r}")
    return int(at_ms), check_id(last, "before")

"""Whether what a shared fill brings is an answer to one of the requests that wait for it."""

from aiohttp import web

from edge.cache.freshness import Storable
from edge.cache.key import VaryValues, storage_key, vary_values
from edge.fills.reader import Reader
from edge.fills.want import Head, Ready, Want


def is_for(request: web.BaseRequest, reader: Reader[Head], want: Want, head: Head) -> bool:
    """The fill is the request's own, or its answer is for all like it."""
    if reader.is_leader:
        return True
    if isinstance(head, Ready):
        is_own = want.stale is not None and want.stale.key == head.entry.key
        return head.verdict is Storable.YES and (is_own or _matches(head.entry.meta.vary, request))
    return head.is_shared and _matches(head.vary, request)


def own_key(request: web.BaseRequest, want: Want, head: Head) -> str | None:
    """The key of a second try: of this request's own variant, or of nobody else's."""
    if isinstance(head, Ready) or not head.is_shared:
        return None
    names = tuple(name for name, _ in head.vary)
    return str(storage_key(want.primary, vary_values(names, request.headers)))


def no_store_reason(method: str, predicted: Storable) -> str:
    """Why a forwarded answer is not stored."""
    reason = predicted if method == "GET" else Storable.METHOD
    return "precondition" if reason is Storable.YES else str(reason)


def _matches(vary: VaryValues, request: web.BaseRequest) -> bool:
    return vary == vary_values(tuple(name for name, _ in vary), request.headers)

"""Which request fields reach the origin: none that could change an answer which others get, too.

Pure. A field that is not in the key but is read by the origin lets one client choose what is stored for all
(Kettle, "Practical Web Cache Poisoning", 2018). Claims about the way a request came, and fields that stand in
for target or method, are dropped always: nobody before us is trusted to make them. Before our own origin
goes further: only fields that media needs pass.
"""

from dataclasses import dataclass

from multidict import CIMultiDict, MultiMapping

CLAIMS = frozenset(
    {
        *("forwarded", "front-end-https", "x-host", "x-http-host-override", "x-real-ip", "x-client-ip"),
        *("true-client-ip", "x-cluster-client-ip", "client-ip", "x-originating-ip", "x-remote-ip"),
        *("x-remote-addr", "x-url-scheme", "x-scheme", "x-url", "x-uri", "x-custom-ip-authorization"),
        *("x-http-method", "x-http-method-override", "x-method-override", "request-uri", "proxy"),
        *("x-wap-profile", "x-backend-host", "x-proxy-url", "base-url", "x-middleware-prefetch"),
    }
)
CLAIM_PREFIXES = ("x-forwarded-", "x-original-", "x-rewrite-", "x-accel-", "x-envoy-original-")
MEDIA = frozenset(
    {
        *("range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"),
        *("cache-control", "pragma", "via", "cdn-loop", "traceparent", "tracestate"),
        *("content-type", "content-length", "content-encoding"),
    }
)
"""All that an answer of our own origin may depend on, or that only watches."""
HOP_FIELD = "Headstart-Hop"
"""`sibling` or `shield`: over which hop the request came. Never sent to the origin."""
REVISION_FIELD = "Headstart-Purge-Revision"
"""`STREAM/SEQ` of the latest purge that the asking edge has applied. Never sent to the origin."""


def is_claim(name: str) -> bool:
    """Whether a field, in lower case, only a trusted front could have set."""
    return name in CLAIMS or name.startswith(CLAIM_PREFIXES)


@dataclass(frozen=True, slots=True)
class FieldPolicy:
    """What of a client's fields reaches the origin."""

    is_media: bool = False
    """Requests carry MEDIA only; else everything but claims."""
    dropped: frozenset[str] = frozenset()
    """Further names, in lower case."""

    def reaching(self, headers: MultiMapping[str]) -> CIMultiDict[str]:
        """The fields that the origin gets."""
        if self.is_media:
            return CIMultiDict((name, value) for name, value in headers.items() if name.lower() in MEDIA)
        return CIMultiDict(
            (name, value)
            for name, value in headers.items()
            if not is_claim(key := name.lower()) and key not in self.dropped
        )

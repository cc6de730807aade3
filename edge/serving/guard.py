"""Which requests are refused before anything looks at them: size, framing, target, Host (RFC 9110, 9112).

Pure. llhttp has parsed the request already and refuses bare CR and LF, obs-fold, control bytes, white space
before a colon, CL beside TE and repeated Content-Length; here is what it lets pass, and the limits. What two
readers could take for two different requests is refused, never mended (RFC 9112 section 11.2).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from multidict import MultiMapping

from shared.config import setting

KIB = 1024


class Reason(StrEnum):
    """Why a request is refused: metric label, log field and problem type."""

    MALFORMED = "malformed"
    """The parser says no."""
    VERSION = "version"
    METHOD = "method"
    HOST = "host"
    FRAMING = "framing"
    TARGET_LENGTH = "target_length"
    TARGET_FORM = "target_form"
    TRAVERSAL = "traversal"
    ENCODING = "encoding"
    OTHER_HOST = "other_host"
    FIELD_LENGTH = "field_length"
    HEAD_LENGTH = "head_length"
    N_FIELDS = "n_fields"
    HEAD_TIME = "head_time"
    BODY_TIME = "body_time"
    BUSY = "busy"
    UNREAD = "unread"
    """Too many bytes wait for clients to read on."""


STATUS = {
    Reason.VERSION: 505,
    Reason.METHOD: 501,
    Reason.TARGET_LENGTH: 414,
    Reason.FIELD_LENGTH: 431,
    Reason.HEAD_LENGTH: 431,
    Reason.N_FIELDS: 431,
    Reason.HEAD_TIME: 408,
    Reason.BODY_TIME: 408,
    Reason.BUSY: 503,
    Reason.UNREAD: 503,
}
"""Of the answer; 400 for the others."""

KEEPS_CONNECTION = frozenset(
    {Reason.TARGET_FORM, Reason.TRAVERSAL, Reason.ENCODING, Reason.OTHER_HOST, Reason.BUSY, Reason.UNREAD}
)
"""Where the end of the request is beyond doubt."""


class Refusal(NamedTuple):
    """A refused request: why, in words too, and the limit with the value that broke it."""

    reason: Reason
    detail: str
    limit: float | None = None
    actual: float | None = None

    @property
    def status(self) -> int:
        """Of the answer."""
        return STATUS.get(self.reason, 400)


@dataclass(frozen=True)
class RequestLimits:
    """What one request, and one connection, may take."""

    target_chars: int = setting(8000, "request target; more: 414", low=256, high=65536)
    field_bytes: int = setting(8192, "one header field; more: 431", unit="bytes", low=256, high=65536)
    head_bytes: int = setting(
        32 * KIB, "all header fields together; more: 431", unit="bytes", low=KIB, high=KIB * KIB
    )
    n_fields: int = setting(100, "header fields; more: 431", low=8, high=1000)
    n_per_connection: int = setting(
        100_000, "requests on one connection, then it is closed", low=1, high=1_000_000_000
    )
    n_at_once: int = setting(
        10_000, "requests in hand beside the hot path; more: 503", low=1, high=10_000_000
    )
    head_s: float = setting(
        10.0, "from a request's first byte to its last field; then 408", unit="s", low=0.1
    )
    body_s: float = setting(20.0, "for a body, and more as it arrives; then 408", unit="s", low=0.1)
    body_bytes_s: float = setting(
        2000.0, "a body that arrives at least this fast is waited for", unit="bytes/s", low=1
    )
    idle_s: float = setting(75.0, "an idle connection is closed after so long", unit="s", low=0.1)
    unread_s: float = setting(
        60.0, "a client that takes no byte of its answer for so long is cut", unit="s", low=0.1
    )
    unread_bytes: int = setting(
        256 * KIB * KIB,
        "answers that wait in memory for their clients to read on, together; more: 503",
        unit="bytes",
        low=KIB * KIB,
    )
    encoded_slash: bool = setting(
        False, "%2F, %5C and needless encoding (%41) in paths; the standalone cache always lets them pass"
    )


class Head(Protocol):
    """The facts of a request that are judged; aiohttp's requests have them."""

    @property
    def method(self) -> str:
        """As written."""

    @property
    def raw_path(self) -> str:
        """The request target as written."""

    @property
    def version(self) -> tuple[int, int]:
        """Major and minor."""

    @property
    def headers(self) -> MultiMapping[str]:
        """The fields."""

    @property
    def raw_headers(self) -> Sequence[tuple[bytes, bytes]]:
        """The fields as written, in order."""


_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,;=:@-][A-Za-z0-9_~!$&'()*+,;=:@.-]*)+/?\Z")
"""No empty segment, none that begins with a dot, no percent: nothing to look at closer."""
_TARGET = re.compile(r"[!-~]*\Z")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_DOTS = re.compile(r"(?:^|[/\\])\.{1,2}(?:[/\\;]|\Z)")
_ENCODED_DOT = re.compile(r"%2e", re.IGNORECASE)
_ENCODED_SLASH = re.compile(r"%(?:25)*(?:2f|5c)", re.IGNORECASE)
_ENCODED_CONTROL = re.compile(r"%(?:25)*(?:0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)
_ENCODED_TWICE = re.compile(r"%25(?:25)*(?:2e|2f|5c)", re.IGNORECASE)
_ENCODED_PLAIN = re.compile(r"%(?:2d|2e|3[0-9]|4[1-9a-f]|5[0-9af]|6[1-9a-f]|7[0-9ae])", re.IGNORECASE)
"""RFC 3986 section 6.2.2.2: two spellings of one path."""
_ABSOLUTE = re.compile(r"(https?)://([^/?#]*)(.*)\Z", re.IGNORECASE | re.DOTALL)
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._~!$&'()*+,;=%-]{1,255})(?::[0-9]{0,5})?\Z")


def is_plain_target(target: str) -> bool:
    """Whether a target is a path alone, written in the one way that every reader understands alike."""
    return _PLAIN_PATH.match(target) is not None


def refusal(head: Head, limits: RequestLimits) -> Refusal | None:
    """Why this request is refused; None: it may pass. O(bytes of the head)."""
    return _size(head, limits) or _framing(head) or _host(head) or _target(head, limits)


def _size(head: Head, limits: RequestLimits) -> Refusal | None:
    n_chars = len(head.raw_path)
    if n_chars > limits.target_chars:
        return Refusal(Reason.TARGET_LENGTH, "the target is too long", limits.target_chars, n_chars)
    fields = head.raw_headers
    if len(fields) > limits.n_fields:
        return Refusal(Reason.N_FIELDS, "too many header fields", limits.n_fields, len(fields))
    n_bytes = 4 * len(fields) + sum([len(name) + len(value) for name, value in fields])
    if n_bytes > limits.head_bytes:
        return Refusal(Reason.HEAD_LENGTH, "the header fields are too long", limits.head_bytes, n_bytes)
    return None


def _framing(head: Head) -> Refusal | None:
    version, headers = head.version, head.headers
    if version not in ((1, 1), (1, 0)):
        return Refusal(Reason.VERSION, "HTTP/1.1 and HTTP/1.0 are spoken here")
    if head.method == "CONNECT":
        return Refusal(Reason.METHOD, "this is no tunnel")
    if "Transfer-Encoding" in headers:
        if version != (1, 1):
            return Refusal(Reason.FRAMING, "Transfer-Encoding does not belong in HTTP/1.0")
        if [value.strip().lower() for value in headers.getall("Transfer-Encoding")] != ["chunked"]:
            return Refusal(Reason.FRAMING, "the only transfer coding of a request is chunked")
        if "Content-Length" in headers:
            return Refusal(Reason.FRAMING, "Content-Length beside Transfer-Encoding")
    return None


def _host(head: Head) -> Refusal | None:
    version, headers = head.version, head.headers
    hosts = headers.getall("Host", ())
    if len(hosts) != 1 and (hosts or version == (1, 1)):
        return Refusal(Reason.HOST, "exactly one Host is needed", 1, len(hosts))
    if hosts and not _HOST.match(hosts[0]):
        return Refusal(Reason.HOST, "Host is not a name or an address with a port")
    return None


def _target(head: Head, limits: RequestLimits) -> Refusal | None:
    target = head.raw_path
    path, mark, query = target.partition("?")
    if _PLAIN_PATH.match(path) and (not mark or ("%" not in query and _is_text(query))):
        return None
    if not path.startswith("/"):
        if is_of_server(head):
            return None
        absolute = _ABSOLUTE.match(target)
        if absolute is None:
            return Refusal(Reason.TARGET_FORM, "the target is neither a path nor an http URL")
        port = DEFAULT_PORTS[absolute[1].lower()]
        if _authority(absolute[2], port) != _authority(head.headers.get("Host", ""), port):
            return Refusal(Reason.OTHER_HOST, "the target names another host than Host")
        path, _, query = absolute[3].partition("?")
    if not _TARGET.match(target) or "#" in target:
        return Refusal(Reason.TARGET_FORM, "the target has bytes that must be percent-encoded")
    return _path(path, query, limits)


def is_of_server(head: Head) -> bool:
    """Whether a request is about the server and not about anything on it (RFC 9110 section 9.3.7)."""
    return head.raw_path == "*" and head.method == "OPTIONS"


def _authority(text: str, default_port: str) -> str:
    """In its one spelling (RFC 9110 section 4.2.3)."""
    return text.lower().removesuffix(default_port).removesuffix(":")


def _is_text(query: str) -> bool:
    return "#" not in query and _TARGET.match(query) is not None


def _path(path: str, query: str, limits: RequestLimits) -> Refusal | None:
    if _BAD_PERCENT.search(path) or _BAD_PERCENT.search(query):
        return Refusal(Reason.ENCODING, "a % without two hexadecimal digits")
    if _ENCODED_CONTROL.search(path):
        return Refusal(Reason.ENCODING, "a control byte in the path")
    shown = _ENCODED_SLASH.sub("/", _ENCODED_DOT.sub(".", path))
    if _DOTS.search(shown):
        return Refusal(Reason.TRAVERSAL, "a dot segment in the path")
    if "\\" in path:
        return Refusal(Reason.ENCODING, "a backslash in the path")
    return None if limits.encoded_slash else _two_spellings(path)


def _two_spellings(path: str) -> Refusal | None:
    if _ENCODED_SLASH.search(path) or _ENCODED_TWICE.search(path):
        return Refusal(Reason.ENCODING, "an encoded slash in the path")
    if _ENCODED_PLAIN.search(path):
        return Refusal(Reason.ENCODING, "a letter, digit, dash or dot that needs no encoding")
    return None

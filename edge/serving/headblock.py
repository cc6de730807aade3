"""Which request header blocks change nothing about a stored answer, and how far a request's bytes go.

Pure. An allow-list: a block is harmless when each of its fields is known to leave a stored answer without
Vary as it is, stands there once and is written in the plainest way (RFC 9112 without its tolerances). Its
bytes are then judged once: identical bytes, identical meaning. One simple Range may be among them, or one
entity tag in If-None-Match.
"""

import re
from typing import Final

MAX_BLOCK_BYTES = 4096

Span = tuple[int, int]
"""First and last position that a Range asks for, as told; last -1: to the end."""
Asked = Span | bytes
"""What is asked of an object: a range of it, or (bytes) whether it has another entity tag than this."""
WHOLE: Final[Span] = (-1, -1)
"""No range is asked for."""
UNSURE: Final = -1
"""Where a message ends cannot be told from outside the parser."""

_ANY = re.compile(rb"[\x20-\x7e]*")
_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_KEEP_ALIVE = re.compile(rb"keep-alive", re.IGNORECASE)
_RANGE = re.compile(rb"bytes=([0-9]{1,15})-([0-9]{0,15})")
_TAG = re.compile(rb'(?:W/)?"[\x21\x23-\x7e]{0,128}"')
_LINE = re.compile(rb"([A-Za-z0-9-]+): *([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)? *")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,15}) *(?=\r\n)")
_ODD = re.compile(rb"\r\n[ \t]|[^\r]\n|\r[^\n]|\x00|\r\n(?:transfer-encoding|upgrade|expect)|^connect ")

HARMLESS: Final = {
    b"host": _HOST,
    b"connection": _KEEP_ALIVE,
    b"range": _RANGE,
    b"if-none-match": _TAG,
} | dict.fromkeys(
    (
        b"user-agent",
        b"accept",
        b"accept-charset",
        b"accept-encoding",
        b"accept-language",
        b"referer",
        b"origin",
        b"dnt",
        b"priority",
        b"save-data",
        b"upgrade-insecure-requests",
        b"sec-fetch-dest",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        b"sec-fetch-user",
        b"sec-gpc",
        b"sec-ch-ua",
        b"sec-ch-ua-mobile",
        b"sec-ch-ua-platform",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-playback-session-id",
        b"cmcd-object",
        b"cmcd-request",
        b"cmcd-session",
        b"cmcd-status",
    ),
    _ANY,
)
"""What may stand in a block, and how its value must look. Whatever is not here is for the ordinary path."""


def judge(block: bytes) -> Asked | None:
    """What a whole header block, with its empty line, asks for: WHOLE, a range, a tag; None: not harmless."""
    if len(block) > MAX_BLOCK_BYTES or not block.endswith(b"\r\n\r\n"):
        return None
    seen: dict[bytes, bytes] = {}
    for line in block[:-4].split(b"\r\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        name, value = match[1].lower(), match[2] or b""
        rule = HARMLESS.get(name)
        if rule is None or name in seen or rule.fullmatch(value) is None:
            return None
        seen[name] = value
    if b"host" not in seen:
        return None
    if b"if-none-match" in seen:
        return None if b"range" in seen else seen[b"if-none-match"]
    return _span(seen[b"range"]) if b"range" in seen else WHOLE


def _span(value: bytes) -> Span | None:
    match = _RANGE.fullmatch(value)
    assert match is not None
    first, last = int(match[1]), int(match[2]) if match[2] else -1
    return None if 0 <= last < first else (first, last)


def unread(left: int, data: bytes) -> int:
    """How many bytes of the current request are still to come after `data`; UNSURE: cannot be told.

    `left` is what was to come before, 0 at a boundary between requests. UNSURE stays so for ever.
    """
    if left == UNSURE:
        return UNSURE
    if left == 0:
        end = data.find(b"\r\n\r\n")
        head = data[: end + 4].lower()
        lengths = _LENGTH.findall(head)
        if end < 0 or _ODD.search(head) or head.count(b"content-length") != len(lengths) or len(lengths) > 1:
            return UNSURE
        left = end + 4 + (int(lengths[0]) if lengths else 0)
    return left - len(data) if left >= len(data) else UNSURE

"""The plain head of an origin's answer, read without the full parser: a 200 of known length, nothing unusual.

A head is plain when each of its lines is written in the one way that every reader understands alike, and none
of them changes the framing or the connection (RFC 9112). Whatever is not goes to the full parser, so this one
may be as strict as it likes; where it reads, both say the same.
"""

import re
from typing import Final, NamedTuple

from aiohttp import hdrs
from multidict import CIMultiDict, istr

MAX_FIELDS = 64
N_LINES = 1024
"""Lines that are remembered: an origin says the same again and again."""
LINE_BYTES = 256
"""Longer ones are not."""

_STATUS = re.compile(rb"HTTP/1\.1 200 ([A-Za-z ]{0,32})")
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)[ \t]*")
_LENGTH = re.compile("[1-9][0-9]{0,11}")
_UNFIT: Final = frozenset(
    (
        "transfer-encoding",
        "upgrade",
        "trailer",
        "te",
        "sec-websocket-key1",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
    )
)
_VARYING: Final = frozenset(
    (
        "age",
        "content-digest",
        "content-length",
        "content-md5",
        "date",
        "etag",
        "expires",
        "last-modified",
        "repr-digest",
        "surrogate-key",
    )
)
"""Different in each answer: not worth remembering."""
_KNOWN: Final = {str(name).lower(): name for name in vars(hdrs).values() if isinstance(name, istr)}
"""The full parser writes these names in one way, too."""

Field = tuple[str, str]
_OF_CONNECTION: Final[Field] = ("", "")
"""Stands for a field that ends here."""


class PlainHead(NamedTuple):
    """What such a head says."""

    code: int
    reason: str
    headers: CIMultiDict[str]
    """End-to-end ones only."""
    n_bytes: int
    """Of the body; not 0."""


class HeadReader:
    """Reads heads, and remembers lines that are likely to come again."""

    def __init__(self) -> None:
        self._lines: dict[bytes, Field] = {}

    def read(self, head: bytes) -> PlainHead | None:
        """What the head, without its empty line, says; None: it is for the full parser."""
        first, *lines = head.split(b"\r\n")
        status = _STATUS.fullmatch(first)
        if status is None or len(lines) > MAX_FIELDS:
            return None
        known, fields = self._lines, []
        for line in lines:
            field = known.get(line) or self._field(line)
            if field is None:
                return None
            if field is not _OF_CONNECTION:
                fields.append(field)
        headers = CIMultiDict(fields)
        lengths = headers.getall(hdrs.CONTENT_LENGTH, ())
        if len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
            return None
        return PlainHead(200, status[1].decode("ascii"), headers, int(lengths[0]))

    def _field(self, line: bytes) -> Field | None:
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        name, value = match[1].decode("ascii"), match[2].decode("ascii")
        lower = name.lower()
        field: Field = (_KNOWN.get(lower) or istr(name), value)
        if lower in _UNFIT or (lower == "connection" and value.lower() != "keep-alive"):
            return None
        if lower in ("connection", "keep-alive"):
            field = _OF_CONNECTION
        if lower not in _VARYING and len(line) <= LINE_BYTES:
            if len(self._lines) >= N_LINES:
                self._lines.clear()
            self._lines[line] = field
        return field

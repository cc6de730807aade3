"""One prepared answer of the fast path, and which bytes of an object one that was sent has."""

import re
from typing import NamedTuple

from edge.cache.memory import Hot
from edge.serving.headblock import WHOLE, Asked
from edge.serving.memfile import MemFile
from edge.serving.wirehead import Template

JOINED_BYTES = 4 * 1024
"""Up to this size head and body are kept as one piece: one write of one buffer, and the body held twice."""

_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/\d{1,15}")


class Sent(NamedTuple):
    """What the ordinary path has told a viewer."""

    status: int
    reason: str
    fields: tuple[tuple[str, str], ...]


class HotAnswer:
    """One prepared answer. `head` is good while `from_ns <= now < until_ns`."""

    __slots__ = (
        "body",
        "file",
        "from_ns",
        "head",
        "hot",
        "is_joined",
        "line",
        "n_hits",
        "size",
        "start",
        "status",
        "template",
        "until_ns",
    )

    def __init__(self, line: bytes, hot: Hot, head: Template, part: tuple[int, int]) -> None:
        self.line = line
        self.status = int(head[9:12])
        self.hot = hot
        self.template = head
        self.start = part[0]
        self.size = part[1] - part[0]
        self.is_joined = self.size <= JOINED_BYTES
        """The body is in `head`."""
        self.body: bytes | memoryview | None = None
        """None: it is in `head`, or is sent from `file`."""
        self.file: MemFile | None = None
        self.head = b""
        self.from_ns = self.until_ns = 0
        self.n_hits = 0
        """Since the last fold."""


def request_line(target: str) -> bytes:
    """The request line for a target; one that cannot stand in a request line finds nothing."""
    return b"GET %b HTTP/1.1" % target.encode("utf-8", "surrogateescape")


def status_of(asked: Asked) -> int:
    """Of the answer that is fit to be prepared."""
    if isinstance(asked, bytes):
        return 304
    return 200 if asked == WHOLE else 206


def part_of(sent: Sent, size: int) -> tuple[int, int] | None:
    """Which bytes of the stored body were sent; None when the head does not tell exactly."""
    told = {name.lower(): value for name, value in sent.fields}
    if {"set-cookie", "transfer-encoding", "connection"} & told.keys():
        return None
    if sent.status == 304:
        return None if "content-length" in told else (0, 0)
    length = told.get("content-length", "")
    start, stop = 0, size
    if sent.status == 206:
        match = _CONTENT_RANGE.fullmatch(told.get("content-range", ""))
        if match is None:
            return None
        start, stop = int(match[1]), int(match[2]) + 1
    elif sent.status != 200:
        return None
    return (start, stop) if length == str(stop - start) and stop <= size else None

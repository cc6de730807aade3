"""The plain head of an origin's answer, read without the full parser: a 200 of known length, nothing unusual.

A head is plain when each of its lines is written in the one way that every reader understands alike, and none
of them changes the framing or the connection (RFC 9112). Whatever is not goes to the full parser, so this one
may be as strict as it likes; where it reads, both say the same. What the names of a head mean is worked out
once: an origin says other values under the same names again and again, so a head is first tried with one
pattern made of the names of the last one.
"""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Final, NamedTuple

from aiohttp import hdrs
from multidict import CIMultiDict, istr

MAX_FIELDS = 64
N_KINDS = 256
"""That are remembered."""
KIND_CHARS = 2048
"""Of the names of one kind; with more it is not remembered."""

_STATUS = re.compile(r"HTTP/1\.1 200 ([A-Za-z ]{0,32})(?=\n|\Z)")
_FIELDS = re.compile(r"\n([\w-]+): ?([^ \n].*)", re.ASCII)
"""Values may end in a space here, and hold anything."""
_VISIBLE = bytes(range(0x20, 0x7F))
_LENGTH = re.compile("[1-9][0-9]{0,11}")
_REASON, _VALUE = "([A-Za-z ]{0,31}[A-Za-z])", "[!-~](?:[ -~]*[!-~])?"
"""As above, for the pattern of one kind."""
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
_OF_CONNECTION: Final = frozenset(("connection", "keep-alive"))
_KNOWN: Final = {str(name).lower(): name for name in vars(hdrs).values() if isinstance(name, istr)}
"""The full parser writes these names in one way, too."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadKind:
    """What heads with the same names in the same order have in common; there is one object for each."""

    names: tuple[str, ...]
    """Of the end-to-end fields."""
    places: dict[str, int]
    """Of the names, in lower case, that are there once."""
    kept: tuple[int, ...] | None
    """Places on the wire of the end-to-end fields; None: there are no others."""
    connection: tuple[int, ...]
    """Places on the wire of what must say keep-alive."""
    length: int
    """Place of Content-Length; -1: such heads are for the full parser."""
    pattern: re.Pattern[str]
    """Of such heads, with a group for the reason and one for each value."""

    @classmethod
    def of(cls, wire_names: tuple[str, ...]) -> "HeadKind":
        """The kind of a head with these names, as they came."""
        lower = [name.lower() for name in wire_names]
        kept = [place for place, name in enumerate(lower) if name not in _OF_CONNECTION]
        counts = Counter(lower)
        places = {lower[wire]: place for place, wire in enumerate(kept) if counts[lower[wire]] == 1}
        is_fit = len(lower) <= MAX_FIELDS and _UNFIT.isdisjoint(lower)
        return cls(
            names=tuple(_KNOWN.get(lower[wire]) or istr(wire_names[wire]) for wire in kept),
            places=places,
            kept=None if len(kept) == len(lower) else tuple(kept),
            connection=tuple(place for place, name in enumerate(lower) if name == "connection"),
            length=places.get("content-length", -1) if is_fit else -1,
            pattern=_pattern(wire_names),
        )


class PlainHead(NamedTuple):
    """What such a head says."""

    kind: HeadKind
    reason: str
    values: tuple[str, ...]
    """Of the kind's names."""
    n_bytes: int
    """Of the body; not 0."""

    @property
    def code(self) -> int:
        """The status."""
        return 200

    @property
    def headers(self) -> CIMultiDict[str]:
        """The end-to-end fields, new each time."""
        return CIMultiDict(zip(self.kind.names, self.values, strict=True))


def _pattern(wire_names: tuple[str, ...]) -> re.Pattern[str]:
    values = {"connection": "(?i:keep-alive)", "keep-alive": _VALUE, "content-length": f"({_LENGTH.pattern})"}
    fields = [f"\r\n{re.escape(name)}: ?{values.get(name.lower(), f'({_VALUE})')}" for name in wire_names]
    return re.compile("".join([r"HTTP/1\.1 200 ", _REASON, *fields]))


class HeadReader:
    """Reads heads, and remembers their kinds."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, ...], HeadKind] = {}
        self._latest: HeadKind | None = None

    def read(self, head: bytes) -> PlainHead | None:
        """What the head, without its empty line, says; None: it is for the full parser."""
        kind = self._latest
        if kind is not None:
            alike = kind.pattern.fullmatch(head.decode("latin-1"))
            if alike is not None:
                reason, *values = alike.groups()
                return PlainHead(kind, reason, tuple(values), int(values[kind.length]))
        return self._read(head)

    def _read(self, head: bytes) -> PlainHead | None:
        """The same of a head whose names are others than the last one's."""
        lines = head.translate(None, _VISIBLE)
        text = head.replace(b"\r\n", b"\n").decode("latin-1")
        status, fields = _STATUS.match(text), _FIELDS.findall(text)
        if status is None or not fields or lines != b"\r\n" * len(fields):
            return None
        if " \n" in text or text.endswith(" "):
            return None
        names, values = zip(*fields, strict=True)
        kind = self._kinds.get(names) or self._kind(names)
        if kind.length < 0:
            return None
        if kind.kept is not None:
            if any(values[place].lower() != "keep-alive" for place in kind.connection):
                return None
            values = tuple([values[place] for place in kind.kept])
        length = values[kind.length]
        if not _LENGTH.fullmatch(length):
            return None
        if sum(map(len, names)) <= KIND_CHARS:
            self._latest = kind
        return PlainHead(kind, status[1], values, int(length))

    def _kind(self, names: tuple[str, ...]) -> HeadKind:
        kind = HeadKind.of(names)
        if sum(map(len, names)) <= KIND_CHARS:
            if len(self._kinds) >= N_KINDS:
                self._kinds.clear()
            self._kinds[names] = kind
        return kind

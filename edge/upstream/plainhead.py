"""The plain head of an origin's answer, read without the full parser: a 200 of known length, nothing unusual.

A head is plain when each of its lines is written in the one way that every reader understands alike, and none
of them changes the framing or the connection (RFC 9112). Whatever is not goes to the full parser, so this one
may be as strict as it likes; where it reads, both say the same. What the names of a head mean is worked out
once: an origin says other values under the same names again and again, so a head is first tried with one
pattern made of the names of the last one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from aiohttp import hdrs
from multidict import CIMultiDict, istr

from edge.cache.written import BEHIND_NAME, LINE_END, values_of

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
_REASON, _VALUE = "(?P<reason>[A-Za-z ]{0,31}[A-Za-z])", "[!-~](?:[ -~]*[!-~])?"
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
TOLD: Final = ("content-length", "cache-control", "date", "surrogate-key")
"""Fields whose values are read from the first."""
_GROUPS: Final = ("reason", *(f"told{number}" for number in range(len(TOLD))))
_OF_CONNECTION: Final = frozenset(("connection", "keep-alive"))
_KNOWN: Final = {str(name).lower(): name for name in vars(hdrs).values() if isinstance(name, istr)}
"""The full parser writes these names in one way, too."""


@dataclass(frozen=True, slots=True, eq=False)
class HeadKind:
    """What heads with the same names in the same order have in common; there is one object for each."""

    names: tuple[str, ...]
    """Of the end-to-end fields."""
    kept: tuple[int, ...]
    """Places on the wire of the end-to-end fields."""
    connection: tuple[int, ...]
    """Places on the wire of what must say keep-alive."""
    told: dict[str, int]
    """Places on the wire of the TOLD fields that are there once."""
    is_fit: bool
    """Else such heads are for the full parser."""
    pattern: re.Pattern[str]
    """Of heads, with groups for the reason, each TOLD value, and runs of end-to-end fields."""
    form: str
    """What is to be formatted with the runs, for the text of the end-to-end fields."""
    runs: tuple[str, ...]
    """Names of their groups."""

    @classmethod
    def of(cls, wire_names: tuple[str, ...]) -> "HeadKind":
        """The kind of a head with these names, as they came."""
        lower = [name.lower() for name in wire_names]
        ours = [
            None if name in _OF_CONNECTION else _KNOWN.get(name) or istr(wire)
            for name, wire in zip(lower, wire_names, strict=True)
        ]
        told = {name: lower.index(name) for name in TOLD if lower.count(name) == 1}
        pattern, form = _pattern(wire_names, ours, told)
        return cls(
            names=tuple(name for name in ours if name is not None),
            kept=tuple(place for place, name in enumerate(ours) if name is not None),
            connection=tuple(place for place, name in enumerate(lower) if name == "connection"),
            told=told,
            is_fit=len(lower) <= MAX_FIELDS and _UNFIT.isdisjoint(lower) and TOLD[0] in told,
            pattern=pattern,
            form=form,
            runs=tuple(f"run{number}" for number in range(form.count("%s"))),
        )


class PlainHead(NamedTuple):
    """What such a head says."""

    kind: HeadKind
    reason: str
    text: str
    """The end-to-end fields as the full parser writes them, each behind a line end."""
    n_bytes: int
    """Of the body; not 0."""
    control: str
    """Cache-Control, Date and the surrogate tags; empty for what is not there just once."""
    date: str
    tags: str

    @property
    def code(self) -> int:
        """The status."""
        return 200

    @property
    def headers(self) -> CIMultiDict[str]:
        """The end-to-end fields, new each time."""
        return CIMultiDict(zip(self.kind.names, values_of(self.text), strict=True))


def _pattern(
    wire_names: tuple[str, ...], ours: Sequence[str | None], told: dict[str, int]
) -> tuple[re.Pattern[str], str]:
    """Of heads with these names, and what is to be formatted with its runs. `ours`: how the full parser
    writes the names, None for what ends here."""
    values = {"connection": "(?i:keep-alive)", "content-length": _LENGTH.pattern}
    groups = {place: f"told{number}" for number, place in enumerate(map(told.get, TOLD)) if place is not None}
    parts: list[tuple[str | None, str]] = []  # what stands in its place, None: itself; and the pattern
    for place, (name, our) in enumerate(zip(wire_names, ours, strict=True)):
        value = values.get(name.lower(), _VALUE)
        start, rest = f"\r\n{name}", f": (?P<{groups[place]}>{value})" if place in groups else f": {value}"
        if our is not None and our != name:
            parts += [(f"\r\n{our}", start), (None, rest)]
        else:
            parts.append(("" if our is None else None, start + rest))
    pattern, form = r"HTTP/1\.1 200 " + _REASON, ""
    for is_run, some in groupby(parts, lambda part: part[0] is None):
        texts, patterns = zip(*some, strict=True)
        pattern += f"(?P<run{form.count('%s')}>{''.join(patterns)})" if is_run else "".join(patterns)
        form += "%s" if is_run else "".join(texts)
    missing = [f"(?P<told{number}>)" for number, name in enumerate(TOLD) if name not in told]
    return re.compile("".join([pattern, *missing])), form


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
                reason, length, *told = alike.group(*_GROUPS)
                text = kind.form % alike.group(*kind.runs)
                return PlainHead(kind, reason, text, int(length), *told)
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
        if not kind.is_fit or any(values[place].lower() != "keep-alive" for place in kind.connection):
            return None
        length, *told = [values[kind.told[name]] if name in kind.told else "" for name in TOLD]
        if not _LENGTH.fullmatch(length):
            return None
        kept = zip(kind.names, [values[place] for place in kind.kept], strict=True)
        text = "".join([f"{LINE_END}{name}{BEHIND_NAME}{value}" for name, value in kept])
        if sum(map(len, names)) <= KIND_CHARS:
            self._latest = kind
        return PlainHead(kind, status[1], text, int(length), *told)

    def _kind(self, names: tuple[str, ...]) -> HeadKind:
        kind = HeadKind.of(names)
        if sum(map(len, names)) <= KIND_CHARS:
            if len(self._kinds) >= N_KINDS:
                self._kinds.clear()
            self._kinds[names] = kind
        return kind

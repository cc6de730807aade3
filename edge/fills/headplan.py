"""What is made of the plain heads of one kind, worked out once: whether they are stored, and how they go on.

With one Cache-Control that names a lifetime, and nothing else that has a say (`judgement.py`), heads of
one kind differ only in values that are passed on: a head is then judged by one look-up, and rendered by one
formatting. Whatever is not so plain has no plan, and is judged field by field.
"""

from dataclasses import dataclass
from typing import Final

from edge.cache.directives import REMEMBERED_CHARS, http_date_s, parse
from edge.cache.entry import NEVER_STORED, Fields, Times
from edge.cache.freshness import Storable, StorageRules
from edge.cache.judgement import LIFETIMES, Judgement, judged
from edge.headers import Completion
from edge.upstream.plainhead import HeadKind, PlainHead

N_PLANS = 256
"""That are remembered."""
TAGS: Final = "surrogate-key"
_CONTROL: Final = "cache-control"
_DECIDING: Final = NEVER_STORED | {"set-cookie", "vary", "via"}
"""Fields that keep a kind from having a plan, beside those that are targeted at caches."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """For heads of one kind with one Cache-Control. They are stored as they are."""

    judgement: Judgement
    names: tuple[str, ...]
    """Of the completed head."""
    added: tuple[str, ...]
    """Values of its last fields, which are ours."""
    date: int
    """Place of the Date."""
    tags: int
    """Place of the surrogate tags; -1: none."""

    def fields(self, head: PlainHead) -> Fields:
        """The completed head."""
        return tuple(zip(self.names, head.values + self.added, strict=True))

    def age_s(self, head: PlainHead, times: Times) -> float | None:
        """The initial age, as `initial_age_s`; None: the Date is none, and is to be replaced."""
        date_s = http_date_s(head.values[self.date])
        if date_s is None:
            return None
        delay_s = max(0, times.response_ms - times.request_ms) / 1000
        apparent_s = times.response_ms / 1000 - date_s
        return max(apparent_s, delay_s) if apparent_s >= 1 else delay_s

    def tags_of(self, head: PlainHead) -> tuple[str, ...]:
        """The exact surrogate tags, each once."""
        return () if self.tags < 0 else tuple(dict.fromkeys(head.values[self.tags].split()))

    def template(self, cache_status: str) -> str:
        """A head to be formatted with a reason and all values, telling this Cache-Status."""
        lines = [f"{name.replace('%', '%%')}: %s\r\n" for name in self.names]
        told = cache_status.replace("%", "%%")
        return "".join(["HTTP/1.1 200 %s\r\n", *lines, f"Cache-Status: {told}\r\n\r\n"])


class Plans:
    """Makes plans, and remembers."""

    def __init__(self, storage: StorageRules, completion: Completion) -> None:
        self._storage = storage
        self._completion = completion
        self._deciding = _DECIDING | {target.lower() for target in storage.targets}
        self._known: dict[tuple[HeadKind, str], Plan | None] = {}

    def of(self, head: PlainHead) -> Plan | None:
        """The plan for a head; None: it has none."""
        kind = head.kind
        place = kind.places.get(_CONTROL)
        if place is None:
            return None
        key = (kind, head.values[place])
        try:
            return self._known[key]
        except KeyError:
            if len(self._known) >= N_PLANS:
                self._known.clear()
            plan = self._known[key] = self._made(head, key[1])
            return plan

    def _made(self, head: PlainHead, control: str) -> Plan | None:
        kind, extra = head.kind, self._completion.extra
        present = {name.lower() for name in kind.names}
        is_plain = present.isdisjoint(self._deciding) and "date" in kind.places
        if not is_plain or (TAGS in present and TAGS not in kind.places) or len(control) > REMEMBERED_CHARS:
            return None
        judgement = judged(200, head.headers, self._storage)
        is_told = LIFETIMES & parse([control]).keys()  # else the values of other fields have a say
        if judgement.verdict is not Storable.YES or judgement.withheld or not is_told:
            return None
        added = [(name, value) for name, value in extra if name.lower() not in present]
        added.append(("Via", self._completion.via))
        return Plan(
            judgement=judgement,
            names=(*kind.names, *(name for name, _ in added)),
            added=tuple(value for _, value in added),
            date=kind.places["date"],
            tags=kind.places.get(TAGS, -1),
        )

"""What is made of the plain heads of one kind, worked out once: whether they are stored, and how they go on.

With one Cache-Control that names a lifetime, and nothing else that has a say (`judgement.py`), heads of
one kind differ only in values that are passed on: a head is then judged by one look-up, and rendered by one
formatting. Whatever is not so plain has no plan, and is judged field by field.
"""

from dataclasses import dataclass
from typing import Final

from edge.cache.directives import REMEMBERED_CHARS, http_date_s, parse
from edge.cache.entry import NEVER_STORED, Times
from edge.cache.freshness import NO_RULES, Storable, StorageRules, Verdict, judge
from edge.cache.judgement import LIFETIMES, Judgement, judged
from edge.cache.written import Outline
from edge.headers import Completion
from edge.upstream.plainhead import HeadKind, PlainHead

N_PLANS = 256
"""That are remembered."""
TAGS: Final = "surrogate-key"
_DECIDING: Final = NEVER_STORED | {"set-cookie", "vary", "via"}
"""Fields that keep a kind from having a plan, beside those that are targeted at caches."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """For heads of one kind with one Cache-Control. They are stored as they are."""

    judgement: Judgement
    outline: Outline
    """Of the completed head, whose last fields are ours."""
    fresh_s: float
    """Age at which it is not fresh any more."""

    def age_s(self, head: PlainHead, times: Times) -> float | None:
        """The initial age, as `initial_age_s`; None: the Date is none, and is to be replaced."""
        date_s = http_date_s(head.date)
        if date_s is None:
            return None
        delay_s = max(0, times.response_ms - times.request_ms) / 1000
        apparent_s = times.response_ms / 1000 - date_s
        return max(apparent_s, delay_s) if apparent_s >= 1 else delay_s

    def template(self, cache_status: str) -> str:
        """A head to be formatted with a reason and the text of the fields, telling this Cache-Status."""
        added = self.outline.added
        ours = [*zip(self.outline.names[-len(added) :], added, strict=True), ("Cache-Status", cache_status)]
        lines = [f"\r\n{name}: {value}".replace("%", "%%") for name, value in ours]
        return "".join(["HTTP/1.1 200 %s%s", *lines, "\r\n\r\n"])


class Plans:
    """Makes plans, and remembers."""

    def __init__(self, storage: StorageRules, completion: Completion) -> None:
        self._storage = storage
        self._completion = completion
        self._deciding = _DECIDING | {target.lower() for target in storage.targets}
        self._known: dict[tuple[HeadKind, str], Plan | None] = {}

    def of(self, head: PlainHead) -> Plan | None:
        """The plan for a head; None: it has none."""
        if not head.control:
            return None
        key = (head.kind, head.control)
        try:
            return self._known[key]
        except KeyError:
            if len(self._known) >= N_PLANS:
                self._known.clear()
            plan = self._known[key] = self._made(head)
            return plan

    def _made(self, head: PlainHead) -> Plan | None:
        kind, control, extra = head.kind, head.control, self._completion.extra
        present = {name.lower() for name in kind.names}
        is_plain = present.isdisjoint(self._deciding) and head.date
        if not is_plain or (TAGS in present and not head.tags) or len(control) > REMEMBERED_CHARS:
            return None
        judgement = judged(200, head.headers, self._storage)
        is_told = LIFETIMES & parse([control]).keys()  # else the values of other fields have a say
        if judgement.verdict is not Storable.YES or judgement.withheld or not is_told:
            return None
        added = [(name, value) for name, value in extra if name.lower() not in present]
        added.append(("Via", self._completion.via))
        names, values = zip(*added, strict=True)
        is_ever_fresh = judge(judgement.policy, 0, NO_RULES) is Verdict.FRESH
        return Plan(
            judgement=judgement,
            outline=Outline.of((*kind.names, *names), values),
            fresh_s=judgement.policy.lifetime_s if is_ever_fresh else 0,
        )

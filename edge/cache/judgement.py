"""What the head of an answer means for storing it, judged once for heads that say the same about that.

Pure. With one Cache-Control that names a lifetime, no targeted field, no cookie and no Vary, nothing else in
a head matters to these rules; so status and that one line are enough to know the judgement again.
"""

from typing import NamedTuple

from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping

from edge.cache.directives import REMEMBERED_CHARS, parse
from edge.cache.freshness import Policy, Storable, StorageRules, policy, storable, withheld_fields

N_JUDGED = 256
"""Kinds of heads that are remembered."""
LIFETIMES = frozenset({"max-age", "s-maxage"})
_NO_FIELDS = CIMultiDictProxy(CIMultiDict[str]())


class Judgement(NamedTuple):
    """What a response allows."""

    verdict: Storable
    """For a GET that forbids nothing and is not authorised."""
    policy: Policy
    withheld: frozenset[str]
    """Fields, lower case, that are not stored."""


def judged(status: int, response: MultiMapping[str], storage: StorageRules) -> Judgement:
    """The judgement of a response to GET."""
    withheld = withheld_fields(response, storage.targets)
    verdict = storable("GET", _NO_FIELDS, status, response, storage)
    return Judgement(verdict, policy(status, response, storage), withheld)


class Judgements:
    """Judges by one set of rules, and remembers."""

    def __init__(self, storage: StorageRules) -> None:
        self._storage = storage
        self._others = (*storage.targets, "Set-Cookie", "Vary")
        self._known: dict[tuple[int, str], Judgement] = {}

    def of(self, status: int, response: MultiMapping[str]) -> Judgement:
        """As `judged`."""
        lines = response.getall("Cache-Control", ())
        if len(lines) != 1 or len(lines[0]) > REMEMBERED_CHARS:
            return judged(status, response, self._storage)
        for name in self._others:
            if name in response:
                return judged(status, response, self._storage)
        key = (status, lines[0])
        known = self._known.get(key)
        if known is None:
            known = judged(status, response, self._storage)
            if LIFETIMES & parse(lines).keys():
                if len(self._known) >= N_JUDGED:
                    self._known.clear()
                self._known[key] = known
        return known

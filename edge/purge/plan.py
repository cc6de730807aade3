"""What an order means for a cache, and who has yet to answer.

Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote

from msgspec.structs import replace

from edge.cache.key import MAX_TARGET_CHARS, PrimaryKey, primary_key
from edge.cache.tags import Purge
from shared.errors import InvalidRequest
from shared.ids import check_id
from shared.messages.purge import PurgeOrder, PurgeReceipt, PurgeScope

MAX_TAG_CHARS = 256
MAX_PENDING = 1000
"""Orders that wait for NATS."""


def checked(scope: PurgeScope, value: str) -> str:
    """The value if an order may name it; raises InvalidRequest, InvalidId."""
    limit = MAX_TARGET_CHARS if scope is PurgeScope.URL else MAX_TAG_CHARS
    if scope is PurgeScope.ALL:
        return ""
    if scope is PurgeScope.CREATOR:
        return check_id(value, "creator id")
    if not value or len(value) > limit or any(char <= " " or char == "\x7f" for char in value):
        raise InvalidRequest(f"a {scope} is 1 to {limit} characters without white space")
    return value


def purge_of(order: PurgeOrder, now_ms: int, key_of: Callable[[str], PrimaryKey] = primary_key) -> Purge:
    """The purge that an order asks at this moment of a cache that stores a target under `key_of` it."""
    if order.scope is PurgeScope.URL:
        return Purge(primary=key_of(_encoded(order.value)), is_soft=order.is_soft, at_ms=now_ms)
    tag = {PurgeScope.TAG: order.value, PurgeScope.CREATOR: f"creator:{order.value}"}.get(order.scope)
    return Purge(tag=tag, is_soft=order.is_soft, at_ms=now_ms)


def _encoded(url: str) -> str:
    """As a client would send it: what is not ASCII is percent-encoded, the rest stays."""
    return url if url.isascii() else quote(url, safe="/:?&=%#[]@!$'()*+,;~")


def collapsed(orders: Sequence[PurgeOrder]) -> PurgeOrder:
    """One order that covers all of these: everything, and hard if any of them was."""
    return replace(orders[-1], scope=PurgeScope.ALL, value="", is_soft=all(one.is_soft for one in orders))


class Answer(NamedTuple):
    """One row of the table that an issuer shows."""

    node: str
    receipt: PurgeReceipt | None
    """None: no answer."""
    after_ms: float
    """From the order to the receipt, by the issuer's clock."""


@dataclass(slots=True)
class Ledger:
    """The receipts of one order. `expected` are the nodes that lived when it was given."""

    expected: frozenset[str]
    _heard: dict[str, Answer] = field(default_factory=dict)

    def note(self, receipt: PurgeReceipt, after_ms: float) -> None:
        """A receipt came; a node's first one counts."""
        self._heard.setdefault(receipt.node, Answer(receipt.node, receipt, after_ms))

    @property
    def is_complete(self) -> bool:
        """Whether all that were expected have answered."""
        return self.expected <= self._heard.keys()

    def rows(self) -> list[Answer]:
        """All nodes by name: those that answered, and those that did not."""
        missing = {node: Answer(node, None, 0.0) for node in self.expected - self._heard.keys()}
        return [answer for _, answer in sorted((self._heard | missing).items())]

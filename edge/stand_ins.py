"""Which stored objects answer for an origin that fails, is cut off, or lets a viewer wait too long."""

from multidict import MultiMapping

from edge.cache.entry import Entry
from edge.cache.freshness import may_serve_on_error, request_rules
from edge.cache.settings import CacheLimits
from edge.circuit import Circuit, Way
from edge.upstream import OriginHungUp
from shared.clock import Clock
from shared.errors import ServiceError


class StandIns:
    """What may be served stale, and whether the origin is known to fail."""

    def __init__(self, limits: CacheLimits, clock: Clock) -> None:
        self.wait_s = limits.stale_wait_s
        """How long a viewer waits for the origin when the origin allows a stand-in."""
        self._stale_if_error_s = limits.stale_if_error_s
        self._clock = clock
        self._circuit = Circuit()

    def may(self, stale: Entry | None, headers: MultiMapping[str], *, is_cut: bool) -> bool:
        """Whether `stale` may answer a request with these headers; `is_cut`: nothing came from the origin."""
        if stale is None:
            return False
        meta = stale.meta
        age_s = meta.age_s(self._clock.wall_ms())
        return may_serve_on_error(meta.policy, age_s, is_cut, self._stale_if_error_s, request_rules(headers))

    def at_once(self, stale: Entry | None, headers: MultiMapping[str]) -> bool:
        """Whether `stale` may, and the origin need not be waited for: it is known not to answer."""
        way = self._circuit.way
        return way is not Way.GOOD and self.may(stale, headers, is_cut=way is Way.CUT)

    def takes_try(self) -> bool:
        """Whether the origin should be tried now, behind an answer that is served at once."""
        return self._circuit.takes_try(self._clock.monotonic())

    def answered(self) -> None:
        """The origin gave an answer of any kind."""
        self._circuit.answered()

    def waited(self) -> None:
        """A viewer waited for `wait_s`."""
        self._circuit.failed(Way.SLOW, self._clock.monotonic())

    def failed(self, error: ServiceError) -> None:
        """The origin gave no answer. One that hangs up on a request is not cut off for the others."""
        if isinstance(error, OriginHungUp):
            return
        if error.code in ("origin_timeout", "origin_unreachable"):
            self._circuit.failed(Way.CUT, self._clock.monotonic())

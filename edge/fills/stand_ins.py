"""Which stored objects answer for an origin that fails, is cut off, or lets a viewer wait too long."""

from multidict import MultiMapping

from edge.cache.entry import Entry
from edge.cache.freshness import may_serve_on_error, request_rules
from edge.cache.settings import CacheLimits
from edge.fills.patience import Patience
from edge.upstream.circuit import Circuit, Way
from edge.upstream.exchange import OriginHungUp
from shared.clock import Clock
from shared.errors import ServiceError


class StandIns:
    """What may be served stale, and whether the origin is known to fail."""

    def __init__(self, limits: CacheLimits, clock: Clock) -> None:
        self._stale_if_error_s = limits.stale_if_error_s
        self._clock = clock
        self._circuit = Circuit()
        self._patience = Patience(limits.stale_wait_min_s, limits.stale_wait_s)

    @property
    def wait_s(self) -> float:
        """How long a viewer waits for the origin when the origin allows a stand-in."""
        return self._patience.wait_s

    @property
    def n_answers(self) -> int:
        """Answers of the origin so far; to be remembered when a request is sent."""
        return self._circuit.n_answers

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

    def sent(self) -> tuple[float | None, int]:
        """When, of a request that is to be timed, None: another one is; and the answers so far."""
        now_s = self._clock.monotonic()
        return now_s if self._patience.times(now_s) else None, self._circuit.n_answers

    def answered(self, sent_s: float | None) -> None:
        """The origin gave the head of an answer of any kind."""
        self._circuit.answered()
        if sent_s is not None:
            self._patience.answered(self._clock.monotonic() - sent_s)

    def waited(self, n_answers: int) -> None:
        """The viewer who began a request waited for `wait_s`; there had been so many answers before."""
        self._circuit.waited(n_answers, self._clock.monotonic())

    def failed(self, error: ServiceError, n_answers: int) -> None:
        """The origin gave no answer. One that hangs up on a request is not cut off for the others."""
        if isinstance(error, OriginHungUp):
            return
        if error.code in ("origin_timeout", "origin_unreachable"):
            self._circuit.failed(n_answers, self._clock.monotonic())

"""Which peers are worth asking: a peer that fails is left out for a while, then tried with one request.

Pure. A timeout or a refused connection ejects at once, for it costs a viewer time; errors in answers eject
after a few in a row. Each ejection lasts twice as long as the one before, up to a limit.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EjectionLimits:
    """When a peer is left out, and for how long."""

    n_failures: int
    """Answers in a row that are errors of the peer."""
    first_s: float
    longest_s: float


@dataclass(slots=True)
class _Record:
    n_failures: int = 0
    until_s: float = 0.0
    last_s: float = 0.0
    """Length of the latest ejection; 0: never, or forgiven."""
    is_on_trial: bool = False


class PeerHealth:
    """What is known of each peer; an unknown one is fine. `now` is monotonic seconds."""

    def __init__(self, limits: EjectionLimits) -> None:
        self._limits = limits
        self._records: dict[str, _Record] = {}

    def is_usable(self, peer: str, now: float) -> bool:
        """Whether a request may go to peer. After its ejection one request at a time tries it."""
        record = self._records.get(peer)
        return record is None or (now >= record.until_s and not record.is_on_trial)

    def asked(self, peer: str, now: float) -> None:
        """A request goes to peer."""
        record = self._records.get(peer)
        if record is not None and record.last_s and now >= record.until_s:
            record.is_on_trial = True

    def answered(self, peer: str) -> None:
        """Peer gave a good answer: everything is forgiven."""
        self._records.pop(peer, None)

    def let_go(self, peer: str) -> None:
        """A request to peer was given up by its own asker: it says nothing of the peer."""
        record = self._records.get(peer)
        if record is not None:
            record.is_on_trial = False

    def failed(self, peer: str, now: float, *, is_costly: bool) -> bool:
        """Peer did not answer, or answered with an error; whether this ejects it."""
        record = self._records.setdefault(peer, _Record())
        record.n_failures += 1
        if not (is_costly or record.is_on_trial or record.n_failures >= self._limits.n_failures):
            return False
        record.last_s = min(self._limits.longest_s, record.last_s * 2 or self._limits.first_s)
        record.until_s = now + record.last_s
        record.n_failures, record.is_on_trial = 0, False
        return True

    def ejected(self, now: float) -> list[str]:
        """The peers that are left out now."""
        return sorted(peer for peer, record in self._records.items() if now < record.until_s)

    def keep_only(self, peers: frozenset[str]) -> None:
        """Forget the peers that are no more."""
        for gone in self._records.keys() - peers:
            del self._records[gone]

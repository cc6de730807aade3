"""The table of sessions: bounded, the longest idle out first, packed on drain and unpacked at start.

Pure; the snapshot's bytes are written by whoever holds the disk. Invariant: at most `max_sessions`.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from edge.session.packed import Packed, pack, unpack
from edge.session.state import Session
from shared.config import setting
from shared.errors import DecodeError

_VERSION = 1
_DECODER = msgspec.msgpack.Decoder(tuple[int, list[Packed]])


@dataclass(frozen=True)
class SessionLimits:
    """How many sessions an edge keeps, and for how long."""

    max_sessions: int = setting(10_000, "sessions held; the longest idle leaves first", low=1, high=1_000_000)
    idle_s: float = setting(
        1_800.0, "a session that asked for nothing for so long is dropped", unit="s", low=1
    )


class SessionStore:
    """Sessions by id, the most recently used last."""

    def __init__(self, limits: SessionLimits) -> None:
        self._limits = limits
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        return iter(self._sessions.values())

    def get(self, session_id: str) -> Session | None:
        """The session, without counting this as use."""
        return self._sessions.get(session_id)

    def touch(self, session_id: str, now: float) -> Session | None:
        """The session, used now; None when it is not held."""
        session = self._sessions.get(session_id)
        if session is not None:
            session.touched_s = now
            self._sessions.move_to_end(session_id)
        return session

    def add(self, session: Session, now: float) -> list[str]:
        """Take a session; returns the ids of those that had to leave for it."""
        session.touched_s = now
        self._sessions[session.id] = session
        self._sessions.move_to_end(session.id)
        left = []
        while len(self._sessions) > self._limits.max_sessions:
            left.append(self._sessions.popitem(last=False)[0])
        return left

    def expire(self, now: float) -> list[str]:
        """Drop the idle; returns their ids."""
        left = []
        for session in self._sessions.values():
            if now - session.touched_s < self._limits.idle_s:
                break
            left.append(session.id)
        for session_id in left:
            del self._sessions[session_id]
        return left

    def pack(self, now: float) -> bytes:
        """All sessions as bytes; idle times are kept as ages, since the next process has another clock."""
        return msgspec.msgpack.encode((_VERSION, [pack(one, now) for one in self._sessions.values()]))

    def unpack(self, data: bytes, now: float) -> int:
        """Take the sessions of `pack`; returns how many. Raises DecodeError."""
        try:
            version, sessions = _DECODER.decode(data)
        except msgspec.DecodeError as exc:
            raise DecodeError(f"session snapshot: {exc}") from exc
        if version != _VERSION:
            raise DecodeError(f"session snapshot of version {version}, expected {_VERSION}")
        for packed in sessions[-self._limits.max_sessions :]:
            self.add(unpack(packed, now), now - packed.touched_s)
        self.expire(now)
        return len(self._sessions)

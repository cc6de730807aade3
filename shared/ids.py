"""Identifiers on the wire: what they are made of, and the checks at the border.

Pure. Every id is URL-safe ASCII of at most 64 characters, so it can stand in a path, a NATS subject
token, a Redis key and a metric-free log field without escaping.
"""

import re
from typing import NewType

from shared.errors import InvalidId

VideoId = NewType("VideoId", str)
UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
EdgeId = NewType("EdgeId", str)
EventId = NewType("EventId", str)

MAX_ID_CHARS = 64
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_ID_CHARS, _TIME_CHARS = 26, 10
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case


def check_id(value: str, what: str) -> str:
    """Return value, or raise InvalidId naming `what` and the rule it breaks."""
    if not _ID.match(value):
        raise InvalidId(
            f"{what} must be 1 to {MAX_ID_CHARS} characters of A-Z a-z 0-9 _ -, got {value[:80]!r}"
        )
    return value


def video_id(value: str) -> VideoId:
    """A checked VideoId; raises InvalidId."""
    return VideoId(check_id(value, "video id"))


def user_id(value: str) -> UserId:
    """A checked UserId; raises InvalidId."""
    return UserId(check_id(value, "user id"))


def session_id(value: str) -> SessionId:
    """A checked SessionId; raises InvalidId."""
    return SessionId(check_id(value, "session id"))


def edge_id(value: str) -> EdgeId:
    """A checked EdgeId; raises InvalidId."""
    return EdgeId(check_id(value, "edge id"))


def event_id(value: str) -> EventId:
    """A checked EventId; raises InvalidId."""
    return EventId(check_id(value, "event id"))


def base32(number: int, length: int) -> str:
    """`number` in Crockford's base 32, zero-padded to `length` characters (the low digits are kept)."""
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 32)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def made_ms(made: str) -> int:
    """When an id of `new_id` was made, in Unix ms; 0 for any other id."""
    if len(made) != _ID_CHARS or not set(made) <= set(_ALPHABET):
        return 0
    time_ms = 0
    for digit in made[:_TIME_CHARS]:
        time_ms = 32 * time_ms + _ALPHABET.index(digit)
    return time_ms


def new_id(now_ms: int, entropy: bytes) -> str:
    """A 26-character id that sorts by time (the layout of a ULID); needs 10 bytes of entropy."""
    return base32(now_ms, _TIME_CHARS) + base32(int.from_bytes(entropy[:10], "big"), 16)

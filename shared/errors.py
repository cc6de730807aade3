"""The root of every error we raise, and what a caller may conclude from one.

Pure. `blame` and `retryable` decide the HTTP status and the NATS outcome, each in one table (STYLE.md §6).
"""

from enum import StrEnum
from typing import ClassVar


class Blame(StrEnum):
    """Whose fault an error is."""

    CALLER = "caller"
    UPSTREAM = "upstream"
    OURS = "ours"


class ServiceError(Exception):
    """Root of our errors. A subclass sets `code`, `blame` and `retryable`; the text names the limit."""

    code: ClassVar[str] = "internal"
    blame: ClassVar[Blame] = Blame.OURS
    retryable: ClassVar[bool] = False
    status: ClassVar[int | None] = None
    """HTTP status where the table below is too coarse (404, 413, 415, …)."""

    def __init__(self, detail: str, **facts: str | int | float | bool | None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts
        """Extension members of the problem document: the limit, the actual value."""


_STATUS = {
    (Blame.CALLER, False): 400,
    (Blame.CALLER, True): 429,
    (Blame.UPSTREAM, False): 502,
    (Blame.UPSTREAM, True): 503,
    (Blame.OURS, False): 500,
    (Blame.OURS, True): 503,
}


def http_status(error: ServiceError) -> int:
    """The HTTP status that tells `error` to a client."""
    return error.status or _STATUS[error.blame, error.retryable]


class InvalidId(ServiceError):
    """An identifier has characters or a length that we do not accept."""

    code = "invalid_id"
    blame = Blame.CALLER


class InvalidRequest(ServiceError):
    """A request's body or parameters do not have the form that the call asks for."""

    code = "invalid_request"
    blame = Blame.CALLER


class NotFound(ServiceError):
    """No such thing, or no longer."""

    code = "not_found"
    blame = Blame.CALLER
    status = 404


class TooLarge(ServiceError):
    """A body or a field is over its limit; the limit is in the facts."""

    code = "too_large"
    blame = Blame.CALLER
    status = 413


class DecodeError(ServiceError):
    """A message on the wire is not what its kind and version promise. Counted, never a crash."""

    code = "decode_error"
    blame = Blame.UPSTREAM


class Unavailable(ServiceError):
    """A server that we need (NATS, Redis, origin) does not answer."""

    code = "unavailable"
    blame = Blame.UPSTREAM
    retryable = True


class ConfigError(ServiceError):
    """A configuration key or value is refused; the text names the key and the nearest known one."""

    code = "config_error"

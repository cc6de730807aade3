"""What can be wrong with uploaded media, and with the work on it.

Pure. The first three are the uploader's to read: the text names the reason, the facts the limit and the
actual value.
"""

from shared.errors import Blame, ServiceError, Unavailable


class UnsupportedMedia(ServiceError):
    """The bytes are not a video form that we take; the text says what they look like."""

    code = "unsupported_media"
    blame = Blame.CALLER
    status = 415


class BrokenMedia(ServiceError):
    """A video form that we take, but truncated or not decodable."""

    code = "broken_media"
    blame = Blame.CALLER
    status = 422


class MediaLimit(ServiceError):
    """A sound video outside a limit; the facts are `limit`, `actual` and `what`."""

    code = "media_limit"
    blame = Blame.CALLER
    status = 422


class JailFailed(ServiceError):
    """The jail itself did not start (fork refused, no memory): nothing is known of the bytes."""

    code = "jail_failed"
    retryable = True


class EncodeFailed(ServiceError):
    """ffmpeg ended with an error, or was killed at a limit; the text is its last words."""

    code = "encode_failed"
    retryable = True


class BadOutput(ServiceError):
    """What ffmpeg wrote is not the form that we store."""

    code = "bad_output"
    retryable = True


class NoWorkspace(Unavailable):
    """The worker's disk is full or refuses: not the job's fault, so it costs no try."""

    code = "no_workspace"

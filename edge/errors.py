"""What can go wrong at the edge and nowhere else."""

from shared.errors import Blame, ServiceError


class TooManyStreams(ServiceError):
    """The bound on server-sent event streams is reached."""

    code = "too_many_streams"
    blame = Blame.CALLER
    retryable = True


class Withdrawn(ServiceError):
    """The video was taken back; nobody gets a byte of it any more."""

    code = "withdrawn"
    blame = Blame.CALLER
    status = 410


class Behind(ServiceError):
    """A peer asks that has purged what may still be held here: it asks the next in line."""

    code = "behind"
    retryable = True

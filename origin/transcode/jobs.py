"""The life of a transcoding job: what is still to make, and what a failure means for its next try.

Pure. The work queue redelivers a job whose lease ran out, so a job may run twice, even at once: rungs are
addressed by their content, and a published one is not made again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from origin.transcode.ladder import Rendition
from shared.errors import Blame, ServiceError, Unavailable


class Verdict(StrEnum):
    """What becomes of a delivered job."""

    DONE = "done"
    """Every rung that it asks for is published."""
    RETRY = "retry"
    DROP = "drop"
    """Nobody waits for it: the video is withdrawn, unknown or failed already."""
    FAIL = "fail"
    """It will never succeed: the video is marked failed, with the reason."""


@dataclass(frozen=True)
class JobLimits:
    """Lease and retry rules."""

    max_tries: int = 3
    """Encodes that may fail before the video is given up."""
    max_deliveries: int = 50
    """A job that takes its worker down never reports an error; it is given up after so many deliveries."""
    lease_s: float = 30.0
    """The work queue gives the job to another worker after so long without a sign of life."""
    sign_s: float = 10.0
    """A sign of life is given this often while encoding."""


def to_make(
    wanted: Iterable[str], ladder: Iterable[Rendition], published: frozenset[str]
) -> tuple[Rendition, ...]:
    """The renditions still to encode, lowest first; a rung that the source is too small for is no error."""
    names = frozenset(wanted) - published
    return tuple(rendition for rendition in ladder if rendition.name in names)


def may_start(n_delivered: int, limits: JobLimits) -> bool:
    """False when the job has been delivered too often to be tried once more."""
    return n_delivered <= limits.max_deliveries


def after_error(error: ServiceError, n_delivered: int, limits: JobLimits) -> Verdict:
    """What a failed try means. A server that is away is never the job's fault, so it costs no try."""
    if isinstance(error, Unavailable):
        return Verdict.RETRY
    if error.blame is Blame.CALLER or not error.retryable or n_delivered >= limits.max_tries:
        return Verdict.FAIL
    return Verdict.RETRY

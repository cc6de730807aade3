"""The brain's own errors.

Pure.
"""

from shared.errors import Blame, ServiceError


class SnapshotRefused(ServiceError):
    """A model snapshot is damaged, half-written or not of our format; the model in use stays."""

    code = "snapshot_refused"
    blame = Blame.OURS


class NothingToLearn(ServiceError):
    """The event log has too few interactions for a model."""

    code = "nothing_to_learn"
    blame = Blame.CALLER

"""What can go wrong at the origin beyond what `shared.errors` names.

Pure. Wrong bytes have their own names in `transcode/errors.py`.
"""

from shared.errors import Blame, ServiceError, Unavailable


class CatalogUnavailable(Unavailable):
    """The database does not answer, or stayed locked for the whole busy timeout."""

    code = "catalog_unavailable"


class MediaUnavailable(Unavailable):
    """The media store does not answer, or refuses."""

    code = "media_unavailable"


class TooBusy(ServiceError):
    """As many uploads as we take at a time are in progress; try again."""

    code = "too_busy"
    blame = Blame.CALLER
    retryable = True
    status = 503


class DiskFull(ServiceError):
    """Not enough space for what the upload claims, with the reserve that we keep."""

    code = "disk_full"
    status = 507


class SoundUnavailable(ServiceError):
    """The sound that a video is to play may not be used; the fact `reason` is a `SoundRefusal`."""

    code = "sound_unavailable"
    blame = Blame.CALLER
    status = 422


class UploadStalled(ServiceError):
    """The client sent nothing for too long, or is too slow over all."""

    code = "upload_stalled"
    blame = Blame.CALLER
    status = 408


class UploadCut(ServiceError):
    """The client went away in the middle of a body."""

    code = "upload_cut"
    blame = Blame.CALLER


class UploadGone(ServiceError):
    """The resumable upload has expired."""

    code = "upload_gone"
    blame = Blame.CALLER
    status = 410


class UploadLocked(ServiceError):
    """Another request is writing to this upload just now."""

    code = "upload_locked"
    blame = Blame.CALLER
    status = 423


class OffsetConflict(ServiceError):
    """The client's offset is not ours; a HEAD tells it."""

    code = "offset_conflict"
    blame = Blame.CALLER
    status = 409


class TusVersionMismatch(ServiceError):
    """`Tus-Resumable` is missing or names a version that we do not speak."""

    code = "tus_version"
    blame = Blame.CALLER
    status = 412


class WrongContentType(ServiceError):
    """The body's media type is not the one that the call takes."""

    code = "wrong_content_type"
    blame = Blame.CALLER
    status = 415


class RangeNotSatisfiable(ServiceError):
    """No byte of the object lies in the range that was asked for."""

    code = "range_not_satisfiable"
    blame = Blame.CALLER
    status = 416

"""Transcoding to be done. Pure."""

from typing import ClassVar

from shared.messages.message import Message


class TranscodeJob(Message, frozen=True, kw_only=True):
    """Origin → worker (work queue JOBS): make these rungs of one video."""

    KIND: ClassVar[str] = "transcode"

    id: str
    video_id: str
    rungs: list[str]
    """Names of the ladder to make, in this order; the first job of a video asks for `360p` alone."""

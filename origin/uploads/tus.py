"""The resumable-upload protocol tus 1.0.0: what a request may do to an upload, decided without touching it.

Pure. https://tus.io/protocols/resumable-upload. Core, with the extensions creation, expiration, termination.
The bytes on disk are the truth about the offset; `UploadState` is what the shell found, and the functions
here answer with what to do or raise the refusal. An upload is open until its video exists, then done.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate

from origin.errors import OffsetConflict, TusVersionMismatch, UploadGone, WrongContentType
from shared.errors import InvalidRequest, TooLarge

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,termination"
PATCH_TYPE = "application/offset+octet-stream"
MAX_METADATA_BYTES = 16 * 1024
EXPOSED_HEADERS = (
    "Location, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, "
    "Upload-Offset, Upload-Length, Upload-Metadata, Upload-Expires, Headstart-Video"
)
REQUEST_HEADERS = (
    "Content-Type, Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset, X-HTTP-Method-Override"
)


@dataclass(frozen=True, slots=True)
class TusLimits:
    """What one upload may be."""

    max_bytes: int
    expiry_ms: int
    """Life of an upload after its last byte."""


@dataclass(frozen=True, slots=True)
class Creation:
    """An upload to be created."""

    length: int
    metadata: dict[str, str]
    expires_ms: int


@dataclass(frozen=True, slots=True)
class UploadState:
    """An upload as the shell found it."""

    id: str
    length: int
    offset: int
    """Bytes on disk; equal to `length` once the video exists."""
    expires_ms: int
    metadata: dict[str, str]
    video_id: str
    """Given to the upload at its creation; names a video only when `is_done`."""
    is_done: bool = False

    @property
    def is_full(self) -> bool:
        """Every byte has come: the video can be made."""
        return self.offset == self.length


@dataclass(frozen=True, slots=True)
class Append:
    """Write at most `room` bytes of the body at `offset`; one byte more is TooLarge."""

    offset: int
    room: int


def check_version(headers: Mapping[str, str]) -> None:
    """Refuse a request of another protocol version; every request but OPTIONS names one."""
    version = headers.get("Tus-Resumable")
    if version != VERSION:
        raise TusVersionMismatch(
            f"Tus-Resumable must be {VERSION}, got {str(version)[:20]}", supported=VERSION
        )


def create(headers: Mapping[str, str], limits: TusLimits, now_ms: int) -> Creation:
    """What a POST asks for. Raises InvalidRequest, or TooLarge before a byte was sent."""
    if "Upload-Defer-Length" in headers:
        raise InvalidRequest("Upload-Defer-Length is not supported: send Upload-Length")
    length = _number(headers, "Upload-Length")
    if length > limits.max_bytes:
        raise TooLarge(
            f"Upload-Length of {length} bytes is over the limit of {limits.max_bytes}",
            limit_bytes=limits.max_bytes,
            actual_bytes=length,
        )
    if length == 0:
        raise InvalidRequest("Upload-Length is 0: an empty file is not a video", actual_bytes=0)
    return Creation(length, parse_metadata(headers.get("Upload-Metadata", "")), now_ms + limits.expiry_ms)


def append(state: UploadState, headers: Mapping[str, str], now_ms: int) -> Append:
    """What a PATCH may write. Raises the refusal: gone, conflict, wrong type, too large."""
    check_alive(state, now_ms)
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type != PATCH_TYPE:
        raise WrongContentType(f"a PATCH carries {PATCH_TYPE}, got {content_type[:80]!r}")
    offset = _number(headers, "Upload-Offset")
    if offset != state.offset:
        raise OffsetConflict(
            f"Upload-Offset is {offset}, the upload has {state.offset} bytes",
            expected=state.offset,
            actual=offset,
        )
    room = state.length - state.offset
    body = _number(headers, "Content-Length") if "Content-Length" in headers else 0
    if body > room:
        raise TooLarge(
            f"a body of {body} bytes at offset {offset} passes the upload's length of {state.length}",
            limit_bytes=room,
            actual_bytes=body,
        )
    return Append(offset, room)


def check_alive(state: UploadState, now_ms: int) -> None:
    """Refuse an upload whose time is over."""
    if now_ms >= state.expires_ms:
        raise UploadGone(f"the upload expired {formatdate(state.expires_ms / 1000, usegmt=True)}")


def answer_headers(state: UploadState) -> dict[str, str]:
    """The headers that tell a client where its upload stands."""
    headers = {
        "Upload-Offset": str(state.offset),
        "Upload-Expires": formatdate(state.expires_ms / 1000, usegmt=True),
    }
    if state.is_done:
        headers["Headstart-Video"] = state.video_id
    return headers


def head_headers(state: UploadState) -> dict[str, str]:
    """`answer_headers` with what only a HEAD tells."""
    told = {"Upload-Length": str(state.length), "Cache-Control": "no-store"}
    if state.metadata:
        told["Upload-Metadata"] = format_metadata(state.metadata)
    return answer_headers(state) | told


def parse_metadata(header: str) -> dict[str, str]:
    """`key base64,key2 base64` as text. Raises InvalidRequest; a key without a value is the empty text."""
    if len(header) > MAX_METADATA_BYTES:
        raise InvalidRequest(
            f"Upload-Metadata of {len(header)} bytes is over the limit of {MAX_METADATA_BYTES}",
            limit_bytes=MAX_METADATA_BYTES,
            actual_bytes=len(header),
        )
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in header.split(","))):
        key, _, value = pair.partition(" ")
        if not key.isascii() or key in found:
            raise InvalidRequest(f"Upload-Metadata: key {key[:40]!r} is doubled or not ASCII")
        found[key] = _base64_text(key, value.strip())
    return found


def format_metadata(metadata: Mapping[str, str]) -> str:
    """The inverse of `parse_metadata`."""
    return ",".join(f"{key} {base64.b64encode(text.encode()).decode()}" for key, text in metadata.items())


def _base64_text(key: str, value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as exc:
        raise InvalidRequest(f"Upload-Metadata: the value of {key[:40]!r} is not base64 of UTF-8") from exc


def _number(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise InvalidRequest(f"{name} must be a number of bytes, got {text[:40]!r}")
    return int(text)

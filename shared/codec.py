"""Messages to bytes and back: msgpack, zstd above a threshold, a size cap, one error.

Pure. Layout: one byte of format (0 plain, 1 zstd), then msgpack of `[kind, version, fields]`. A reader takes
its own version and the one before. Whatever is wrong with the bytes, the answer is DecodeError.
"""

from typing import TypeVar, cast

import msgpack
import msgspec
import zstandard

from shared.errors import DecodeError, TooLarge
from shared.messages.kinds import ALL
from shared.messages.message import Message

MAX_MESSAGE_BYTES = 1024 * 1024
"""Of the plain msgpack; also nats-server's own default limit for a payload."""
COMPRESS_ABOVE_BYTES = 512

_PLAIN, _ZSTD = b"\x00", b"\x01"
_KINDS = {message.KIND: message for message in ALL}
M = TypeVar("M", bound=Message)


def encode(message: Message) -> bytes:
    """The bytes of `message`. Raises TooLarge above MAX_MESSAGE_BYTES."""
    fields = msgspec.to_builtins(message, builtin_types=(bytes,))
    plain = cast(bytes, msgpack.packb([message.KIND, message.VERSION, fields]))
    if len(plain) > MAX_MESSAGE_BYTES:
        raise TooLarge(
            f"a {message.KIND} message of {len(plain)} bytes is over {MAX_MESSAGE_BYTES}",
            limit_bytes=MAX_MESSAGE_BYTES,
            actual_bytes=len(plain),
        )
    if len(plain) <= COMPRESS_ABOVE_BYTES:
        return _PLAIN + plain
    return _ZSTD + zstandard.ZstdCompressor(level=3).compress(plain)


def _plain(data: bytes) -> bytes:
    if data[:1] == _PLAIN:
        return data[1:]
    if data[:1] != _ZSTD:
        raise DecodeError(f"unknown format byte {data[:1]!r}")
    try:
        # A size in the frame's head overrides max_output_size: without this check 10 kB unpack to 300 MB.
        claimed = zstandard.get_frame_parameters(data[1:]).content_size
        if MAX_MESSAGE_BYTES < claimed != zstandard.CONTENTSIZE_UNKNOWN:
            raise DecodeError(f"{claimed} bytes unpacked are over the limit of {MAX_MESSAGE_BYTES}")
        return zstandard.ZstdDecompressor().decompress(
            data[1:], max_output_size=MAX_MESSAGE_BYTES, allow_extra_data=False
        )
    except zstandard.ZstdError as exc:
        raise DecodeError(f"zstd: {exc}") from exc


def decode(data: bytes, kind: type[M]) -> M:
    """The message in `data`, which must be a `kind`. Raises DecodeError, and nothing else, on any bytes."""
    if len(data) > MAX_MESSAGE_BYTES + 1:
        raise DecodeError(f"{len(data)} bytes are over the limit of {MAX_MESSAGE_BYTES}")
    plain = _plain(data)
    if len(plain) > MAX_MESSAGE_BYTES:
        raise DecodeError(f"{len(plain)} bytes unpacked are over the limit of {MAX_MESSAGE_BYTES}")
    try:
        name, version, fields = msgpack.unpackb(plain, strict_map_key=True)
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError) as exc:
        raise DecodeError(f"msgpack: {exc}") from exc
    if _KINDS.get(name if isinstance(name, str) else "") is not kind:
        raise DecodeError(f"expected a {kind.KIND} message, got {str(name)[:40]!r}")
    if version not in (kind.VERSION, kind.VERSION - 1):
        raise DecodeError(
            f"{kind.KIND} version {str(version)[:20]} is not {kind.VERSION} or {kind.VERSION - 1}"
        )
    try:
        return msgspec.convert(fields, kind, builtin_types=(bytes,))
    except (msgspec.ValidationError, RecursionError) as exc:
        raise DecodeError(f"{kind.KIND}: {exc}") from exc

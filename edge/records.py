"""The spool's record format: length, CRC-32 and payload, appended one after the other.

Pure. A process killed in the middle of an append leaves a torn tail: reading stops at the first record
that is short or does not match its checksum, and what came before is whole.
"""

import struct
import zlib

_HEAD = struct.Struct("<II")
HEAD_BYTES = _HEAD.size
MAX_RECORD_BYTES = 1024 * 1024 + 1
"""As large as the largest encoded message."""


def frame(payload: bytes) -> bytes:
    """The record that holds `payload`."""
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def read(data: bytes, limit: int) -> tuple[list[bytes], int]:
    """The first at most `limit` whole payloads in `data`, and the length of their records."""
    payloads: list[bytes] = []
    at = 0
    while len(payloads) < limit and at + HEAD_BYTES <= len(data):
        length, checksum = _HEAD.unpack_from(data, at)
        payload = data[at + HEAD_BYTES : at + HEAD_BYTES + length]
        is_sane = 0 < length <= MAX_RECORD_BYTES  # a zero-filled tail would pass for empty records
        if not is_sane or len(payload) < length or zlib.crc32(payload) != checksum:
            break
        payloads.append(payload)
        at += HEAD_BYTES + length
    return payloads, at

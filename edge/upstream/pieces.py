"""Pieces of a body on their way to a cache and to its readers. Pure."""

from collections.abc import Sequence

Piece = bytes | memoryview
"""Some bytes of a body; a view is of a buffer that does not change any more."""
SPARE_BYTES = 1
"""More than the body has: bytes behind its end are seen at once, and a read that is not full is the last."""


def whole(pieces: Sequence[Piece]) -> Piece:
    """All pieces of a body in one buffer: the one that they are parts of, if they came straight."""
    owner: object = None
    for piece in pieces:
        if not isinstance(piece, memoryview) or (owner is not None and piece.obj is not owner):
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        owner = piece.obj
    n_bytes = sum(map(len, pieces))
    if isinstance(owner, bytearray) and len(owner) == n_bytes + SPARE_BYTES:
        return memoryview(owner)[:n_bytes].toreadonly()
    return b"".join(pieces)

"""Files that are there as they were or as they are, whenever the power goes."""

import os
from pathlib import Path


def write(path: Path, data: bytes) -> None:
    """Replace the file at path; on the medium when this returns. Raises OSError."""
    beside = path.with_suffix(".new")
    file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

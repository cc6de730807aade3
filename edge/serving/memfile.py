"""A body in a file without a name, in memory: what sendfile reads, and what everybody else sees as a buffer.

RAM holds the bytes once. The descriptor lives as long as anybody holds the file or a view of it: an object
that is dropped while answers are under way stays until they end.
"""

import fcntl
import mmap
import os
import resource

SPARE_FILES = 1024
"""Descriptors left for connections and everything else when the files are counted."""
N_DESCRIPTORS = 2
"""What each file takes: its own, and the one that the mapping keeps."""


class MemFile(mmap.mmap):
    """A read-only mapping of an unlinked tmpfs file. It cannot shrink, so no view of it can fault."""

    __slots__ = ("fd",)

    n_open = 0
    """Files of this process."""
    fd: int

    def __new__(cls, body: "bytes | memoryview") -> "MemFile":
        fd = os.memfd_create("edge-body", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            left = memoryview(body)
            while left:
                left = left[os.write(fd, left) :]
            fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
            made = super().__new__(cls, fd, len(body), prot=mmap.PROT_READ)
        except BaseException:
            os.close(fd)
            raise
        made.fd = fd
        MemFile.n_open += 1
        return made

    def __init__(self, body: "bytes | memoryview") -> None:
        super().__init__()

    def __del__(self) -> None:
        MemFile.n_open -= 1
        os.close(self.fd)


def file_of(body: "bytes | memoryview") -> MemFile | None:
    """The file that a body is a view of."""
    held = body.obj if isinstance(body, memoryview) else None
    return held if isinstance(held, MemFile) else None


def allowed_files(wanted: int) -> int:
    """How many files there may be, of `wanted`; raises the soft limit of descriptors if it must."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted * N_DESCRIPTORS + SPARE_FILES
    if soft < needed:
        soft = min(needed, hard) if hard != resource.RLIM_INFINITY else needed
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(0, min(wanted, (soft - SPARE_FILES) // N_DESCRIPTORS))

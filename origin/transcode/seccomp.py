"""A seccomp-BPF program that leaves a decoder its threads and files, and takes the rest.

Pure: the bytes of a `struct sock_filter[]` (seccomp(2), include/uapi/linux/{filter,audit,seccomp}.h). ffmpeg
needs threads but no process: so fork is refused outright, which no rlimit can do for root. Sockets are
refused also where a network namespace is not to be had. Answers EPERM, so that a library sees an error and
goes on.
"""

import struct
from typing import NamedTuple

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NR, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_CLONE_THREAD = 0x00010000
_X32_BIT = 0x40000000


class _Machine(NamedTuple):
    audit_arch: int
    clone: int
    fork: tuple[int, ...]
    """fork and vfork where they exist, setsid, setpgid."""
    column: int
    """Of _DENIED."""


_DENIED = {
    # name: (x86_64, aarch64)
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "ptrace": (101, 117),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "setns": (308, 268),
    "unshare": (272, 97),
    "kill": (62, 129),
    "tkill": (200, 130),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "perf_event_open": (298, 241),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "acct": (163, 89),
    "open_by_handle_at": (304, 265),
    "personality": (135, 92),
    "userfaultfd": (323, 282),
    "bpf": (321, 280),
    "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "pidfd_open": (434, 434),
}
_MACHINES = {
    "x86_64": _Machine(0xC000003E, 56, (57, 58, 112, 109), 0),
    "aarch64": _Machine(0xC00000B7, 220, (157, 154), 1),
}
_CLONE3 = 435


def _op(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _refuse(number: int, errno: int) -> bytes:
    return _op(_EQUAL, 0, 1, number) + _op(_RETURN, 0, 0, _ERRNO | errno)


def program(machine: str, may_fork: bool) -> bytes:
    """The filter for `machine` (as `uname -m` says it); empty when we have no table for it."""
    table = _MACHINES.get(machine)
    if table is None:
        return b""
    code = _op(_LOAD, 0, 0, _ARCH) + _op(_EQUAL, 1, 0, table.audit_arch) + _op(_RETURN, 0, 0, _KILL)
    code += _op(_LOAD, 0, 0, _NR)
    if machine == "x86_64":
        code += _op(_AT_LEAST, 0, 1, _X32_BIT) + _op(_RETURN, 0, 0, _KILL)
    code += b"".join(_refuse(numbers[table.column], _EPERM) for numbers in _DENIED.values())
    if not may_fork:
        code += b"".join(_refuse(number, _EPERM) for number in table.fork)
        # clone3 hides its flags behind a pointer; ENOSYS makes the C library use clone.
        code += _refuse(_CLONE3, _ENOSYS)
        code += _op(_EQUAL, 0, 3, table.clone) + _op(_LOAD, 0, 0, _FIRST_ARGUMENT)
        code += _op(_ANY_BIT, 1, 0, _CLONE_THREAD) + _op(_RETURN, 0, 0, _ERRNO | _EPERM)
    return code + _op(_RETURN, 0, 0, _ALLOW)

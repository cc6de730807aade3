"""Gives up every right it can, then becomes the program it is told to run. Started by jail.py only.

`python -I -S cage.py SPEC [ARGV…]`. A script of the standard library alone, since a `preexec_fn` would run
Python between fork and exec of a threaded server. Without ARGV it prints what it could give up, as JSON.
Refused rlimits or no_new_privs end it (exit 126); the network namespace, capabilities and seccomp are best
effort, because containers often forbid them, and jail.strength() tells which are there.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_CAPBSET_READ, PR_CAPBSET_DROP = 1, 38, 22, 23, 24
SECCOMP_MODE_FILTER = 2
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
LAST_CAPABILITY = 63
EXIT_NO_CAGE = 126

libc = ctypes.CDLL(None, use_errno=True)


class Filter(ctypes.Structure):
    """`struct sock_fprog` of linux/filter.h."""

    _fields_ = (("n_ops", ctypes.c_ushort), ("ops", ctypes.c_char_p))


def limit(spec: dict[str, Any]) -> None:
    """Set the resource limits; raises OSError or ValueError."""
    for name, value in spec["rlimits"].items():
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (allowed, allowed))
    os.nice(spec["niceness"])
    os.umask(0o077)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def leave_network() -> bool:
    """Enter an empty network namespace, through an own user namespace where that is the only way."""
    return bool(libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)


def drop_capabilities() -> bool:
    """Empty the bounding set: after exec, root is a user with root's files and no other power."""
    known = [n for n in range(LAST_CAPABILITY) if libc.prctl(PR_CAPBSET_READ, n, 0, 0, 0) >= 0]
    refused = [n for n in known if libc.prctl(PR_CAPBSET_DROP, n, 0, 0, 0) != 0]
    return not refused


def die_with(parent: int) -> bool:
    """Be killed when the parent dies; False when it is dead already. After unshare, which resets this."""
    return bool(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0) and os.getppid() == parent


def filter_calls(program: bytes) -> bool:
    """Install the seccomp program."""
    code = Filter(len(program) // 8, program)
    return bool(program) and libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(code), 0, 0) == 0


def main(spec: dict[str, Any], argv: list[str]) -> int:
    """Give up what can be given up, in the only order that works, and exec `argv`."""
    try:
        limit(spec)
    except (OSError, ValueError) as error:
        print(f"cage: limits refused: {error}", file=sys.stderr)
        return EXIT_NO_CAGE
    given_up = {"network": leave_network(), "capabilities": drop_capabilities()}
    if not die_with(spec["parent"]) or libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        print("cage: the parent is gone, or no_new_privs is refused", file=sys.stderr)
        return EXIT_NO_CAGE
    given_up["calls"] = filter_calls(bytes.fromhex(spec["seccomp"]))
    if not argv:
        print(json.dumps(given_up))
        return 0
    try:
        os.execve(argv[0], argv, spec["environment"])  # noqa: S606
    except OSError as error:
        print(f"cage: {argv[0]}: {error}", file=sys.stderr)
    return EXIT_NO_CAGE


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1]), sys.argv[2:]))

"""Child processes that die with their parent, even when that is killed with -9 (Linux: PR_SET_PDEATHSIG).

A small Python process asks the kernel for it and then becomes the program: the request survives exec, and no
code of ours runs between fork and exec. The kernel ties it to the *thread* that started the child, so start
leashed children from a thread that lives as long as the process does (the main one).
"""

import os
import sys
from collections.abc import Sequence

_SIGKILL = 9
_TRAMPOLINE = """\
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, int(sys.argv[2]), 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    os._exit(1)
os.execv(sys.argv[3], sys.argv[3:])
"""


def leashed(command: Sequence[str], death_signal: int = _SIGKILL) -> list[str]:
    """`command` (its first part an absolute path) as a command that gets death_signal when this process dies.

    Elsewhere than on Linux it is returned as it is.
    """
    if sys.platform != "linux":
        return list(command)
    return [
        *(sys.executable, "-I", "-S", "-c", _TRAMPOLINE),
        *(str(os.getpid()), str(int(death_signal))),
        *command,
    ]

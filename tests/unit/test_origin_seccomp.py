"""The seccomp program, run by a naive interpreter of classic BPF."""

import struct

import pytest

from origin.transcode.seccomp import program

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
X86_64, AARCH64, I386 = 0xC000003E, 0xC00000B7, 0x40000003
THREAD = 0x00010000 | 0x100


def run(code: bytes, arch: int, number: int, argument: int = 0) -> int:
    """The action for a call: nr, arch, instruction pointer, first argument."""
    data = struct.pack("=IIQQ", number, arch, 0, argument)
    ops = list(struct.iter_unpack("=HBBI", code))
    at = accumulator = 0
    while True:
        op, if_true, if_false, value = ops[at]
        at += 1
        if op == 0x06:
            return int(value)
        if op == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
            continue
        tests = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}
        at += if_true if tests[op] else if_false


@pytest.mark.parametrize(
    ("call", "action"),
    [
        (0, ALLOW),  # read
        (41, EPERM),  # socket
        (57, EPERM),  # fork
        (62, EPERM),  # kill
        (101, EPERM),  # ptrace
        (112, EPERM),  # setsid
        (272, EPERM),  # unshare
        (425, EPERM),  # io_uring_setup
        (435, ENOSYS),  # clone3
        (59, ALLOW),  # execve, of which the cage itself needs one
    ],
)
def test_a_decoder_gets_files_and_nothing_else(call: int, action: int) -> None:
    assert run(program("x86_64", may_fork=False), X86_64, call) == action


@pytest.mark.parametrize(("machine", "arch", "clone"), [("x86_64", X86_64, 56), ("aarch64", AARCH64, 220)])
def test_threads_are_made_and_processes_are_not(machine: str, arch: int, clone: int) -> None:
    code = program(machine, may_fork=False)
    assert run(code, arch, clone, THREAD) == ALLOW
    assert run(code, arch, clone, 17) == EPERM
    assert run(program(machine, may_fork=True), arch, clone, 17) == ALLOW


def test_calls_in_the_dialect_of_another_machine_kill() -> None:
    code = program("x86_64", may_fork=False)
    assert run(code, I386, 1) == KILL
    assert run(code, X86_64, 0x40000000 + 41) == KILL


def test_an_unknown_machine_gets_no_program() -> None:
    assert program("mips", may_fork=False) == b""

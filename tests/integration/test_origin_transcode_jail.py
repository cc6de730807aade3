"""The jail, with programs that try to leave it."""

import asyncio
import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from origin.transcode import jail
from origin.transcode.errors import JailFailed
from tests.waiting import eventually

FORK_BOMB = """
import os
n = 0
try:
    while n < 2000 and os.fork() >= 0:
        n += 1
except OSError as error:
    print(n, error.errno)
"""
FAMILY = """
import os, pathlib, time
child = os.fork()
if not child:
    os.setpgid(0, os.getpgid(os.getppid()))
    grandchild = os.fork()
    pathlib.Path("pid-grandchild" if not grandchild else "pid-child").write_text(str(os.getpid()))
else:
    pathlib.Path("pid-leader").write_text(str(os.getpid()))
time.sleep(60)
"""
ORPHAN = """
import os, pathlib, time
reader, writer = os.pipe()
if os.fork():
    os.read(reader, 1)
    os._exit(0)
pathlib.Path("pid-child").write_text(str(os.getpid()))
os.write(writer, b"x")
time.sleep(60)
"""
THREADS = """
import threading
names = []
crew = [threading.Thread(target=names.append, args=(n,)) for n in range(8)]
[member.start() for member in crew], [member.join() for member in crew]
print(len(names))
"""
CONNECT = """
import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1)
except OSError as error:
    print(error.errno)
"""


async def python(folder: Path, code: str, *arguments: str, **limits: object) -> jail.Completed:
    bounds = jail.JailLimits(**{"wall_s": 20.0, **limits})  # type: ignore[arg-type]
    return await jail.run([sys.executable, "-I", "-c", code, *arguments], cwd=folder, limits=bounds)


def is_gone(pid: int) -> bool:
    """Dead, or a zombie that its new parent has not looked at yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def pids(folder: Path) -> list[int]:
    return [int(file.read_text() or 0) for file in folder.glob("pid-*")]


def family_is_there(folder: Path) -> Callable[[], bool]:
    return lambda: len([pid for pid in pids(folder) if pid]) == 3


@pytest.fixture
async def strength(tmp_path: Path) -> jail.Strength:
    return await jail.strength(tmp_path)


async def test_output_and_exit_code_come_back(tmp_path: Path) -> None:
    done = await python(tmp_path, "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert (done.returncode, done.stdout, done.stderr.strip(), done.last_words) == (3, b"out\n", "err", "err")


async def test_output_is_bounded_and_never_blocks_the_program(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('a' * 3_000_000); sys.stderr.write('b' * 3_000_000 + 'end')"
    done = await python(tmp_path, code, stdout_bytes=1000, stderr_bytes=100)
    assert done.returncode == 0
    assert done.stdout == b"a" * 1000
    assert done.stderr == "b" * 97 + "end"


async def test_the_environment_is_clean_and_stdin_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_REDIS_URL", "redis://:secret@host")
    done = await python(tmp_path, "import os, sys; print(sorted(os.environ), sys.stdin.read())")
    assert done.stdout.decode().split("]")[0] == "['HOME', 'LANG', 'PATH', 'TMPDIR'"
    assert b"secret" not in done.stdout


async def test_no_descriptor_of_the_server_is_inherited(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("wb") as file:
        os.set_inheritable(file.fileno(), True)
        done = await python(tmp_path, "import os; print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])")
    assert done.stdout.strip() == b"[0, 1, 2]"


async def test_privileges_cannot_come_back(tmp_path: Path, strength: jail.Strength) -> None:
    done = await python(tmp_path, "print(open('/proc/self/status').read())", stdout_bytes=8000)
    status = dict(line.split(":\t", 1) for line in done.stdout.decode().splitlines() if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) == 0 or not strength.capabilities
    assert status["Seccomp"] == "2" or not strength.calls


async def test_a_fork_bomb_does_not_get_one_child(tmp_path: Path, strength: jail.Strength) -> None:
    if not strength.calls:
        pytest.skip("no seccomp filter on this machine")
    done = await python(tmp_path, FORK_BOMB)
    assert done.stdout.split() == [b"0", str(errno.EPERM).encode()]


async def test_threads_are_allowed(tmp_path: Path) -> None:
    assert (await python(tmp_path, THREADS)).stdout == b"8\n"


async def test_a_memory_hog_dies_alone(tmp_path: Path) -> None:
    done = await python(tmp_path, "x = bytearray(900_000_000)", memory_bytes=300 * 1024**2)
    assert done.returncode != 0
    assert "MemoryError" in done.stderr


async def test_a_file_over_the_cap_kills_its_writer(tmp_path: Path) -> None:
    done = await python(
        tmp_path, "f = open('big', 'wb')\nwhile True: f.write(bytes(65536))", file_bytes=1_000_000
    )
    assert done.returncode != 0
    assert (tmp_path / "big").stat().st_size <= 1_000_000


async def test_a_busy_loop_ends_at_the_cpu_limit(tmp_path: Path) -> None:
    done = await python(tmp_path, "while True: pass", cpu_s=1)
    assert done.returncode < 0
    assert not done.is_timed_out


async def test_open_files_are_limited(tmp_path: Path) -> None:
    done = await python(tmp_path, "x = [open('/dev/null') for _ in range(200)]", n_files=32)
    assert "Too many open files" in done.stderr


async def test_the_network_is_out_of_reach(tmp_path: Path, strength: jail.Strength) -> None:
    if not (strength.network or strength.calls):
        pytest.skip("neither network namespaces nor seccomp on this machine")
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        done = await python(tmp_path, CONNECT, str(port))
    assert int(done.stdout) in (errno.EPERM, errno.ENETUNREACH, errno.ECONNREFUSED)


async def test_a_timeout_kills_the_whole_group(tmp_path: Path) -> None:
    run = asyncio.create_task(python(tmp_path, FAMILY, wall_s=2.0, may_fork=True))
    await eventually(family_is_there(tmp_path))
    assert (await run).is_timed_out
    await eventually(lambda: all(map(is_gone, pids(tmp_path))))


async def test_a_cancel_kills_the_whole_group_before_it_passes_on(tmp_path: Path) -> None:
    run = asyncio.create_task(python(tmp_path, FAMILY, may_fork=True))
    await eventually(family_is_there(tmp_path))
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    await eventually(lambda: all(map(is_gone, pids(tmp_path))))


async def test_a_leaders_exit_takes_its_family_along(tmp_path: Path) -> None:
    done = await python(tmp_path, ORPHAN, may_fork=True)
    assert (done.returncode, done.is_timed_out) == (0, False)
    await eventually(lambda: all(map(is_gone, pids(tmp_path))))


async def test_the_prisoner_dies_with_a_server_that_is_killed(tmp_path: Path) -> None:
    server = (
        "import asyncio, sys; from pathlib import Path; from origin.transcode import jail\n"
        'code = \'import os, time; open("pid-a", "w").write(str(os.getpid())); time.sleep(60)\'\n'
        "argv = [sys.executable, '-I', '-c', code]\n"
        f"asyncio.run(jail.run(argv, cwd=Path({str(tmp_path)!r}), limits=jail.JailLimits()))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", server, env={"PYTHONPATH": str(Path(jail.__file__).parents[2])}
    )
    await eventually(lambda: any(pids(tmp_path)))
    process.kill()
    await process.wait()
    await eventually(lambda: all(map(is_gone, pids(tmp_path))))


async def test_a_missing_program_is_our_failure(tmp_path: Path) -> None:
    with pytest.raises(JailFailed, match="No such file"):
        await jail.run(["/no/such/ffmpeg"], cwd=tmp_path, limits=jail.JailLimits())

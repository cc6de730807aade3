"""A real PostgreSQL for tests, where one is installed; in a folder of its own, on a Unix socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MISSING = "PostgreSQL tests left out: no initdb and pg_ctl on PATH (apt-get install postgresql)"


def is_installed() -> bool:
    """Whether this machine has the server."""
    return bool(shutil.which("initdb") and shutil.which("pg_ctl"))


def _run(*command: str) -> None:
    account = pwd.getpwnam("nobody") if os.getuid() == 0 else None  # PostgreSQL refuses to run as root
    switched = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    done = subprocess.run(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
        **switched,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, command


@contextmanager
def running() -> Iterator[str]:
    """The URL of a server's database `postgres`, for SQLAlchemy."""
    folder = Path(tempfile.mkdtemp(prefix="headstart-pg-"))
    if os.getuid() == 0:
        os.chown(folder, pwd.getpwnam("nobody").pw_uid, -1)
    data = str(folder / "data")
    try:
        _run("initdb", "-D", data, "-A", "trust", "-U", "headstart", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        _run("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+asyncpg://headstart@/postgres?host={folder}"
        finally:
            _run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)

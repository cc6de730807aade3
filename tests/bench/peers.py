"""The servers that the edge's bench drives, each a process of its own on one core."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_S = 30
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000; sendfile on;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache keys_zone=bench:10m;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_cache bench; }}
  }}
}}
"""


@dataclass(frozen=True)
class Peer:
    """A running server."""

    name: str
    port: int
    pid: int

    def cpu_s(self) -> float:
        """Processor seconds, user and system, since its start."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


@contextmanager
def started(name: str, command: list[str], told: Path, **environ: str) -> Iterator[Peer]:
    """A server that writes its port or URL into `told` when it is ready; stopped at the end."""
    process = subprocess.Popen(
        command,
        env={**_plain_environ(), "PYTHONPATH": str(ROOT), **environ},
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        yield Peer(name, _port(process, told), process.pid)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def _plain_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HEADSTART_")}


def _port(process: "subprocess.Popen[bytes]", told: Path) -> int:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        if told.exists() and (text := told.read_text().strip()):
            return int(text.rpartition(":")[2])
        time.sleep(0.02)
    raise AssertionError(f"not ready in {START_S} s: {process.args!r}")


def bare_aiohttp(folder: Path, name: str = "aiohttp") -> AbstractContextManager[Peer]:
    """aiohttp and nothing else."""
    told = folder / f"{name}.port"
    script = Path(__file__).with_name("bare_aiohttp.py")
    return started(name, [sys.executable, str(script), str(told)], told)


def edge(folder: Path, origin: Peer) -> AbstractContextManager[Peer]:
    """The standalone edge in front of `origin`."""
    url = f"http://127.0.0.1:{origin.port}"
    command = [sys.executable, "-m", "edge", "--origin", url, "--listen", "127.0.0.1:0"]
    told = folder / "edge-alone.url"
    return started("edge", command, told, HEADSTART_DATA_DIR=str(folder))


def nginx(folder: Path, origin: Peer, port: int) -> AbstractContextManager[Peer] | None:
    """Stock nginx with proxy_cache and sendfile; None when it is not on PATH."""
    binary = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if binary is None:
        return None
    config, told = folder / "nginx.conf", folder / "nginx.port"
    config.write_text(NGINX.format(folder=folder, port=port, origin=origin.port))
    told.write_text(str(port))
    return started("nginx", [binary, "-p", str(folder), "-c", str(config)], told)

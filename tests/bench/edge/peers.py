"""The servers that stand beside the edge, each on one core, and how each is set up.

All get the same origin, bodies in RAM (tmpfs or malloc) and, from 64 KiB, the same SO_SNDBUF where it can be.
"""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.edge.build import Programs
from tests.bench.edge.process import ROOT, Peer, free_port, is_listening, started, told_port

SNDBUF_BYTES = 256 * 1024
STORE_MIB = 512
"""Room of each cache."""

NGINX = """
daemon off; worker_processes 1; user {user}; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
worker_rlimit_nofile 20000;
events {{ worker_connections 15000; }}
http {{
  access_log off; keepalive_requests 1000000000; sendfile on;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache keys_zone=bench:16m max_size={store}m;
  {tuning}
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 128; }}
  server {{
    {listen}
    proxy_force_ranges on;
    location / {{
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_cache bench;
    }}
  }}
}}
"""
NGINX_TUNING = """
  open_file_cache max=20000 inactive=600s; open_file_cache_valid 600s;
  proxy_buffer_size 16k; proxy_buffers 16 64k; proxy_busy_buffers_size 128k; output_buffers 2 128k;
"""
VARNISH = """
vcl 4.1;
backend default {{ .host = "127.0.0.1"; .port = "{origin}"; }}
"""


@dataclass(frozen=True)
class Place:
    """Where servers run."""

    folder: Path
    """On tmpfs."""
    programs: Programs
    cores: frozenset[int]
    bodies: tuple[Path, ...]
    certificate: Path | None = None
    """PEM of certificate and key together; None: no TLS."""


Start = Callable[[Place, Peer], AbstractContextManager[Peer]]


@contextmanager
def bare(place: Place, name: str = "C") -> Iterator[Peer]:
    """The C server: the ceiling, and the origin of all others."""
    told = place.folder / f"{name}.port"
    command = [str(place.programs.bare), str(told), str(SNDBUF_BYTES), *(str(path) for path in place.bodies)]
    with started(command, place.cores, lambda: told_port(told) > 0) as pid:
        yield Peer(name, pid, told_port(told))


@contextmanager
def bare_aiohttp(place: Place, origin: Peer) -> Iterator[Peer]:
    """aiohttp's own handler with `web.Response(bytes)` and nothing else."""
    told = place.folder / "aiohttp.port"
    script = Path(__file__).with_name("bare_aiohttp.py")
    command = [sys.executable, str(script), str(told), *(str(path) for path in place.bodies)]
    with started(command, place.cores, lambda: told_port(told) > 0) as pid:
        yield Peer("aiohttp", pid, told_port(told))


@dataclass(frozen=True)
class EdgeKind:
    """How an edge differs from the one that is measured most."""

    name: str = "edge"
    disk_mib: int = STORE_MIB
    """0: no disk tier."""
    is_tls: bool = False
    n_workers: int = 1
    is_reserved: bool = True
    """Its memory is touched at the start."""
    checkout: Path = ROOT
    """Whose `edge` runs; its dependencies are ours."""


@contextmanager
def edge(place: Place, origin: Peer, kind: EdgeKind = EdgeKind()) -> Iterator[Peer]:
    """`python -m edge --origin …` with metrics, eviction, Age and the sampled access log on, as they are."""
    name = kind.name
    folder = place.folder / name.replace(" ", "-")
    folder.mkdir(exist_ok=True)
    told = folder / "edge-alone.url"
    told.unlink(missing_ok=True)
    url = f"http://127.0.0.1:{origin.port}"
    command = [sys.executable, "-m", "edge", "--origin", url, "--listen", "127.0.0.1:0"]
    environ = {
        "HEADSTART_DATA_DIR": str(folder),
        "HEADSTART_EDGE_CACHE_MEMORY_BYTES": str(STORE_MIB << 20),
        "HEADSTART_EDGE_CACHE_DISK_BYTES": str(kind.disk_mib << 20),
        "HEADSTART_EDGE_CACHE_IS_RESERVED": str(kind.is_reserved).lower(),
        "HEADSTART_EDGE_LISTENING_SEND_BUFFER_BYTES": str(SNDBUF_BYTES),
    }
    if kind.n_workers > 1:
        environ["HEADSTART_EDGE_WORKERS"] = str(kind.n_workers)
    if kind.is_tls:
        environ["HEADSTART_EDGE_LISTENING_TLS_CERT"] = str(place.certificate)
        environ["HEADSTART_EDGE_LISTENING_TLS_KEY"] = str(place.certificate)
    with started(command, place.cores, lambda: told_port(told) > 0, environ, kind.checkout) as pid:
        port = told_port(told)
        yield Peer(name, pid, port, tls_port=port if kind.is_tls else 0)


def nginx(place: Place, origin: Peer) -> AbstractContextManager[Peer]:
    """proxy_cache on tmpfs with sendfile, and else as it comes."""
    return _nginx(place, origin, "nginx", "")


def nginx_tuned(place: Place, origin: Peer) -> AbstractContextManager[Peer]:
    """The same with what helps it here; bodies from 64 KiB by a listener with a larger send buffer."""
    return _nginx(place, origin, "nginx tuned", NGINX_TUNING)


@contextmanager
def _nginx(place: Place, origin: Peer, name: str, tuning: str) -> Iterator[Peer]:
    folder = place.folder / name.replace(" ", "-")
    folder.mkdir(exist_ok=True)
    port, large_port, tls_port = free_port(), free_port() if tuning else 0, 0
    listens = [f"listen 127.0.0.1:{port};"]
    if large_port:
        listens.append(f"listen 127.0.0.1:{large_port} sndbuf={SNDBUF_BYTES // 1024}k;")
    if place.certificate is not None:
        tls_port = free_port()
        sndbuf = f" sndbuf={SNDBUF_BYTES // 1024}k" if tuning else ""
        listens.append(f"listen 127.0.0.1:{tls_port} ssl{sndbuf}; ssl_protocols TLSv1.3;")
        listens.append(f"ssl_certificate {place.certificate}; ssl_certificate_key {place.certificate};")
    config = folder / "nginx.conf"
    config.write_text(
        NGINX.format(
            user=pwd.getpwuid(os.getuid()).pw_name,
            folder=folder,
            origin=origin.port,
            store=STORE_MIB,
            tuning=tuning,
            listen="\n    ".join(listens),
        )
    )
    command = [str(found("nginx")), "-p", str(folder), "-c", str(config)]
    with started(command, place.cores, lambda: is_listening(port)) as pid:
        yield Peer(name, pid, port, large_port, tls_port)


@contextmanager
def varnish(place: Place, origin: Peer) -> Iterator[Peer]:
    """malloc storage, one pool of threads. It has no setting for SO_SNDBUF: the kernel sizes its buffers."""
    folder, port = place.folder / "varnish", free_port()
    folder.mkdir(exist_ok=True)
    (folder / "bench.vcl").write_text(VARNISH.format(origin=origin.port))
    command = [str(found("varnishd")), "-F", "-j", "none", "-n", str(folder / "work")]
    command += ["-f", str(folder / "bench.vcl"), "-a", f"127.0.0.1:{port}", "-s", f"malloc,{STORE_MIB}m"]
    for setting in ("thread_pools=1", "thread_pool_min=100", "thread_pool_max=1000"):
        command += ["-p", setting]
    with started(command, place.cores, lambda: is_listening(port)) as pid:
        yield Peer("varnish", pid, port)


def found(program: str) -> str | None:
    """The path of a server's program; Debian keeps them where only root's PATH looks."""
    return shutil.which(program) or shutil.which(f"/usr/sbin/{program}")


BESIDE: dict[str, tuple[str, Start]] = {
    "nginx": ("nginx", nginx),
    "nginx tuned": ("nginx", nginx_tuned),
    "varnish": ("varnishd", varnish),
}
"""The servers that may be missing here: the program that each needs, and its start."""


def self_signed(folder: Path) -> Path | None:
    """A throw-away certificate with its key in one PEM; None when there is no openssl."""
    if shutil.which("openssl") is None:
        return None
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += [
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=30)
    both.write_text(certificate.read_text() + key.read_text())
    both.chmod(0o600)
    return both

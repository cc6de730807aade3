"""What `headstart up` starts: which processes, with which settings, in which order; and where they listen.

Pure. Every process of ours is `python -m <service>`, told everything by HEADSTART_* variables, so that a
production deployment differs from this one only in its values.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ANY_HOST = "0.0.0.0"  # noqa: S104 - recognised, not bound
MAX_WORKERS = 32
PORTS_TRIED = 50
"""How many ports above a taken one are tried."""


class Address(NamedTuple):
    """A host and a port to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        return f"http://{'127.0.0.1' if self.host == ANY_HOST else self.host}:{self.port}"


class Layout(NamedTuple):
    """One installation on one machine."""

    data_dir: Path
    edge: Address
    admin: Address
    """The edge's operator listener."""
    origin: Address
    brain: Address
    nats_url: str
    redis_url: str
    n_workers: int


class Service(NamedTuple):
    """One child process."""

    name: str
    arguments: tuple[str, ...]
    """Of the Python interpreter."""
    environ: dict[str, str]
    url_file: Path | None = None
    """Written by the process when it is ready; None when it serves nobody."""


def address(text: str) -> Address:
    """`host:port` parsed. Raises ValueError with the reason."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is not host:port")
    return Address(host or "127.0.0.1", int(port))


def next_free(wanted: Address, is_free: Callable[[Address], bool]) -> Address:
    """The first free address from `wanted` upwards. Raises ValueError after PORTS_TRIED."""
    for port in range(wanted.port, min(wanted.port + PORTS_TRIED, 65536)):
        if is_free(candidate := Address(wanted.host, port)):
            return candidate
    raise ValueError(f"no free port on {wanted.host} from {wanted.port} to {wanted.port + PORTS_TRIED - 1}")


def services(layout: Layout) -> list[Service]:
    """The child processes, in the order of their start."""
    listens = {"origin": layout.origin, "brain": layout.brain, "edge": layout.edge}
    origin, brain, edge = (
        Service(
            name,
            ("-m", name),
            _environ(layout, name) | {f"HEADSTART_{name.upper()}_LISTEN": str(listen)},
            layout.data_dir / f"{name}.url",
        )
        for name, listen in listens.items()
    )
    edge.environ["HEADSTART_EDGE_ADMIN_LISTEN"] = str(layout.admin)
    workers = [
        Service(f"worker-{i + 1}", ("-m", "origin", "worker"), _environ(layout, "origin"))
        for i in range(layout.n_workers)
    ]
    return [origin, *workers, brain, edge]


def trainer(layout: Layout) -> Service:
    """The process that trains a model once, and ends."""
    return Service("train", ("-m", "brain", "train"), _environ(layout, "brain"))


def _environ(layout: Layout, name: str) -> dict[str, str]:
    shared = {
        "HEADSTART_NATS_URL": layout.nats_url,
        f"HEADSTART_{name.upper()}_DATA_DIR": str(layout.data_dir),
    }
    if name == "origin":  # it is the origin, and knows no Redis
        return shared
    return shared | {"HEADSTART_REDIS_URL": layout.redis_url, "HEADSTART_ORIGIN_URL": layout.origin.url}

"""A real nats-server that a test starts, kills, freezes, and bereaves of its disk."""

import os
import shutil
import signal
from pathlib import Path

from shared import embedded
from tests.waiting import eventually


class NatsUnderTest:
    """A nats-server that comes back at the same address with the same data."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self._data_dir = data_dir
        self._port = port
        self._server: embedded.Server | None = None
        self.url = f"nats://127.0.0.1:{port}"

    async def start(self) -> None:
        self._server = await embedded.nats_server(self._data_dir, {}, port=self._port)

    def signal(self, number: signal.Signals) -> None:
        assert self._server is not None and self._server.pid is not None
        os.kill(self._server.pid, number)

    async def freeze(self) -> None:
        """Stop it where it stands; each of its threads stops on its own."""
        self.signal(signal.SIGSTOP)
        assert self._server is not None
        threads = Path(f"/proc/{self._server.pid}/task")

        def all_stopped() -> bool:
            stats = [(thread / "stat").read_text() for thread in threads.iterdir()]
            return all(stat.rpartition(")")[2].split()[0] == "T" for stat in stats)

        await eventually(all_stopped)

    async def kill(self) -> None:
        assert self._server is not None
        self.signal(signal.SIGKILL)
        await self._server.wait()

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop()

    def lose_disk(self) -> None:
        shutil.rmtree(self._data_dir / "nats" / "store")

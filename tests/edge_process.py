"""`python -m edge` with a log of its own, for tests that kill it."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Self

from tests.waiting import eventually

ROOT = Path(__file__).resolve().parents[1]


class EdgeProcess:
    """One edge; `url` and `admin_url` are known once it is ready."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        data_dir.mkdir(parents=True)
        listen = dict.fromkeys(("HEADSTART_EDGE_LISTEN", "HEADSTART_EDGE_ADMIN_LISTEN"), "127.0.0.1:0")
        quick = {"HEADSTART_EDGE_CACHE_IS_RESERVED": "false"}  # most live too short for it to pay
        self._environ = {**os.environ, **listen, **quick, **environ, "HEADSTART_DATA_DIR": str(data_dir)}
        self._log = data_dir / "edge.log"
        self.url = self.admin_url = ""

    async def start(self) -> Self:
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "edge", env=self._environ, stderr=log, cwd=ROOT
            )
        ready = await eventually(self._ready, within_s=60)
        self.url, self.admin_url = ready["url"], ready["admin_url"]
        return self

    async def end(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end; its status."""
        if self._process.returncode is None:
            self._process.send_signal(number)
        async with asyncio.timeout(30):
            return await self._process.wait()

    def _ready(self) -> dict[str, str] | None:
        assert self._process.returncode is None, self._log.read_text("utf-8")
        for line in self._log.read_text("utf-8").splitlines():
            if '"ready"' in line:
                return dict(json.loads(line))
        return None

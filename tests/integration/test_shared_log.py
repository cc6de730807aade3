"""What a process that uses shared.log writes."""

import asyncio
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROCESS = """
import logging, warnings
from shared import log
log.configure("edge", "info")
logging.getLogger("edge.app").info("ready", extra={"url": "http://127.0.0.1:1"})
logging.getLogger("edge.app").debug("unseen")
logging.getLogger("aiohttp.access").info("unseen")
warnings.warn("old")
"""


async def test_a_process_logs_one_json_object_a_line_on_stderr() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROCESS,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    told = [json.loads(line) for line in err.splitlines()]

    assert out == b""
    assert [(line["level"], line["logger"]) for line in told] == [
        ("INFO", "edge.app"),
        ("WARNING", "py.warnings"),
    ]
    assert (told[0]["msg"], told[0]["url"]) == ("ready", "http://127.0.0.1:1")

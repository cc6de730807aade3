"""`python -m origin` serves uploads, catalogue and media; `python -m origin worker` transcodes;
`python -m origin withdraw VIDEO` takes a video back.
"""

import argparse
import os
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop

from origin.config import OriginConfig
from shared import config, log
from shared.errors import ConfigError, ServiceError


def main(arguments: list[str]) -> int:
    """The exit status: 0, 1 for what went wrong, 2 for a wrong configuration."""
    options = _parser().parse_args(arguments)
    try:
        settings = config.load(OriginConfig, prefix="origin", file=options.config, environ=os.environ)
    except ConfigError as exc:
        print(f"origin: {exc.detail}", file=sys.stderr)
        return 2
    if options.listen:
        settings = replace(settings, listen=options.listen)
    if options.print_config:
        print(config.render(settings), end="")
        return 0
    log.configure("origin" if options.command == "serve" else f"origin-{options.command}", settings.log_level)
    return _finished(_work(options.command, options.video, settings))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m origin", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("serve", "worker", "withdraw"), default="serve")
    parser.add_argument("video", nargs="?", default="", help="withdraw: the video's id")
    parser.add_argument("--config", type=Path, help="TOML file, see configs/origin.toml")
    parser.add_argument("--listen", default="", help="HOST:PORT; port 0 takes a free one")
    parser.add_argument(
        "--print-config", action="store_true", help="print every key and its value, then exit"
    )
    return parser


async def _work(command: str, video: str, settings: OriginConfig) -> None:
    from origin import app

    if command == "worker":
        await app.run_worker(settings)
    elif command == "withdraw":
        await app.withdraw(settings, video)
    else:
        await app.run_api(settings)


def _finished(work: Coroutine[Any, Any, None]) -> int:
    try:
        uvloop.run(work)
    except ServiceError as exc:
        print(f"origin: {exc.detail}", file=sys.stderr)
        return 1
    except OSError as exc:
        print(f"origin: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

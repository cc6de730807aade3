"""`python -m brain` serves; `python -m brain train` trains a model and announces it."""

import argparse
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvloop

from brain.config import BrainConfig
from shared import config, log
from shared.errors import ConfigError, ServiceError

# One thread of linear algebra: a queue is built in the event loop's thread, and its arrays are small.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main(arguments: list[str]) -> int:
    """The exit status: 0, 1 for what went wrong, 2 for a wrong configuration."""
    parser = argparse.ArgumentParser(prog="python -m brain", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("serve", "train"), default="serve")
    parser.add_argument("--config", type=Path, help="TOML file, see configs/brain.toml")
    parser.add_argument(
        "--print-config", action="store_true", help="print every key and its value, then exit"
    )
    parser.add_argument(
        "--from-start", action="store_true", help="train: on every event in the stream, however old"
    )
    options = parser.parse_args(arguments)
    try:
        settings = config.load(BrainConfig, prefix="brain", file=options.config, environ=os.environ)
    except ConfigError as exc:
        print(f"brain: {exc.detail}", file=sys.stderr)
        return 2
    if options.print_config:
        print(config.render(settings), end="")
        return 0
    log.configure("brain", settings.log_level)
    if options.command == "train":
        return _train(settings, from_start=options.from_start)
    return _finished(_serve(settings))


async def _serve(settings: BrainConfig) -> None:
    from brain.app import run

    await run(settings)


def _train(settings: BrainConfig, *, from_start: bool) -> int:
    from rich.console import Console

    from brain.training.run import train

    return _finished(train(settings, from_start=from_start, console=Console()))


def _finished(work: Coroutine[Any, Any, Any]) -> int:
    try:
        uvloop.run(work)
    except ServiceError as exc:
        print(f"brain: {exc.detail}", file=sys.stderr)
        return 1
    except OSError as exc:
        print(f"brain: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

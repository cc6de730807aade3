"""`python -m edge` serves viewers; `python -m edge --origin URL --listen HOST:PORT` alone is an HTTP cache
in front of any origin, when no NATS URL is configured.
"""

import argparse
import gc
import os
import sys
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop

# One thread of linear algebra: a re-rank runs in the event loop's thread, and its arrays are small.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from edge.config import EdgeConfig
from edge.workers.inherited import Inherited
from shared import config, log
from shared.errors import ConfigError, ServiceError

NAME = "edge"
COLLECTED_AFTER = (10_000, 20, 20)
"""New objects before a garbage collection, and collections before one that looks further back."""


def main(arguments: list[str]) -> int:
    """The exit status: 0, 1 for what went wrong, 2 for a wrong configuration."""
    options = _parser().parse_args(arguments)
    try:
        settings = config.load(EdgeConfig, prefix="edge", file=options.config, environ=os.environ)
        log.configure("edge", settings.log_level)
    except ConfigError as exc:
        print(f"edge: {exc.detail}", file=sys.stderr)
        return 2
    settings = replace(
        settings,
        listen=options.listen or settings.listen,
        admin_listen=options.admin_listen or settings.admin_listen,
        origin_url=options.origin or settings.origin_url,
    )
    if options.print_config:
        print(config.render(settings), end="")
        return 0
    part = Inherited.read(options)
    if part is None and (settings.workers > 1 or settings.is_supervised):
        return _finished(_supervised(settings, arguments))
    is_alone = bool(options.origin) and not settings.nats_url
    if part is not None and not part.is_main:
        return _finished(_worker(part, settings, is_alone=is_alone))
    if is_alone:
        is_asked_for = options.admin_listen or settings.admin_listen != EdgeConfig().admin_listen
        return _finished(_alone(settings if is_asked_for else replace(settings, admin_listen=""), part))
    return _finished(_node(settings, part))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m edge", description=__doc__)
    parser.add_argument("--config", type=Path, help="TOML file, see configs/edge.toml")
    parser.add_argument(
        "--origin", default="", help="URL of the origin; without a NATS URL: be a cache, alone"
    )
    parser.add_argument("--listen", default="", help="HOST:PORT; port 0 takes a free one")
    parser.add_argument(
        "--admin-listen",
        default="",
        help="HOST:PORT of the operator's listener; alone there is none unless it is given or configured",
    )
    parser.add_argument(
        "--print-config", action="store_true", help="print every key and its value, then exit"
    )
    Inherited.declare(parser)
    return parser


async def _supervised(settings: EdgeConfig, arguments: list[str]) -> int:
    from edge.workers.supervisor import Supervision, Supervisor

    return await Supervisor(
        Supervision(settings.listen, settings.workers, settings.grace_s, tuple(arguments))
    ).run()


async def _worker(part: Inherited, settings: EdgeConfig, *, is_alone: bool) -> None:
    from edge.handlers.signed import Gate
    from edge.standalone import to_the_letter
    from edge.workers.worker import MediaGate, run

    _keep_imports()
    gate = Gate(settings.signed) if is_alone else MediaGate(settings.signed)
    await run(part, settings, to_the_letter(settings.cache), gate)


async def _node(settings: EdgeConfig, part: Inherited | None) -> None:
    from edge.app import run

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    _keep_imports()
    await run(settings, part)


async def _alone(settings: EdgeConfig, part: Inherited | None) -> None:
    from edge.standalone import run

    _keep_imports()
    await run(settings, part)


def _keep_imports() -> None:
    """Take all that was imported out of later garbage collections: a full one walks 100,000 objects else, and
    every answer of that moment waits. Measured on misses: 0.9 of the processor time, 0.7 of the p99. What is
    new is looked at when most requests that made it are over, not while they run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)


def _finished(work: Coroutine[Any, Any, int | None]) -> int:
    try:
        return uvloop.run(work) or 0
    except (ServiceError, OSError) as exc:
        print(f"edge: {exc}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
